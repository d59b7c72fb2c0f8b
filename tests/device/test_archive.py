"""The firmware's archive: what is imported from it, and what is wrong with one that is not whole.

It lies in a littlefs, as on the chip.
"""

import os
import sys

import vfs

import archive
from archives import SEVEN, SLOTS, packed
from harness import equal, raises
from ram_disk import Ram

ARCHIVE = "/chip/a.arc"


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
            archive.use(ARCHIVE)
        except Exception:
            vfs.umount("/chip")
            raise

    def __exit__(self, *_):
        sys.path[:] = self._path
        for name in [name for name in sys.modules if name[:4] == "arc_"]:
            del sys.modules[name]
        vfs.umount(archive.PLACE)
        vfs.umount("/chip")


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


def test_memory_that_ends_is_no_module_that_is_missing():
    real = archive._opened
    for failures, outcome in ((1, 7), (9, MemoryError)):
        left = [failures]

        def opened(path):
            if left[0] and path == "/arc_plain.mpy":
                left[0] -= 1
                raise MemoryError
            return real(path)

        archive._opened = opened
        try:
            with Mounted(packed()):
                if outcome is MemoryError:
                    raises(MemoryError, lambda: __import__("arc_plain"))
                else:
                    equal(__import__("arc_plain").VALUE, outcome)
        finally:
            archive._opened = real


def test_a_table_whose_names_are_crowded_finds_each():
    names = ["/arc_%d.mpy" % n for n in range(SLOTS - 1)]
    with Mounted(packed(dict.fromkeys(names, SEVEN))):
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


def test_tools_that_look_through_all_file_systems_find_nothing_in_it():
    with Mounted(packed()):
        equal(list(os.ilistdir("/_")), [])
        equal(os.statvfs("/_")[2:4], (0, 0))


def test_one_that_is_replaced_is_read_anew():
    with Mounted(packed({"/arc_plain.mpy": SEVEN})):
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
    equal(raises(OSError, lambda: archive.use("/nowhere.arc")).errno, 2)
