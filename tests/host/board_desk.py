"""What the tests of `make flash` and `make monitor` share: bare boards with a serial port, and the verbs themselves."""

import contextlib
import os
import shutil
import subprocess
import sys
import time

from tests import precompiled
from tools import interpreter
from tools.board import bundle
from tools.board.install import Install, Options
from tools.board.serial_board import BoardError, SerialBoard
from tools.interpreter import ROOT
from tools.sim import Board
from tools.sim.bare import bare


@contextlib.contextmanager
def bare_board(folder, **options):
    """A board with nothing but MicroPython, switched on and in its REPL."""
    folder.mkdir(exist_ok=True)
    options = {"compiled": precompiled.folders(), **options}
    with Board(folder / "flash", serial=True, **bare(folder), **options) as board:
        board.power_on()
        board.wait_for("REPL")
        # A Ctrl-C that comes before its prompt is one too early for the simulated REPL.
        until(lambda: any(line.startswith('Type "help') for line in board.lines))
        yield board


def checkout(folder):
    """A folder laid out as a checkout of micropython-lib, with the packages that are in use here."""
    if os.environ.get("MICROPYTHON_LIB"):
        return os.environ["MICROPYTHON_LIB"]
    for name, (_, path) in interpreter.PACKAGES.items():
        first = name.split(".")[0]
        source = next(each / first for each in interpreter.package_folders() if (each / first).is_dir())
        shutil.copytree(source, folder / path / first, dirs_exist_ok=True)
    return str(folder)


def until(condition, timeout_s=20):
    """Wait until `condition()` holds."""
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def verb(name, *arguments, packages, timeout=120):
    """(exit code, what it printed) of `python -m tools NAME ...`."""
    answer = subprocess.run(
        [sys.executable, "-m", "tools", name, *map(str, arguments)],
        cwd=ROOT,
        env=dict(os.environ, MICROPYTHON_LIB=packages, COLUMNS="200"),
        capture_output=True,
        text=True,
        timeout=timeout,
    )
    return answer.returncode, answer.stdout + answer.stderr


def install(board, answer_s=60, **options):
    with SerialBoard(board.port, answer_s=answer_s) as serial:
        Install(serial, Options(**options), tell=lambda _: None, progress=lambda *_: None).run()


def install_until_its_power_is_cut(board):
    """A board that is merely slow, as on a busy desk, is asked anew: its silence alone is not the cut."""
    deadline = time.monotonic() + 90
    while board.is_on:
        assert time.monotonic() < deadline, "its power was not cut"
        with contextlib.suppress(BoardError):
            install(board, answer_s=1.5)
            raise AssertionError("it was installed before its power was cut")
    board.wait_until_off()


def expected(packages, monkeypatch):
    """{path: bytes} of what belongs on a board."""
    monkeypatch.setenv("MICROPYTHON_LIB", packages)
    files = bundle.archived(bundle.firmware() + bundle.packages(["aioble"])) + bundle.programs()
    return {file.path: file.data for file in files}


def contents(board):
    return {path: board.read_file(path) for path in board.list_files()}
