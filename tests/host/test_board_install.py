"""What `make flash` does on a board, step by step: on one in memory, which can be cut off before any of them."""

from hashlib import sha256

import pytest

from tests.host.test_board_words import ESP32
from tools.board import archive, bundle, first_boot, flash, install
from tools.board.bundle import File
from tools.board.facts import Facts
from tools.board.install import Install, Options
from tools.board.serial_board import BoardError

OLD = {"/a.mpy": b"a" * 300, "/gone.mpy": b"gone" * 99}
NEW = {"/a.mpy": b"a" * 300, "/b.mpy": b"b" * 200}
FOREIGN = {"/mine.py": b"mine", "/lib/mine.py": b"mine", "/lib/gone.mpy.mine": b"mine"}


class Cut(Exception):
    """The cable was pulled."""


class Board:
    """`SerialBoard` and its `Files` in one, whose files are a dict."""

    def __init__(self, files, room=1 << 20):
        self.files = dict(files)
        self.room = room
        self.steps = []  # what was changed
        self.cut_at = None  # before which of the steps it is cut off
        self.starts = 0

    def _step(self, *step):
        if len(self.steps) == self.cut_at:
            raise Cut
        self.steps.append(step)

    def interrupt(self):
        pass

    def run(self, _code):
        return "ok"

    def restart(self):
        self.starts += 1

    def start(self):
        pass

    def list(self):
        return {path: len(data) for path, data in self.files.items()}

    def hash(self, path):
        return sha256(self.files[path]).hexdigest()

    def hashes(self, path, places):
        return [sha256(self.files[path][begin : begin + n]).hexdigest() for begin, n in places]

    def free(self):
        return self.room

    def read(self, path, n=-1):
        data = self.files.get(path)
        return data if data is None or n < 0 else data[:n]

    def write(self, path, pieces, digest, progress):
        self._step("open", path)
        self.files[path + ".new"] = b"half"
        self._step("write", path)
        parts = [each if isinstance(each, bytes) else self.files[path][each[0] :][: each[1]] for each in pieces]
        for each in parts:
            progress(len(each))
        assert sha256(b"".join(parts)).hexdigest() == digest
        del self.files[path + ".new"]
        self.files[path] = b"".join(parts)

    def rename(self, old, new):
        self._step("rename", old)
        self.files[new] = self.files.pop(old)

    def remove(self, path):
        self._step("remove", path)
        self.files.pop(path, None)

    def remove_all(self):
        for path in list(self.files):
            self.remove(path)


@pytest.fixture
def flashed(monkeypatch):
    """`flashed(board, modules, **options)` brings a board to this firmware; returns what it says."""
    monkeypatch.setattr(install, "Files", lambda board: board)
    monkeypatch.setattr(install.facts, "ask", lambda board: Facts(**ESP32))
    monkeypatch.setattr(bundle, "packages", lambda names, compiled: [])

    def run(board, modules=NEW, dry=False, **options):
        mounts = File("/lib/archive.mpy", b"mounts")
        files = [mounts, *(File("/lib" + path, data) for path, data in modules.items())]
        monkeypatch.setattr(bundle, "firmware", lambda *_: files)
        said = []
        Install(board, Options(**options), said.append, lambda *_: None).run(dry)
        return "\n".join(said)

    return run


@pytest.mark.parametrize(("heap", "is_told"), [(100_000, True), (4_000_000, False)])
def test_what_would_spare_memory_is_told_for_a_board_that_has_little(flashed, tmp_path, monkeypatch, heap, is_told):
    monkeypatch.setattr(install.facts, "ask", lambda board: Facts(**dict(ESP32, heap=heap)))
    (tmp_path / "settings.json").write_text("{}")
    monkeypatch.setattr(bundle, "settings", lambda path: (File("/settings.json", b"{}"), [], ["something spares it"]))
    said = flashed(Board({}), settings=tmp_path / "settings.json")
    assert ("settings: something spares it" in said) is is_told


def holds(board, modules):
    """Whether it has this firmware and the programs, and of others what it had."""
    files = [File("/lib/archive.mpy", b"mounts"), *(File("/lib" + path, data) for path, data in modules.items())]
    expected = bundle.archived(files)
    wanted = {file.path: file.data for file in expected + bundle.programs()} | FOREIGN
    listed = "\n".join(file.path for file in expected).encode()
    return board.files == wanted | {"/lib/.awsesp": listed}


