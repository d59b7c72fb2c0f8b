"""Put the firmware on a board that runs MicroPython 1.24 or later: lib/ compiled, boot.py, main.py and the packages."""

import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Annotated

import typer

from tools import interpreter, mpy
from tools.interpreter import ROOT
from tools.verbs.deps import VERSIONS
from tools.verbs.ports import require_port

RETURN_S = 30  # a board with USB of its own leaves the bus at a reset and comes back
STEP_S = 300

# The watchdog cannot be stopped once main.py has started it, and would cut the copying short. So main.py is put aside
# and the board restarted first; if anything fails later, the board waits without a program until flash is run again.
_HOLD = """
import os, machine
os.rename({root!r} + 'main.py', {root!r} + 'main.py.off')
machine.reset()
"""

# A module's source hides its compiled twin: what an earlier way of installing left must go.
_SWEEP = """
import os
def sweep(folder):
    for name, kind, *_ in os.ilistdir(folder):
        path = folder + '/' + name
        if kind == 0x4000:
            sweep(path)
        elif path[len({lib!r}) + 1:] in {unwanted!r}:
            os.remove(path)
            print('removed', path)
sweep({lib!r})
"""

_TIDY = """
import os
if 'main.py.off' in os.listdir({root!r}):
    os.remove({root!r} + 'main.py.off')
"""

_LOOK = """
import os, sys
print(sys.implementation.version[:2], 'main.py' in os.listdir({root!r}), 'lib' in os.listdir({root!r}))
"""


class Board:
    """A board on a serial port, reached with mpremote. `root` is its file system's folder, "/" on a chip."""

    def __init__(self, port, root):
        self.port = port
        self.root = root

    def run(self, *arguments, timeout_s=STEP_S):
        """One mpremote command; returns what it printed. Ends this program with mpremote's words when it fails."""
        answer = self._mpremote(*arguments, timeout_s=timeout_s)
        if answer.returncode:
            lines = (answer.stderr + answer.stdout).strip().splitlines() or ["mpremote said nothing"]
            sys.exit(f"flash: {lines[-1]}")
        return answer.stdout

    def _mpremote(self, *arguments, timeout_s):
        # `resume`: no soft reset, which would run boot.py once more and count as a start.
        command = [sys.executable, "-m", "mpremote", "connect", self.port, "resume", *map(str, arguments)]
        try:
            return subprocess.run(command, capture_output=True, text=True, timeout=timeout_s)
        except subprocess.TimeoutExpired:
            sys.exit(f"flash: no answer from {self.port} within {timeout_s} s")

    def look(self):
        """(MicroPython version, is there a main.py, is there a /lib)."""
        version, has_main, has_lib = self.run("exec", _LOOK.format(root=self.root)).strip().rsplit(" ", 2)
        return tuple(map(int, version.strip("()").split(","))), has_main == "True", has_lib == "True"

    def hold(self):
        """Restart the board without its program."""
        self.run("exec", "--no-follow", _HOLD.format(root=self.root))
        self._await_return()

    def _await_return(self):
        deadline = time.monotonic() + RETURN_S
        while self._mpremote("exec", "pass", timeout_s=10).returncode:
            if time.monotonic() > deadline:
                sys.exit(f"flash: {self.port} did not come back within {RETURN_S} s of its restart")
            time.sleep(0.5)


def main(
    port: Annotated[str, typer.Option(help="Serial port of the board; auto: the first one on USB.")] = "auto",
    settings: Annotated[Path | None, typer.Option(help="A settings file to put there, too.", exists=True)] = None,
    source: Annotated[bool, typer.Option(help="Copy lib as .py: slower to start, more heap, readable there.")] = False,
    packages: Annotated[bool, typer.Option(help="Install umqtt.simple and aioble, too.")] = True,
    programs_only: Annotated[bool, typer.Option(help="Only boot.py and main.py: lib is frozen there.")] = False,
    root: Annotated[str, typer.Option(hidden=True)] = "/",
):
    require_port("flash", port)
    board = Board(port, root.rstrip("/") + "/")
    with tempfile.TemporaryDirectory() as folder:
        # Before the board is touched: it must not be left without a program because a file does not compile.
        lib = None if programs_only else build(Path(folder) / "lib", compiled=not source)
        version, has_main, has_lib = board.look()
        if version < (1, 24):
            sys.exit(f"flash: the board runs MicroPython {version[0]}.{version[1]}; 1.24 or later is needed")
        if has_main:
            print("restarting the board without its program")
            board.hold()
        if lib:
            _copy_lib(board, has_lib, lib)
        if lib and packages:
            _install_packages(board)
    _copy_programs(board, settings)
    board.run("exec", "--no-follow", "import machine; machine.reset()")
    print(f"done: the board starts. Watch it with `make monitor PORT={port}`.")


def build(folder, compiled):
    """lib as it goes to the board: compiled for MicroPython 1.24 (later ones read it, too) or as source."""
    for path in sorted((ROOT / "lib").rglob("*.py")):
        target = folder / path.relative_to(ROOT / "lib")
        target.parent.mkdir(parents=True, exist_ok=True)
        if compiled:
            _compile(path, target.with_suffix(".mpy"))
        else:
            shutil.copy(path, target)
    return folder


def _compile(path, target):
    try:
        mpy.compile_file(path, target)
    except mpy.Refused as reason:
        sys.exit(f"flash: {reason}")


def _copy_lib(board, has_lib, lib):
    twin = {".py": ".mpy", ".mpy": ".py"}
    unwanted = {str(path.relative_to(lib).with_suffix(twin[path.suffix])) for path in lib.rglob("*.*py")}
    if has_lib:
        print(board.run("exec", _SWEEP.format(lib=f"{board.root}lib", unwanted=unwanted)), end="")
    print(f"copying lib ({len(unwanted)} files)")
    board.run("fs", "cp", "-r", lib, f":{board.root}")


def _copy_programs(board, settings):
    if settings:
        print("copying the settings")
        board.run("fs", "cp", settings, f":{board.root}settings.json")
    print("copying boot.py and main.py")
    # main.py last: a board that was disconnected half-way waits, it does not run half a firmware.
    programs = [path for path in (ROOT / "boot.py", ROOT / "main.py") if path.exists()]
    board.run("fs", "cp", *programs, f":{board.root}")
    board.run("exec", _TIDY.format(root=board.root))


def _install_packages(board):
    if interpreter.DEPS.is_dir():
        print("copying the packages of .deps")
        for path in sorted(interpreter.DEPS.iterdir()):
            board.run("fs", "cp", "-r", path, f":{board.root}lib/")
        return
    for package, version in VERSIONS.items():
        print(f"installing {package} {version} by mip")
        board.run("mip", "install", "--target", f"{board.root}lib", f"{package}@{version}")
