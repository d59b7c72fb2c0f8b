"""Slots of a simulated board: an image that is flashed changes the code that runs, and the bootloader goes back."""

import io
import subprocess
import sys

import pytest

from tests.host.sim_desk import desk
from tools.board import partitions
from tools.interpreter import ROOT
from tools.sim import firmware
from tools.sim.board.simulated import layouts
from tools.sim.board.simulated.firmware import Image, Invalid
from tools.sim.commands import Commands

SLOT = 0x60000

# What a firmware does: writes the image that lies in its file system into the next slot, restarts into it; the version
# says what happens then.
UPDATER = """
import machine, os, release
from esp32 import Partition
running = Partition(Partition.RUNNING)
print("version", release.VERSION, running.info()[4])
def update():
    size = os.stat("/new.bin")[6]
    slot = running.get_next_update()
    with open("/new.bin", "rb") as file:
        for block in range((size + 4095) // 4096):
            slot.ioctl(6, block)
            slot.writeblocks(block, file.read(4096), 0)
    slot.set_boot()
    os.remove("/new.bin")
    machine.reset()
if "new.bin" in os.listdir("/"):
    update()
if release.VERSION != "3.0.0":
    try:
        Partition.mark_app_valid_cancel_rollback()
    except OSError as error:
        print(error)
print("settled")
"""


def updated(board, image, pattern):
    """Power on with an update at hand; the line that tells how it ended."""
    board.write_file("/new.bin", image)
    board.power_on()
    line = board.wait_for(pattern)
    board.wait_for("^settled$")
    board.power_cut()
    return line


def test_an_image_in_the_other_slot_changes_the_code_that_runs(tmp_path):
    with desk(tmp_path, UPDATER, image="ota", slot_bytes=SLOT) as (_, board):
        updated(board, firmware.build("2.0.0"), "^version 2.0.0 ota_1$")
        assert board.slot == "ota_1"
        updated(board, firmware.build("4.0.0", thin=True), "^version 4.0.0 ota_0$")
        board.power_on()
        board.wait_for("^version 4.0.0 ota_0$")


def test_one_that_is_not_confirmed_is_left_at_the_next_start(tmp_path):
    with desk(tmp_path, UPDATER, image="ota", slot_bytes=SLOT) as (_, board):
        updated(board, firmware.build("3.0.0", thin=True), "^version 3.0.0 ota_1$")
        told = []
        Commands(board, None, told.append).obey("slots")
        assert told == ["  ota_0: 1.0.0, valid", "  ota_1: 3.0.0, on trial, runs"]
        board.power_on()
        board.wait_for("^version 1.0.0 ota_0$")
        assert board.slot == "ota_0"
        assert list(board.flash.describe_slots())[1] == ("ota_1", "3.0.0", "aborted: was not confirmed")


def test_power_cut_in_the_bootloader_leaves_a_slot_that_starts(tmp_path):
    with desk(tmp_path, UPDATER, image="ota", slot_bytes=SLOT) as (_, board):
        board.write_file("/new.bin", firmware.build("2.0.0", thin=True))
        board.power_on()
        board.wait_for("^version 2.0.0")
        board.wait_for("^settled$")
        board.power_cut()
        for n, torn in [(n, torn) for n in range(1, 4) for torn in (False, True)]:
            board.write_file("/new.bin", firmware.build("3.0.0", thin=True))
            board.cut_at_write(None)
            board.power_on()
            board.wait_for("^version 3.0.0")
            board.wait_for("^settled$")
            board.power_cut()
            board.cut_at_write(n, torn)  # the bootloader aborts it with two writes
            board.power_on()
            board.wait_for("^sim: off: power cut at write" if n < 3 else "^version 2.0.0")
            board.power_cut()
            board.cut_at_write(None)
            board.power_on()
            assert board.wait_for("^version") == "version 2.0.0 ota_1"
            board.power_cut()


def test_a_broken_image_is_named_and_the_other_slot_starts(tmp_path):
    with desk(tmp_path, UPDATER, image="ota", slot_bytes=SLOT) as (_, board):
        updated(board, firmware.build("2.0.0"), "^version 2.0.0")
        with board.flash.piece("ota_1") as slot:
            slot.program(5000, b"\0")
        board.power_on()
        board.wait_for("bootloader: ota_1 is not bootable: checksum failed")
        board.wait_for("^version 1.0.0 ota_0$")
        board.power_cut()
        with board.flash.piece("ota_0") as slot:
            slot.program(0, b"\0")
        board.power_on()
        board.wait_for("sim: off: nothing to start: .*invalid magic byte")


