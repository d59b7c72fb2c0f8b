"""Flash under power cuts: littlefs and NVS of a simulated board, cut at every write, whole and torn."""

import subprocess
import sys
import zlib

import pytest

from tests.host.sim_desk import desk

SAVE = """
import os
def load():
    try:
        return open("/record.txt").read()
    except OSError:
        return ""
print("loaded", len(load()), load()[:1])
with open("/new.txt", "w") as file:
    file.write(chr(65 + len(os.listdir("/"))) * 700)
os.rename("/new.txt", "/record.txt")
print("saved")
"""


@pytest.mark.parametrize("torn", [False, True])
def test_littlefs_keeps_the_old_or_the_new_file_at_every_cut(tmp_path, torn):
    with desk(tmp_path, SAVE) as (_, board):
        board.power_on()
        board.wait_for("^saved$")
        board.power_cut()
        cuts = 0
        while True:
            cuts += 1
            board.cut_at_write(cuts, torn)
            board.power_on()
            line = board.wait_for("^saved$|^sim: off: power cut at write")
            board.cut_at_write(None)
            board.power_cut()
            assert board.read_file("/record.txt") in (b"C" * 700, b"D" * 700, b"E" * 700)
            if line == "saved":
                break
        assert cuts > 5


def test_power_cut_names_the_write_and_leaves_the_board_off(tmp_path):
    with desk(tmp_path, "import esp32; esp32.NVS('a').set_i32('b', 1); print('not reached')") as (_, board):
        board.power_on()
        board.wait_for("not reached")
        board.power_cut()
        board.erase()
        before = board.writes
        board.cut_at_write(20)
        board.power_on()
        board.wait_until_off()
        assert board.writes == before + 20
        assert board.lines[-1] == f"sim: off: power cut at write {before + 20}"


def test_nvs_outlives_a_power_cut_without_commit(tmp_path):
    program = """
    import esp32
    store = esp32.NVS("app")
    try:
        print("found", store.get_i32("n"))
    except OSError as error:
        print(error)
        store.set_i32("n", -5)
        print("set")
    """
    with desk(tmp_path, program) as (_, board):
        board.power_on()
        board.wait_for("^set$")
        board.power_cut()
        board.power_on()
        board.wait_for("found -5")


@pytest.mark.parametrize(("image", "least", "most"), [("stock", 14, 17), ("ota", 6, 10)])
def test_nvs_has_the_room_of_its_partition(tmp_path, image, least, most):
    program = """
    import esp32
    store, count = esp32.NVS("app"), 0
    try:
        while True:
            store.set_blob("key%d" % count, bytes([count]) * 1000)
            count += 1
    except OSError as error:
        print("blobs", count, error)
    """
    with desk(tmp_path, program, image=image) as (_, board):
        board.power_on()
        line = board.wait_for("^blobs ")
        assert least <= int(line.split()[1]) <= most
        assert line.endswith("(-4357, 'ESP_ERR_NVS_NOT_ENOUGH_SPACE')")


def test_nvs_of_a_newer_version_is_erased_whole_at_power_on(tmp_path):
    program = """
    import esp32
    store = esp32.NVS("app")
    try:
        print("found", store.get_i32("n"))
    except OSError as error:
        store.set_i32("n", 1)
        print("new")
    """
    with desk(tmp_path, program) as (_, board):
        board.power_on()
        board.wait_for("new")
        board.power_cut()
        nvs = board.flash.folder / "nvs.bin"
        image = bytearray(nvs.read_bytes())
        image[8] = 0xFC  # version 3 of the page format, with the checksum that belongs to it
        image[28:32] = _page_crc(image)
        nvs.write_bytes(image)
        board.power_on()
        board.wait_for("new")


def _page_crc(page):
    return zlib.crc32(bytes(page[4:28]), 0xFFFFFFFF).to_bytes(4, "little")


def test_corrupt_file_system_is_told_and_never_reaches_the_firmware(tmp_path):
    with desk(tmp_path, "print('main ran')") as (_, board):
        board.write_file("/a", "b")
        vfs = board.flash.folder / "vfs.bin"
        vfs.write_bytes(b"\0" * len(vfs.read_bytes()))
        board.power_on()
        board.wait_for("The filesystem appears to be corrupted")
        assert "main ran" not in board.lines


def test_nvs_image_of_espressifs_own_generator_is_read(tmp_path):
    pytest.importorskip("esp_idf_nvs_partition_gen", reason="pip install esp-idf-nvs-partition-gen")
    blob = bytes(range(256)) * 20
    (tmp_path / "table.csv").write_text(
        "key,type,encoding,value\n"
        "app,namespace,,\n"
        "number,data,i32,-7\n"
        f"short,data,hex2bin,{blob[:100].hex()}\n"
        f"long,data,hex2bin,{blob.hex()}\n",
        encoding="utf-8",
    )
    program = """
    import esp32
    store, buffer = esp32.NVS("app"), bytearray(6000)
    print("number", store.get_i32("number"))
    expected = bytes(range(256)) * 20
    for key in ("short", "long"):
        n = store.get_blob(key, buffer)
        print(key, n, bytes(buffer[:n]) == expected[:n])
    store.set_blob("long", b"new")
    store.set_i32("number", 8)
    print("changed", store.get_blob("long", buffer), store.get_i32("number"))
    """
    with desk(tmp_path, program) as (_, board):
        image = board.flash.folder / "nvs.bin"
        generate = [sys.executable, "-m", "esp_idf_nvs_partition_gen", "generate", "table.csv", str(image), "0x6000"]
        subprocess.run(generate, cwd=tmp_path, check=True, capture_output=True, timeout=60)
        board.power_on()
        board.wait_for("^number -7$")
        board.wait_for("^short 100 True$")
        board.wait_for("^long 5120 True$")
        board.wait_for("^changed 3 8$")
