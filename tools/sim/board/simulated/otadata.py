"""What ESP-IDF's application and its bootloader keep in the partition `otadata`: which slot starts, and how it fares.

Two entries of 32 bytes, each at the beginning of a block of its own: sequence number u32, 20 x FF, state u32, CRC-32 of
the sequence number. The valid one with the higher number rules; number n stands for slot (n - 1) % slots
(esp_ota_ops.c, bootloader_common_loader.c). Writing one is erasing its block, then programming it: between the two it
is empty. Pure; CPython, too.
"""

import binascii
import struct

NEW, PENDING, VALID, INVALID, ABORTED = 0, 1, 2, 3, 4
NONE = 0xFFFFFFFF  # an erased word: no sequence number, or a state that nobody set

_ENTRY = 32
_BLOCK = 4096


def entry(sequence, state):
    """The bytes of an entry."""
    head = struct.pack("<I", sequence)
    return head + b"\xff" * 20 + struct.pack("<II", state, binascii.crc32(head, NONE))


def read(flash):
    """Both entries of the partition, as bytes."""
    found = []
    for index in range(2):
        raw = bytearray(_ENTRY)
        flash.read(index * _BLOCK, raw)
        found.append(bytes(raw))
    return found


def write(flash, index, raw):
    """Replace one entry: two flash writes."""
    flash.erase(index * _BLOCK, _BLOCK)
    flash.program(index * _BLOCK, raw)


def sequence(raw):
    return struct.unpack("<I", raw[:4])[0]


def state(raw):
    return struct.unpack("<I", raw[24:28])[0]


def with_state(raw, new):
    """The same entry in another state: the CRC covers the sequence number only."""
    return raw[:24] + struct.pack("<I", new) + raw[28:]


def has_crc(raw):
    return struct.unpack("<I", raw[28:])[0] == binascii.crc32(raw[:4], NONE)


def is_refused(raw):
    """Empty, or marked as not to be started; its CRC is not looked at."""
    return sequence(raw) == NONE or state(raw) in (INVALID, ABORTED)


def active(entries):
    """Index of the entry that rules, or None."""
    valid = [index for index in range(2) if not is_refused(entries[index]) and has_crc(entries[index])]
    if len(valid) == 2:
        return 0 if sequence(entries[0]) >= sequence(entries[1]) else 1
    return valid[0] if valid else None


def slot_of(raw, count):
    """Number of the slot that an entry stands for."""
    return (sequence(raw) - 1) % count


def select(flash, slot, count):
    """What esp_ota_set_boot_partition writes once the image was found good: the other entry, state new."""
    entries = read(flash)
    ruling = active(entries)
    if ruling is None:
        write(flash, 0, entry(slot + 1, NEW))
        return
    number = (slot + 1) % count
    while number < sequence(entries[ruling]):
        number += count
    write(flash, 1 - ruling, entry(number, NEW))