@pytest.mark.parametrize("old", [{}, {"files": True}, {"files": False}], ids=["new", "files", "archive"])
def test_cut_off_before_any_step_the_next_run_completes_it(flashed, old):
    before = Board(FOREIGN)
    if old:
        flashed(before, OLD, **old)
    whole = Board(before.files)
    flashed(whole)
    assert holds(whole, NEW)
    assert whole.steps[0] == ("rename", "/main.py") or not old
    assert len(whole.steps) > 3
    for n in range(len(whole.steps)):
        board = Board(before.files)
        board.cut_at = n
        with pytest.raises(Cut):
            flashed(board)
        assert n == 0 or "/main.py" not in board.files or n > len(whole.steps) - 2  # no half of it is ever run
        board.cut_at = None
        flashed(board)
        assert holds(board, NEW), whole.steps[n]


def test_where_the_program_is_right_already_it_comes_back(flashed):
    board = Board(FOREIGN)
    flashed(board, OLD)
    board.steps.clear()
    flashed(board, NEW)
    assert ("write", "/main.py") not in board.steps
    assert holds(board, NEW)
    board.steps.clear()
    assert "all 5 files are right already" in flashed(board, NEW)
    assert not board.steps


def test_modules_that_somebody_has_put_there_give_way_and_other_files_stay(flashed):
    theirs = {"/lib/a.py": b"by mip", "/lib/b.mpy": b"by hand", "/lib/.awsesp": b"/mine.py\n/lib/none.py"}
    board = Board(FOREIGN | theirs)
    flashed(board)
    assert holds(board, NEW)


def test_a_dry_run_takes_no_step(flashed):
    board = Board(FOREIGN)
    assert "to write" in flashed(board, dry=True)
    assert (board.steps, board.starts) == ([], 1)


def test_with_the_programs_only_lib_stays_as_it_is(flashed):
    board = Board(FOREIGN)
    flashed(board, OLD)
    board.files["/boot.py"] = b"another"
    flashed(board, NEW, with_lib=False)
    assert holds(board, OLD)


def test_what_is_erased_is_not_taken_over(flashed):
    board = Board(FOREIGN)
    flashed(board, OLD)
    assert "everything is erased first" in flashed(board, NEW, erase=True)
    board.files |= FOREIGN
    assert holds(board, NEW)


def test_the_room_of_what_goes_counts(flashed):
    board = Board(FOREIGN, room=0)
    with pytest.raises(BoardError, match=r"has 0 KB free, \d+ KB are needed: remove files .* or use --erase"):
        flashed(board)
    assert board.steps == []
    board.files[archive.PATH + ".new"] = bytes(1 << 17)  # an earlier run has left it
    flashed(board)
    assert holds(board, NEW)


class Console:
    def __init__(self, *lines):
        self.lines = lines

    def console(self, _timeout_s):
        return iter(self.lines)


def test_a_start_is_watched_until_its_mode_is_known():
    heard = []
    board = Console("\x00boot", None, "\n", "   0.41 INIT --failed--> IDLE (flash_failed: worn)\n", "more\n")
    assert first_boot.watch(board, heard.append) == ("IDLE", "failed", "flash_failed: worn")
    assert heard == ["\x00boot", board.lines[3].rstrip()]
    with pytest.raises(BoardError, match="its program has ended: OSError: 5"):
        first_boot.watch(Console("OSError: 5\n", ">>> "), heard.append)
    with pytest.raises(BoardError, match="did not say its mode within 90 s; its last words: none"):
        first_boot.watch(Console(None), heard.append)


@pytest.mark.parametrize(("line", "code"), [("INIT --failed--> IDLE (why)\n", 3), ("INIT --ready--> NORMAL\n", 0)])
def test_the_exit_code_tells_a_board_that_is_idle(capsys, line, code):
    with flash._Screen(False) as screen:
        assert flash._Job("/dev/ttyX", Options(), screen, False, True)._watch(Console(line)) == code
    said = capsys.readouterr().out
    assert ("    why\n" in said) is (code == 3)
    assert "make monitor PORT=/dev/ttyX" in said
