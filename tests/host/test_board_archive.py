"""The archive that `make flash` writes: laid out as lib/archive.py reads it, refused where it would be ambiguous."""

import struct
from hashlib import sha256
from zlib import crc32

import pytest

from tools.board import archive, bundle, reuse
from tools.board.bundle import File
from tools.board.install import describe
from tools.board.plan import plan


def test_each_module_is_found_by_its_number():
    modules = {f"/aws/module{n}.mpy": b"M" + bytes([n]) * n for n in range(100)} | {"/plain.mpy": b"plain"}
    data = archive.packed(modules)
    magic, size, slots, folders, checksum = struct.unpack_from("<4s4I", data)
    assert (magic, size) == (b"arc1", len(data))
    assert data[20 : 20 + folders] == b":/:/aws:"
    table = 20 + folders
    assert crc32(data[20 : table + 8 * slots]) == checksum
    rows = list(struct.iter_unpack("<II", data[table : table + 8 * slots]))
    assert rows.count((0, 0)) >= slots // 4  # what is not there is soon known
    for path, content in modules.items():
        slot = archive.numbered(path) % slots
        while rows[slot][0] != archive.numbered(path):
            assert rows[slot] != (0, 0)
            slot = (slot + 1) % slots
        assert data[rows[slot][1] :].startswith(content)


def test_two_paths_with_one_number_are_refused(monkeypatch):
    monkeypatch.setattr(archive, "numbered", len)
    with pytest.raises(bundle.BundleError, match=r"/b\.mpy and /a\.mpy have the same number"):
        bundle.archived([File("/lib/a.mpy", b""), File("/lib/b.mpy", b"")])


def test_what_mounts_it_stays_a_file_of_its_own():
    files = [File("/lib/archive.mpy", b"mounts"), File("/lib/system.mpy", b"code")]
    mounts, whole = bundle.archived(files)
    assert (mounts.path, whole.path) == ("/lib/archive.mpy", "/awsesp.arc")
    assert whole.data.endswith(b"code")
    assert b"mounts" not in whole.data


class OnBoard:
    """What `Files` answers about one file."""

    def __init__(self, data):
        self.data = data

    def read(self, path, n):
        return self.data[:n]

    def hashes(self, path, places):
        # As a board does: what goes on behind the end, or is less than nothing, is read to the end.
        return [sha256(self.data[begin : begin + n if n >= 0 else None]).hexdigest() for begin, n in places]


def test_of_a_new_archive_only_what_changed_is_sent():
    modules = {f"/m{n}.mpy": bytes([n]) * 500 for n in range(60)}
    old = archive.packed(modules)
    gone = modules.pop("/m40.mpy")
    new = archive.packed(modules | {"/m20.mpy": b"changed", "/m99.mpy": b"new"})
    assert gone not in new
    pieces = reuse.pieces(new, archive.PATH, OnBoard(old))
    assert b"".join(_content(piece, old) for piece in pieces) == new
    assert [piece for piece in pieces[1:] if isinstance(piece, bytes)] == [b"changed", b"new"]
    assert len(pieces) < 8


@pytest.mark.parametrize("size", [0, 1 << 20])
def test_an_archive_that_is_wrong_about_its_size_is_no_trap(size):
    new = archive.packed({f"/m{n}.mpy": bytes([n]) * 500 for n in range(3)})
    old = new[:4] + struct.pack("<I", size) + new[8:]
    pieces = reuse.pieces(new, archive.PATH, OnBoard(old))
    assert all(n > 0 and begin + n <= len(old) for begin, n in pieces[1:])
    assert b"".join(_content(piece, old) for piece in pieces) == new


def _content(piece, old):
    return piece if isinstance(piece, bytes) else old[piece[0] :][: piece[1]]


NOTHING = {
    "no bytes": b"",
    "half a head": b"arc1",
    "another file": b"something else that is long enough",
    "empty": archive.packed({}),
    "half a table": archive.packed({"/a.mpy": b"code"})[:70],
}


@pytest.mark.parametrize("old", NOTHING.values(), ids=NOTHING)
def test_where_there_is_nothing_to_take_over_all_is_sent(old):
    new = archive.packed({"/a.mpy": b"code"})
    assert reuse.pieces(new, archive.PATH, OnBoard(old)) == [new]


def test_folders_of_single_files_go_when_nothing_is_left_in_them():
    sizes = dict.fromkeys(["/lib/aws/a.mpy", "/lib/ota/b.mpy", "/lib/ota/mine.py"], 1)
    sizes |= dict.fromkeys(["/lib/", "/lib/aws/", "/lib/ota/", "/lib/mine/"], 0)
    found = plan([File("/awsesp.arc", b"all")], sizes, None, ["/lib/aws/a.mpy", "/lib/ota/b.mpy", "/lib/gone/c.mpy"])
    assert found.remove == ["/lib/aws/a.mpy", "/lib/ota/b.mpy", "/lib/aws/"]
    interrupted = {"/lib/": 0, "/lib/aws/": 0}
    assert plan([], interrupted, None, ["/lib/aws/a.mpy"]).remove == ["/lib/aws/"]


def test_a_long_list_of_what_goes_is_a_number():
    sizes = {f"/lib/{n}.mpy": 1 for n in range(20)}
    assert describe(plan([], sizes, None, list(sizes))) == "0 files to write (0 KB), 20 to remove"
