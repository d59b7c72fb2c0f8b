"""The simulated `esp32.Partition` with two slots: blocks, slots, otadata and the bootloader as the chip has them."""

import struct

import simulation
from esp32 import Partition
from simulated import firmware, otadata

from harness import equal, raises

FRESH = True

INVALID_ARG = (-258, "ESP_ERR_INVALID_ARG")
INVALID_SIZE = (-260, "ESP_ERR_INVALID_SIZE")
NOT_FOUND = (-261, "ESP_ERR_NOT_FOUND")
VALIDATE_FAILED = (-5379, "ESP_ERR_OTA_VALIDATE_FAILED")
SLOT = 0x10000


def board(slot_bytes=SLOT):
    simulation.board.use_slots(slot_bytes)
    return Partition(Partition.RUNNING)


def next_slot():
    return Partition(Partition.RUNNING).get_next_update()


def os_error(call):
    return raises(OSError, call).args


def read(partition, block, size, *offset):
    buffer = bytearray(size)
    partition.readblocks(block, buffer, *offset)
    return bytes(buffer)


def flash(partition, image):
    """As the firmware does: block by block."""
    for at in range(0, len(image), 4096):
        partition.ioctl(6, at // 4096)
        partition.writeblocks(at // 4096, image[at : at + 4096], 0)


def states():
    """(sequence, state) of both entries, None for an empty one, read as the firmware can."""
    found = []
    data = Partition.find(Partition.TYPE_DATA, subtype=0)[0]
    for block in range(2):
        raw = read(data, block, 32)
        sequence, state, crc = struct.unpack("<I", raw)[0], struct.unpack("<II", raw[24:])[0], raw[28:]
        found.append(None if sequence == 0xFFFFFFFF else (sequence, state))
        equal(sequence == 0xFFFFFFFF or otadata.has_crc(raw[:28] + crc), True)
    return found


def restart():
    simulation.board.boot()
    return Partition(Partition.RUNNING).info()[4]


def test_the_table_is_that_of_the_port():
    running = board(0x180000)
    equal(running.info(), (0, 16, 0x10000, 0x180000, "ota_0", False))
    equal(next_slot().info(), (0, 17, 0x190000, 0x180000, "ota_1", False))
    equal([p.info()[4] for p in Partition.find(Partition.TYPE_DATA)], ["nvs", "otadata", "phy_init", "vfs"])
    equal(Partition("vfs").info(), (1, 129, 0x310000, 0xF0000, "vfs", False))
    equal(Partition.find(Partition.TYPE_DATA, subtype=0)[0].info(), (1, 0, 0xD000, 0x2000, "otadata", False))
    equal([p.info()[4] for p in Partition.find()], ["ota_0", "ota_1"])
    equal(repr(running), "<Partition type=0, subtype=16, address=65536, size=1572864, label=ota_0, encrypted=0>")
    raises(ValueError, lambda: Partition(2))
    equal(os_error(lambda: Partition("ota_2")), (2,))


def test_writing_a_block_erases_it_and_writing_with_an_offset_only_clears_bits():
    board()
    slot = next_slot()
    equal((slot.ioctl(1, 0), slot.ioctl(2, 0), slot.ioctl(3, 0)), (0, 0, 0))
    equal((slot.ioctl(4, 0), slot.ioctl(5, 0), slot.ioctl(9, 0)), (SLOT // 4096, 4096, None))
    equal(read(slot, 0, 8), b"\xff" * 8)
    slot.writeblocks(1, b"\x0f" * 4096)
    slot.writeblocks(1, b"\x3c" * 4, 2)
    equal(read(slot, 1, 8), b"\x0f\x0f\x0c\x0c\x0c\x0c\x0f\x0f")
    equal(read(slot, 0, 4, 4096), b"\x0f\x0f\x0c\x0c")
    slot.writeblocks(1, b"\xf0" * 4096)
    equal(read(slot, 1, 4), b"\xf0" * 4)
    equal(slot.ioctl(6, 1), 0)
    equal(read(slot, 1, 4096), b"\xff" * 4096)
    slot.writeblocks(2, bytes(5), 4094)
    equal(read(slot, 2, 8, 4092), b"\xff\xff" + bytes(5) + b"\xff")


def test_errors_of_blocks_have_the_chips_numbers():
    board()
    slot, last = next_slot(), SLOT // 4096
    equal(os_error(lambda: slot.readblocks(last, bytearray(1))), INVALID_SIZE)
    equal(os_error(lambda: slot.readblocks(last + 1, bytearray(1))), INVALID_ARG)
    equal(os_error(lambda: slot.writeblocks(last, bytes(4096))), INVALID_SIZE)
    equal(os_error(lambda: slot.writeblocks(0, bytes(100))), INVALID_SIZE)
    equal(os_error(lambda: slot.writeblocks(0, bytes(SLOT + 4096))), INVALID_SIZE)
    equal(os_error(lambda: slot.writeblocks(last, b"x", 0)), INVALID_SIZE)
    equal(os_error(lambda: slot.ioctl(6, last)), INVALID_SIZE)
    equal(os_error(lambda: slot.ioctl(6, last + 1)), INVALID_ARG)


def test_small_blocks_keep_what_lies_beside_them():
    board()
    small = Partition("ota_1", 512)
    small.writeblocks(0, b"\x01" * 4096)
    small.writeblocks(3, b"\x02" * 1024)
    equal(read(small, 0, 4096), b"\x01" * 1536 + b"\x02" * 1024 + b"\x01" * 1536)
    equal((small.ioctl(4, 0), small.ioctl(5, 0), small.ioctl(6, 0)), (SLOT // 512, 512, -22))


def test_whoever_writes_to_the_running_application_restarts():
    running = board()
    equal(raises(simulation.Restarted, lambda: running.ioctl(6, 0)).args[0].startswith("panic"), True)
    raises(simulation.Restarted, lambda: running.writeblocks(0, bytes(4), 0))
    equal(restart(), "ota_0")


def test_the_first_start_writes_its_slot_into_otadata():
    board()
    equal(states(), [(1, otadata.VALID), None])
    equal(Partition(Partition.BOOT).info()[4], "ota_0")


def test_an_update_is_new_then_pending_then_valid():
    board()
    slot = next_slot()
    equal(os_error(slot.set_boot), VALIDATE_FAILED)
    flash(slot, firmware.build("2.0.0", b"modules" * 1000))
    slot.set_boot()
    equal(states(), [(1, otadata.VALID), (2, otadata.NEW)])
    equal(Partition(Partition.BOOT).info()[4], "ota_1")
    equal(restart(), "ota_1")
    equal(states(), [(1, otadata.VALID), (2, otadata.PENDING)])
    Partition.mark_app_valid_cancel_rollback()
    equal(states(), [(1, otadata.VALID), (2, otadata.VALID)])
    equal((restart(), restart()), ("ota_1", "ota_1"))
    equal(next_slot().info()[4], "ota_0")


def test_an_update_that_is_not_confirmed_is_aborted_at_the_second_start():
    board()
    slot = next_slot()
    flash(slot, firmware.build("2.0.0"))
    slot.set_boot()
    equal((restart(), restart(), restart()), ("ota_1", "ota_0", "ota_0"))
    equal(states(), [(1, otadata.VALID), (2, otadata.ABORTED)])
    slot.set_boot()
    equal(states(), [(1, otadata.VALID), (2, otadata.NEW)])
    equal(restart(), "ota_1")


def test_marking_after_set_boot_marks_the_next_start():
    board()
    slot = next_slot()
    flash(slot, firmware.build("2.0.0"))
    slot.set_boot()
    Partition.mark_app_valid_cancel_rollback()
    equal(states(), [(1, otadata.VALID), (2, otadata.VALID)])


def test_an_image_that_breaks_after_set_boot_is_skipped():
    board()
    slot = next_slot()
    image = firmware.build("2.0.0", b"modules" * 1000)
    flash(slot, image)
    slot.set_boot()
    slot.writeblocks(1, b"\0", 100)
    equal(restart(), "ota_0")
    equal(states(), [(1, otadata.VALID), (2, otadata.PENDING)])


def test_set_boot_refuses_what_the_bootloader_would_not_start():
    board()
    slot = next_slot()
    image = firmware.build("2.0.0", b"modules" * 1000)
    spoilt = {
        "magic": b"\xe8" + image[1:],
        "chip": image[:12] + b"\x05" + image[13:],
        "segments": image[:1] + b"\x11" + image[2:],
        "data": image[:1000] + bytes([image[1000] ^ 1]) + image[1001:],
        "checksum": image[:-33] + bytes([image[-33] ^ 1]) + image[-32:],
        "hash": image[:-1] + bytes([image[-1] ^ 1]),
        "short": image[:4096],
    }
    for name in spoilt:
        for block in range(3):
            slot.ioctl(6, block)
        flash(slot, spoilt[name])
        equal((name, os_error(slot.set_boot)), (name, VALIDATE_FAILED))
    equal(os_error(Partition("vfs").set_boot), VALIDATE_FAILED)


def test_power_cut_at_every_write_of_otadata_starts_a_good_slot():
    for torn in (False, True):
        for n in range(1, 8):
            simulation.board.flash.cut_at(None)
            board()
            slot = next_slot()
            flash(slot, firmware.build("2.0.0"))
            simulation.board.flash.cut_at(n, torn)
            cut = False
            try:
                slot.set_boot()  # writes 1 and 2
                equal(restart(), "ota_1")  # the bootloader's 3 and 4
                Partition.mark_app_valid_cancel_rollback()  # 5 and 6
            except simulation.PowerCut:
                cut = True
            equal(cut, n < 7)
            simulation.board.flash.cut_at(None)
            # 2 torn: the state was not programmed; whatever happened, the old slot is there.
            equal(restart() in ("ota_0", "ota_1"), True)
            equal(restart(), "ota_1" if n >= 7 else "ota_0")


def test_otadata_can_be_erased_by_the_firmware():
    board()
    data = Partition.find(Partition.TYPE_DATA, subtype=0)[0]
    data.writeblocks(0, b"\xff" * 8192)
    equal(states(), [None, None])
    equal(os_error(Partition.mark_app_valid_cancel_rollback), (1, "ESP_FAIL"))
    equal(restart(), "ota_0")
    equal(states(), [(1, otadata.VALID), None])
