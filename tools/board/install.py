"""Bring one board to what a bundle says, in steps that may be interrupted anywhere: the next run completes them.

main.py is put aside first and comes back last, so that a board that lost its power half-way waits for the next run,
and does not run half a firmware. No file is ever half under its own name.
"""

import contextlib
from pathlib import Path

from tools.board import archive, bundle, facts, reuse
from tools.board.files import Files, leftovers
from tools.board.plan import INSTALLED, Plan, plan, twins
from tools.board.serial_board import BoardError

_MAIN = "/main.py"
_SETTINGS = "/settings.json"
_ASIDE = "/main.py.off"
_LISTED = 8  # files to remove are told by name, unless they are more
_SPARE_BYTES = 32768  # littlefs needs room to replace files; so does the device for what it stores

_MARK_CLEAN = Path(__file__).with_name("flashed.py").read_text(encoding="utf-8")
_ERASE_NVS = """
try:
    from esp32 import Partition
    for _p in Partition.find(Partition.TYPE_DATA, label='nvs'):
        for _n in range(_p.info()[3] // 4096):
            _p.ioctl(6, _n)
    print('ok')
except Exception as _e:
    print(_e)
"""


class Options:
    """What the person asked for: `settings` and `main` paths or None, `compiled`, `with_lib`, `with_ble`, `erase`.

    `lines`: whether compiled code knows its line numbers; None is for the board to decide. `files`: lib as single
    files, not as one archive; so are sources always.
    """

    def __init__(
        self, settings=None, main=None, compiled=True, lines=None, with_lib=True, with_ble=True, erase=False,
        files=False,
    ):  # fmt: skip
        self.settings = settings
        self.main = main
        self.compiled = compiled
        self.lines = lines
        self.with_lib = with_lib
        self.with_ble = with_ble
        self.erase = erase
        self.files = files


