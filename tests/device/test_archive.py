"""The firmware's archive: what is imported from it, and what is wrong with one that is not whole.

It lies in a littlefs, as on the chip.
"""

import os
import struct
import sys
from binascii import crc32, unhexlify

import vfs

import archive
from harness import equal, raises

ARCHIVE = "/chip/a.arc"
SLOTS = 16
# By mpy-cross 1.24 of sources of one or two lines
MODULES = {
    "/arc_plain.mpy": "4d06001f03000a706c61696e000f0a56414c554500400002018716025163",  # VALUE = 7
    "/arc_pack/__init__.mpy": "4d06001f02001a7061636b2f5f5f696e69745f5f000f280002015163",
    # imports `other` from its own package; its VALUE is one more
    "/arc_pack/first.mpy": (
        "4d06001f0500147061636b2f6669727374000f0a6f7468657200030a56414c55450081500804012c8110022a011b"
        "031c021602591102130481f216045163"
    ),
    "/arc_pack/other.mpy": "4d06001f03000a706c61696e000f0a56414c554500400002018716025163",  # VALUE = 7
}


class Ram:
    """A block device for one littlefs."""

    def __init__(self):
        self._data = bytearray(64 * 512)

    def readblocks(self, block, buffer, offset=0):
        start = block * 512 + offset
        buffer[:] = self._data[start : start + len(buffer)]

    def writeblocks(self, block, buffer, offset=0):
        start = block * 512 + offset
        self._data[start : start + len(buffer)] = buffer

    def ioctl(self, operation, argument):
        return {4: 64, 5: 512, 6: 0}.get(operation)


class Mounted:
    """An archive of these bytes, from which is imported while this lasts."""

    def __init__(self, data):
        self._data = data

    def __enter__(self):
        ram = Ram()
        vfs.VfsLfs2.mkfs(ram)
        vfs.mount(vfs.VfsLfs2(ram), "/chip")
        with open(ARCHIVE, "wb") as file:
            file.write(self._data)
        self._path = list(sys.path)
        try:
            archive.mount(ARCHIVE)
        except Exception:
            vfs.umount("/chip")
            raise

    def __exit__(self, *_):
        sys.path[:] = self._path
        for name in [name for name in sys.modules if name[:4] == "arc_"]:
            del sys.modules[name]
        vfs.umount(archive.PLACE)
        vfs.umount("/chip")


def packed(modules=MODULES, version=b"arc1"):
    folders = b":/:/arc_pack:"
    table, place, content = [(0, 0)] * SLOTS, 20 + len(folders) + 8 * SLOTS, b""
    for path, data in modules.items():
        number = crc32(path) & 0x3FFFFFFF
        slot = number % SLOTS
        while table[slot][1]:
            slot = (slot + 1) % SLOTS
        table[slot] = number, place + len(content)
        content += unhexlify(data)
    rows = b"".join(struct.pack("<II", *row) for row in table)
    size = place + len(content)
    return version + struct.pack("<4I", size, SLOTS, len(folders), crc32(folders + rows)) + folders + rows + content


def test_modules_are_found_in_it_before_all_others():
    with Mounted(packed()):
        import arc_plain

        equal((arc_plain.VALUE, arc_plain.__file__), (7, "/_/arc_plain.mpy"))
        equal(sys.path[0], "/_")
        import errors

        equal(errors.__file__[:3] == "/_/", False)  # what is not in it comes from where it always did


def test_packages_and_what_they_import_of_themselves():
    with Mounted(packed()):
        import arc_pack.first

        equal(arc_pack.first.VALUE, 8)
        equal(arc_pack.other.__file__, "/_/arc_pack/other.mpy")


def test_what_is_not_there_is_no_module():
    with Mounted(packed()):
        equal(raises(ImportError, lambda: __import__("arc_missing")).args[0], "no module named 'arc_missing'")
        raises(ImportError, lambda: __import__("arc_pack.missing"))


def test_a_table_whose_names_are_crowded_finds_each():
    names = ["/arc_%d.mpy" % n for n in range(SLOTS - 1)]
    with Mounted(packed(dict.fromkeys(names, MODULES["/arc_plain.mpy"]))):
        for name in names:
            equal(__import__(name[1:-4]).VALUE, 7)
        raises(OSError, lambda: os.stat("/_/arc_99.mpy"))


def test_a_source_is_refused_without_looking_and_nothing_is_written():
    with Mounted(packed()):
        os.remove(ARCHIVE)  # nobody can look now
        equal(raises(OSError, lambda: os.stat("/_/arc_plain.py")).errno, 2)
        equal(os.stat("/_/arc_pack")[0], 0x4000)
        equal(raises(OSError, lambda: os.stat("/_/arc_plain.mpy")).errno, 2)
        equal(raises(OSError, lambda: open("/_/arc_plain.mpy", "w")).errno, 30)


def test_one_that_is_replaced_is_read_anew():
    with Mounted(packed({"/arc_plain.mpy": MODULES["/arc_plain.mpy"]})):
        with open(ARCHIVE, "wb") as file:
            file.write(packed())
        import arc_pack.first

        equal(arc_pack.first.VALUE, 8)


def test_one_that_is_not_whole_is_refused():
    def refusal(data):
        return str(raises(ValueError, lambda: Mounted(data).__enter__()))

    good = packed()
    equal(refusal(packed(version=b"arc2")), "another version")
    equal([refusal(good[:n]) for n in (0, 10)], ["another version"] * 2)
    equal([refusal(good[:n]) for n in (30, len(good) - 1)], ["damaged"] * 2)
    equal(refusal(good[:50] + b"\xff" + good[51:]), "damaged")
    equal("/_" in sys.path, False)


def test_without_one_nothing_is_mounted():
    equal(raises(OSError, lambda: archive.mount("/nowhere.arc")).errno, 2)
