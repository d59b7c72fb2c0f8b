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
    head = _HEAD.pack(b"arc1", begin, slots, len(folders), crc32(folders + packed_table))
    return b"".join([head, folders, packed_table, *modules.values()])


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
