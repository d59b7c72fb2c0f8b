"""What goes into a firmware image, and whether the chip can hold it: tables, manifest, what the build misses."""

import re
import subprocess
import sys

import pytest

from tools.board import firmware, partitions
from tools.board.partitions import Partition
from tools.interpreter import ROOT

TABLES = {"4MiB": 4 << 20, "8MiB": 8 << 20}
BOARDS = sorted(path.parent.name for path in firmware.BOARDS.glob("*/mpconfigboard.cmake"))
# ports/esp32/partitions-4MiB-ota.csv and sdkconfig.base of MicroPython: what its bootloader and updates expect.
PORT_OTA_DATA = (0xD000, 0x2000)
PORT_SLOTS_4MIB = [(0x10000, 0x180000), (0x190000, 0x180000)]
PORT_NVS = 0x4000


def rows(name):
    return {each.name: each for each in partitions.read(ROOT / "firmware" / "partitions" / f"{name}.csv")}


@pytest.mark.parametrize("name", TABLES)
def test_a_table_is_one_that_the_chip_takes(name):
    assert list(partitions.complaints(list(rows(name).values()), TABLES[name])) == []


@pytest.mark.parametrize("name", TABLES)
def test_a_table_has_what_the_port_looks_for_where_it_does(name):
    table = rows(name)
    assert (table["otadata"].offset, table["otadata"].size) == PORT_OTA_DATA
    assert table["nvs"].size >= 4 * PORT_NVS
    assert (table["vfs"].type, table["vfs"].subtype) == ("data", "fat")
    if name == "4MiB":
        assert [(table[slot].offset, table[slot].size) for slot in ("ota_0", "ota_1")] == PORT_SLOTS_4MIB


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"ota_1": ("app", "ota_1", 0x180000, 0x180000)}, "ota_0 and ota_1 overlap"),
        ({"ota_1": ("app", "ota_1", 0x191000, 0x17F000)}, "ota_1 is not aligned"),
        ({"vfs": ("data", "fat", 0x320000, 0xE1000)}, "vfs ends behind the flash"),
        ({"vfs": ("data", "fat", 0x320000, 0xE0100)}, "vfs has no whole sectors"),
        ({"nvs": ("data", "nvs", 0x8000, 0x1000)}, "nvs begins before 0x9000"),
        ({"otadata": None}, "otadata is missing"),
        ({"otadata": ("data", "ota", 0xD000, 0x1000)}, "otadata needs two sectors"),
        ({"ota_1": ("app", "ota_1", 0x190000, 0x170000)}, "the two slots differ in size"),
    ],
)
def test_a_table_that_the_chip_would_not_take_is_complained_of(change, complaint):
    table = rows("4MiB")
    for name, fields in change.items():
        table.pop(name)
        if fields:
            table[name] = Partition(name, *fields)
    assert complaint in partitions.complaints(list(table.values()), TABLES["4MiB"])


@pytest.mark.parametrize("board", BOARDS)
def test_each_board_names_a_table_and_its_settings(board):
    assert firmware.table_of(board).exists()
    size = firmware.table_of(board).stem
    assert f"FLASHSIZE_{size.replace('MiB', 'MB')}=y" in (firmware.BOARDS / f"sdkconfig.{size}").read_text()
    assert "MICROPY_HW_MCU_NAME" in (firmware.BOARDS / board / "mpconfigboard.h").read_text()


def test_what_is_frozen_is_lib_with_its_version_and_the_programs_under_other_names(tmp_path):
    firmware.stage(tmp_path / "frozen", "7.8.9")
    names = {str(path.relative_to(tmp_path / "frozen")) for path in (tmp_path / "frozen").rglob("*.py")}
    lib = {str(path.relative_to(ROOT / "lib")) for path in (ROOT / "lib").rglob("*.py")}
    assert names == lib | {"factory_boot.py", "factory_main.py"}
    assert 'VERSION = "7.8.9"' in (tmp_path / "frozen" / "release.py").read_text()
    assert (ROOT / "lib" / "release.py").read_text().count("7.8.9") == 0


def run(*arguments, **environment):
    command = [sys.executable, "-m", "tools", "firmware", *arguments]
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60)


def test_the_build_says_all_that_it_misses_at_once(tmp_path):
    answer = run(PATH="/nowhere")
    assert answer.returncode == 1
    for words in ("IDF_PATH is not set", "MICROPYTHON_SOURCE=", "make: install it"):
        assert words in answer.stderr
    answer = run("--micropython", str(tmp_path), PATH="/nowhere", IDF_PATH="/idf")
    assert "idf.py is not on PATH" in answer.stderr
    assert f"{tmp_path} is no checkout of MicroPython" in answer.stderr


def test_a_board_that_is_not_there_is_answered_with_those_that_are():
    answer = run("--board", "AWSESP_S9")
    assert answer.returncode == 1
    assert f"say one of {', '.join(BOARDS)}" in answer.stderr


@pytest.mark.parametrize("version", ["1.2", "1.2.0-rc1", "v1.2.0", "1.02.0", "1.2.0\n"])
def test_a_version_that_a_device_could_not_compare_is_not_built(version):
    with pytest.raises(SystemExit, match=re.escape(f"version {version}: say x.y.z")):
        firmware.main("AWSESP_ESP32", version=version, check=True)


@pytest.mark.parametrize("size", [0x180000, 0x180001])
def test_an_image_that_fits_into_no_slot_is_not_collected(tmp_path, monkeypatch, capsys, size):
    monkeypatch.setattr(firmware, "ROOT", tmp_path)
    monkeypatch.setattr(firmware, "OUT", tmp_path / "out")
    monkeypatch.setattr(firmware, "table_of", lambda board: ROOT / "firmware" / "partitions" / "4MiB.csv")
    (tmp_path / "build-B").mkdir()
    (tmp_path / "out").mkdir()
    (tmp_path / "build-B" / "firmware.bin").write_bytes(b"all")
    (tmp_path / "build-B" / "micropython.bin").write_bytes(bytes(size))
    if size > 0x180000:
        with pytest.raises(SystemExit, match="the image is 1 bytes too large for a slot of 1572864"):
            firmware._collect(tmp_path, "B", "1.2.3")
        assert not list((tmp_path / "out").iterdir())
    else:
        firmware._collect(tmp_path, "B", "1.2.3")
        assert "0 bytes of the slot are free" in capsys.readouterr().out
        assert (tmp_path / "out" / "B-1.2.3-update.bin").stat().st_size == size