class Install:
    """`tell(text)` prints a line, `progress(done, total)` hears bytes."""

    def __init__(self, board, options, tell, progress):
        self._board = board
        self._files = Files(board)
        self._options = options
        self._tell = tell
        self._progress = progress
        self._archived = []  # paths of the single files that the archive stands for

    def run(self, dry=False):
        """Do it, or only tell it. Raises BoardError, BundleError. The board is restarted in the end."""
        self._tell("stopping its program")
        self._board.interrupt()
        try:
            found, sizes = self._examined()
        except BaseException:  # nothing was changed: it goes on with the program that it has
            with contextlib.suppress(BoardError):
                self._board.run(_MARK_CLEAN)
                self._board.restart()
            raise
        if not dry and (self._options.erase or found):
            self._change(found, sizes)
        if dry or not self._options.erase:  # what it counts by is gone then, and NVS does not know it yet
            self._board.run(_MARK_CLEAN)
        self._board.restart()

    def _examined(self):
        self._look()
        found, sizes = self._plan()
        self._tell(describe(found, self._options.erase))
        if found.write and not self._options.erase:  # to ask for the room takes a large file system seconds
            self._require_room(found, sizes)
        return found, sizes

    def _look(self):
        self.facts = facts.ask(self._board)
        self._tell(str(self.facts))
        refusals = list(self.facts.refusals())
        if refusals:
            raise BoardError("; ".join(refusals))
        for remark in self.facts.remarks():
            self._tell(f"note: {remark}")
        if self._options.with_lib and self.facts.is_small():
            self._tell(f"note: its heap is {self.facts.heap // 1024} KB: {self._what_is_tight()}")
            if self._is_compiled() and not self._has_lines():
                self._tell("note: lib is compiled without line numbers, which saves 3 KB; --lines keeps them")

    def _what_is_tight(self):
        if not self._is_compiled():
            return "lib as sources takes so much of it that none is left to Wi-Fi; it works compiled (docs/boards.md)"
        return (
            "lib as files leaves little of it to an application; "
            "an image with the firmware frozen in leaves far more (docs/boards.md)"
        )

    def _is_compiled(self):
        return self._options.compiled and self.facts.reads_mpy

    def _has_lines(self):
        return not self.facts.is_small() if self._options.lines is None else self._options.lines

    def _plan(self):
        wanted = self._wanted()
        self._files.start()
        sizes = self._files.list()
        if self._options.erase:
            return Plan(write=wanted), sizes
        if _MAIN not in sizes and _ASIDE in sizes:
            self._tell("an earlier run was interrupted: this one completes it")
        found = plan(wanted, sizes, self._files.hash, self._installed())
        ours = {archive.PATH, _SETTINGS, *(file.path for file in wanted)}
        found.remove += [path for path in leftovers(sizes, ours) if path not in found.remove]
        return found, sizes

    def _installed(self):
        """What an earlier run has put there, or another way of installing: single files, an archive."""
        if not self._options.with_lib:
            return []
        listed = (self._files.read(INSTALLED) or b"").decode(errors="replace").split("\n")
        return [archive.PATH, *self._archived, *twins(self._archived), *filter(_is_lib, listed)]

    def _wanted(self):
        """The files, in the order in which they are written: main.py last."""
        options, compiled = self._options, self._is_compiled()
        wanted = []
        if options.with_lib:
            wanted += bundle.firmware(compiled, self._has_lines(), options.main) + self._packages(compiled)
            if compiled and not options.files:
                self._archived = [file.path for file in wanted]
                wanted = bundle.archived(wanted)
            wanted.append(bundle.File(INSTALLED, "\n".join(file.path for file in wanted).encode()))
        if options.settings:
            file, warnings, savings = bundle.settings(options.settings)
            for warning in warnings + (savings if self.facts.is_small() else []):
                self._tell(f"settings: {warning}")
            wanted.append(file)
        return wanted + bundle.programs(options.main)

    def _packages(self, compiled):
        files = []
        if self.facts.umqtt:
            self._tell("umqtt.simple is in its image")  # a copy would only hide it, and cost memory
        else:
            files += bundle.packages(["umqtt.simple"], compiled)
        if self.facts.aioble:
            self._tell("aioble is in its image")
        elif self._options.with_ble and self.facts.bluetooth:
            files += self._aioble(compiled)
        return files

    def _aioble(self, compiled):
        try:
            return bundle.packages(["aioble"], compiled)
        except bundle.BundleError as error:
            # It works without, from a settings file; so a desk without the internet is no reason to stop.
            self._tell(f"note: {error}; until then the board cannot be configured by phone")
            return []

    def _change(self, found, sizes):
        self._hold(sizes)
        if self._options.erase:
            self._erase()
        for path in found.remove:
            self._files.remove(path)
        total, done = found.bytes, 0
        for file in found.write:
            self._files.write(file.path, self._pieces(file, sizes), file.sha256, self._step(done, total))
            done += len(file.data)
        self._progress(total, total)
        if any(file.path == _MAIN for file in found.write):
            self._files.remove(_ASIDE)
        else:
            self._files.rename(_ASIDE, _MAIN)

    def _pieces(self, file, sizes):
        if file.path != archive.PATH or file.path not in sizes:
            return [file.data]
        pieces = reuse.pieces(file.data, file.path, self._files)
        sent = sum(len(piece) for piece in pieces if isinstance(piece, bytes))
        if sent < len(file.data):
            self._tell(f"{sent / 1024:.0f} KB of {file.path} changed, the rest of it is copied there")
        return pieces

    def _step(self, done, total):
        state = [done]

        def step(n):
            state[0] += n
            self._progress(state[0], total)

        return step

    def _hold(self, sizes):
        """Restart it without its program: that frees its memory and ends its watchdog, which nothing else can."""
        if _MAIN not in sizes:
            return
        self._tell("restarting it without its program")
        self._files.rename(_MAIN, _ASIDE)
        self._board.run(_MARK_CLEAN)
        self._board.restart()
        self._board.interrupt()
        self._files.start()

    def _erase(self):
        self._tell("erasing its files and what it has stored")
        self._files.remove_all()
        answer = self._board.run(_ERASE_NVS).strip()
        if answer != "ok":
            self._tell(f"note: NVS could not be erased ({answer}); the device's stored keys are still there")

    def _require_room(self, found, sizes):
        gone = sum(sizes.get(path, 0) for path in found.remove)
        needed = found.bytes + _SPARE_BYTES
        room = self._files.free() + gone
        if room < needed:
            raise BoardError(
                f"its file system has {room // 1024} KB free, {needed // 1024} KB are needed: "
                "remove files that you do not need, or use --erase"
            )


def _is_lib(path):
    return path.startswith("/lib/")


def describe(found, erase=False):
    """A plan in one line, such as "12 files to write (34 KB), 58 are right already, 1 to remove"."""
    if not found and not erase:
        return f"all {found.same} files are right already"
    parts = ["everything is erased first"] if erase else []
    n = len(found.write)
    parts.append(f"{n} {'file' if n == 1 else 'files'} to write ({found.bytes / 1024:.0f} KB)")
    if found.same:
        parts.append(f"{found.same} are right already")
    if found.remove:
        several = len(found.remove) > _LISTED
        parts.append(f"{len(found.remove)} to remove" if several else f"to remove: {', '.join(found.remove)}")
    return ", ".join(parts)
