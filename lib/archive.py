"""The firmware as one file, from which modules are imported: littlefs reads whole folders for each name it looks up.

A file system for `vfs.mount` that does what import needs, no more: `make flash` writes the file (tools/board/archive.py
says how it is laid out), boot.py mounts it. What it finds is littlefs's own file, at the module's first byte. Nothing
of it stays in the heap but the names of its folders.
"""

import struct
from binascii import crc32

from micropython import const

PLACE = "/_"  # where it is mounted: each imported file's path is a name that Python keeps for ever

_MAGIC = const(0x31637261)  # "arc1": the 1 is the format's version
_HEAD = const(20)
_SMALL = const(0x3FFFFFFF)  # what is an integer without a place in the heap
_FOLDER = const(0x4000)
_FILE = const(0x8000)
_NO_ENTRY = const(2)
_READ_ONLY = const(30)


def mount(path="/awsesp.arc"):
    """From now on modules come from the archive first. OSError: there is none; ValueError: it is not whole."""
    import sys

    import vfs

    with open(path, "rb") as file:
        head = file.read(_HEAD)
        if len(head) < _HEAD or struct.unpack("<I", head)[0] != _MAGIC:
            raise ValueError("another version")
        size, slots, names, checksum = struct.unpack("<4I", head[4:])
        folders = file.read(names)
        found = crc32(folders)
        for _ in range(slots // 8):
            found = crc32(file.read(64), found)
        if found != checksum or file.seek(0, 2) != size:
            raise ValueError("damaged")
    vfs.mount(Archive(path, slots, folders), PLACE)
    sys.path.insert(0, PLACE)


class Archive:
    """`path` of the file, `slots` of its table, `folders` as bytes ":/:/aws:"."""

    def __init__(self, path, slots, folders):
        self._path = path
        self._slots = slots
        self._folders = folders
        self._found = None  # (path, its open file): what import asks for it opens next

    def mount(self, *_):
        """Both of a file system: nothing to do."""

    umount = mount

    def stat(self, path):
        """What import asks for: `path` as "/aws/client.mpy". Raises OSError."""
        kind = _FILE
        if path[-4:] == ".mpy":
            self._found = path, self._opened(path)
        elif b":%s:" % path in self._folders:
            kind = _FOLDER
        else:
            raise OSError(_NO_ENTRY)
        return kind, 0, 0, 0, 0, 0, 0, 0, 0, 0

    def open(self, path, mode):
        """A file that is read from the module's first byte on, and does not end with it: the loader knows where."""
        if mode != "rb":
            raise OSError(_READ_ONLY)
        found, self._found = self._found, None
        return found[1] if found and found[0] == path else self._opened(path)

    def _opened(self, path):
        wanted = crc32(path) & _SMALL
        file = open(self._path, "rb")
        slot = wanted % self._slots
        while True:
            file.seek(_HEAD + len(self._folders) + 8 * slot)
            name, place = struct.unpack("<II", file.read(8))
            if not place:
                file.close()
                raise OSError(_NO_ENTRY)
            if name == wanted:
                file.seek(place)
                return file
            slot = (slot + 1) % self._slots
