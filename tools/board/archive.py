"""The firmware as one file: what lib/archive.py mounts on the board.

All numbers are 4 bytes, little endian:

    head      "arc1", bytes of the whole file, slots of the table, bytes of the folders, CRC-32 of folders and table
    folders   ":/:/aws:/ble:"
    table     for each slot (CRC-32 of a path such as "/aws/client.mpy", its lowest 30 bits; where its bytes begin);
              a path is in the first free slot from number CRC modulo slots on; an empty slot is all zeros
    modules   one after the other
"""

import struct
from pathlib import PurePosixPath
from zlib import crc32

PATH = "/awsesp.arc"

_HEAD = struct.Struct("<4s4I")
_SLOT = struct.Struct("<II")
_SMALL = 0x3FFFFFFF
_MAGIC = b"arc1"

HEAD_BYTES = _HEAD.size


class Collision(Exception):
    """Two paths with one number: rename one of them."""


def packed(modules):
    """The bytes of the file, for {"/aws/client.mpy": its bytes}. Raises `Collision`."""
    folders = b":/:" + b"".join(f"{folder}:".encode() for folder in _folders(modules))
    slots = max(8, 1 << (len(modules) * 3 // 2).bit_length())
    begin = _HEAD.size + len(folders) + slots * _SLOT.size
    table, places = [(0, 0)] * slots, {}
    for path, data in modules.items():
        number = numbered(path)
        if number in places:
            raise Collision(f"{path} and {places[number]} have the same number: rename one")
        places[number] = path
        table[_free(table, number)] = (number, begin)
        begin += len(data)
    packed_table = b"".join(_SLOT.pack(*slot) for slot in table)
    head = _HEAD.pack(_MAGIC, begin, slots, len(folders), crc32(folders + packed_table))
    return b"".join([head, folders, packed_table, *modules.values()])


def reach(head):
    """How many bytes head, folders and table take, of an archive that begins with `head`; 0: it is none."""
    if len(head) < HEAD_BYTES or not head.startswith(_MAGIC):
        return 0
    _, _, slots, folders, _ = _HEAD.unpack_from(head)
    return HEAD_BYTES + folders + slots * _SLOT.size


def places(data):
    """[(where it begins, bytes)] of the modules of an archive, in order; none when head or table are damaged.

    The beginning that `reach` tells is enough.
    """
    _, size, _, folders, checksum = _HEAD.unpack_from(data)
    checked = data[HEAD_BYTES : reach(data)]
    if crc32(checked) != checksum:
        return []
    begins = sorted(begin for _, begin in _SLOT.iter_unpack(checked[folders:]) if begin)
    return [(begin, end - begin) for begin, end in zip(begins, [*begins[1:], size], strict=False)]


def numbered(path):
    """By which number a path is found."""
    return crc32(path.encode()) & _SMALL


def _folders(modules):
    return sorted({str(folder) for path in modules for folder in PurePosixPath(path).parents if str(folder) != "/"})


def _free(table, number):
    slot = number % len(table)
    while table[slot] != (0, 0):
        slot = (slot + 1) % len(table)
    return slot
