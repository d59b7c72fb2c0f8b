"""The firmware as one file, from which modules are imported: littlefs reads whole folders for each name it looks up.

`make flash` writes the file (tools/board/archive.py says how it is laid out), boot.py calls `use`. This module itself,
which is smaller than an object of a class, is then the file system that is mounted. It does what import needs, no more:
what it opens is littlefs's own file, at the module's first byte. No list of what is in the archive lies in the heap.
"""

import io
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

_path = _slots = _folders = None  # of the file; of its table; ":/:/aws:" as bytes
_found = None  # (path, its open file): what import asks for it opens next


def use(path="/awsesp.arc"):
    """From now on modules come from it first. Raises OSError: there is none, ValueError: it is not whole.

    boot.py, which calls it, takes it out of memory then, and `import_path`, too.
    """
    global _path, _slots, _folders
    import sys

    import vfs

    with io.open(path, "rb") as file:
        head = file.read(_HEAD)
        if len(head) < _HEAD or struct.unpack("<I", head)[0] != _MAGIC:
            raise ValueError("another version")
        size, _slots, names, checksum = struct.unpack("<4I", head[4:])
        _folders = file.read(names)
        found = crc32(_folders)
        for _ in range(_slots // 8):
            found = crc32(file.read(64), found)
        if found != checksum or file.seek(0, 2) != size:
            raise ValueError("damaged")
    _path = path
    vfs.mount(sys.modules[__name__], PLACE)
    sys.path.insert(0, PLACE)
    import import_path

    import_path.note_built_in()


# What MicroPython calls a file system by


def mount(*_):
    """Nothing to do; what can be listed is nothing either, for want of names."""
    return iter(())


ilistdir = umount = mount


def stat(path):
    """What import asks for: `path` as "/aws/client.mpy". Raises OSError."""
    global _found
    kind = _FOLDER
    if path[-4:] == ".mpy":
        kind = _FILE
        try:
            _found = path, _opened(path)
        except MemoryError:
            # Raised here, import would say that there is no such module. When it opens the file, memory fails again.
            _found = None
    elif b":%s:" % path not in _folders:
        raise OSError(_NO_ENTRY)
    return kind, 0, 0, 0, 0, 0, 0, 0, 0, 0


statvfs = stat  # asked for "/": it has no blocks


def open(path, mode):
    """A file that is read from the module's first byte on, and does not end with it: the loader knows where."""
    global _found
    if mode != "rb":
        raise OSError(_READ_ONLY)
    file = _found[1] if _found and _found[0] == path else _opened(path)
    _found = None
    return file


def _opened(path):
    wanted = crc32(path) & _SMALL
    file = io.open(_path, "rb")
    slot = wanted % _slots
    while True:
        file.seek(_HEAD + len(_folders) + 8 * slot)
        name, place = struct.unpack("<II", file.read(8))
        if not place:
            file.close()
            raise OSError(_NO_ENTRY)
        if name == wanted:
            file.seek(place)
            return file
        slot = (slot + 1) % _slots