def test_the_board_of_make_firmware_has_its_table(tmp_path):
    wanted = {each.name: (each.offset, each.size) for each in partitions.read(partitions_file("4MiB"))}
    assert {row[4]: (row[2], row[3]) for row in layouts.table("awsesp")} == wanted
    with desk(tmp_path, UPDATER, image="awsesp", slot_bytes=SLOT) as (_, board):
        updated(board, firmware.build("2.0.0"), "^version 2.0.0 ota_1$")


def partitions_file(flash):
    return ROOT / "firmware" / "partitions" / f"{flash}.csv"


def test_a_flashed_image_runs_and_erasing_brings_the_first_one_back(tmp_path):
    with desk(tmp_path, UPDATER, image="ota", slot_bytes=SLOT) as (_, board):
        board.flash_firmware(firmware.build("7.0.0", changes={"greeting.py": "TEXT = 'hello'\n"}))
        board.write_file("/main.py", "import greeting, release; print(greeting.TEXT, release.VERSION)")
        board.power_on()
        board.wait_for("^hello 7.0.0$")
        board.power_cut()
        board.erase()
        board.power_on()
        board.wait_for("^version 1.0.0 ota_0$")


def test_a_thin_image_changes_one_file_of_a_package(tmp_path):
    program = "from ota import keys, document; print('keys', keys.KEYS, document.is_older('1.0.0', '2.0.0'))"
    with desk(tmp_path, program, image="ota", slot_bytes=SLOT) as (_, board):
        board.flash_firmware(firmware.build("1.0.0", changes={"ota/keys.py": "KEYS = {'k': 1}"}, thin=True))
        board.power_on()
        board.wait_for("^keys {'k': 1} True$")


def test_a_frozen_main_beats_the_file(tmp_path):
    with desk(tmp_path, "print('checkout')", image="ota", slot_bytes=SLOT) as (_, board):
        board.write_file("/main.py", "print('file')")
        board.flash_firmware(firmware.build("1.0.0", main="print('frozen')", thin=True))
        board.power_on()
        assert board.wait_for("^(checkout|file|frozen)$") == "frozen"


def test_a_wake_from_deep_sleep_does_not_ask_otadata(tmp_path):
    program = """
    import machine, release
    from esp32 import Partition
    print("version", release.VERSION)
    if machine.reset_cause() == 1:
        slot = Partition("ota_1")
        with open("/new.bin", "rb") as file:
            slot.writeblocks(0, file.read())
        slot.set_boot()
        machine.deepsleep(10)
    """
    with desk(tmp_path, program, image="ota", slot_bytes=SLOT) as (_, board):
        image = firmware.build("2.0.0", thin=True)
        board.write_file("/new.bin", image.ljust(4096, b"\xff"))
        board.power_on()
        assert board.wait_for("^version") == "version 1.0.0"
        board.wait_for("^sim: start .*deepsleep")
        assert board.wait_for("^version") == "version 1.0.0"
        board.power_cut()
        board.power_on()
        assert board.wait_for("^version") == "version 2.0.0"


class Bytes:
    """A partition that holds these bytes."""

    def __init__(self, data):
        self._file = io.BytesIO(data)

    def read(self, offset, buffer):
        self._file.seek(offset)
        n = self._file.readinto(buffer)
        buffer[n:] = b"\xff" * (len(buffer) - n)


@pytest.mark.parametrize("size", [0x8000, 1_500_000 // 16 * 16])
def test_an_image_has_the_size_that_was_asked_for(size):
    image = firmware.build("1.2.3", thin=True, size=size)
    assert len(image) == size
    found = Image(Bytes(image), 0x180000)
    assert (found.version, found.length) == ("1.2.3", size)
    assert image == firmware.build("1.2.3", thin=True, size=size)


def test_espressifs_own_tool_finds_an_image_good(tmp_path):
    pytest.importorskip("esptool", reason="pip install esptool")
    (tmp_path / "image.bin").write_bytes(firmware.build("1.2.3", size=0x60000))
    command = [sys.executable, "-m", "esptool", "--chip", "esp32", "image_info", str(tmp_path / "image.bin")]
    told = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert told.returncode == 0, told.stderr
    assert "App version: 1.2.3" in told.stdout
    assert told.stdout.count("(valid)") == 2  # checksum and hash


def test_every_byte_of_an_image_is_covered():
    image = firmware.build("1.2.3", thin=True)
    for at in (0, 12, 24, 28, 40, 300, len(image) // 2, len(image) - 33, len(image) - 1):
        with pytest.raises(Invalid):
            Image(Bytes(image[:at] + bytes([image[at] ^ 4]) + image[at + 1 :]), 0x180000)
    with pytest.raises(Invalid, match="exceeds the partition's 400 bytes"):
        Image(Bytes(image), 400)


def test_what_does_not_fit_is_told():
    with pytest.raises(ValueError, match="this firmware alone has"):
        firmware.build(size=4096)
    with pytest.raises(ValueError, match="multiple of 16"):
        firmware.build(size=4097)
