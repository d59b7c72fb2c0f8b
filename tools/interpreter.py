"""Which MicroPython runs the device's code on this desk, and where it finds its modules."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BOARD = ROOT / "tools" / "sim" / "board"
STAND_INS = ROOT / "tools" / "sim" / "packages"
DEPS = ROOT / ".deps"
LIB = ROOT / "lib"

# The packages the firmware takes from micropython-lib: a file that is there when they are, and their folder in a
# checkout of micropython-lib.
PACKAGES = {
    "umqtt.simple": ("umqtt/simple", "micropython/umqtt.simple"),
    "aioble": ("aioble/__init__", "micropython/bluetooth/aioble"),
}


class MissingTool(Exception):
    """Something this desk needs is not there; the message says how to get it."""


def micropython():
    """Path of the interpreter: $MICROPYTHON, else the one beside this Python, else the one on PATH."""
    chosen = os.environ.get("MICROPYTHON")
    if chosen:
        found = shutil.which(chosen)
        if not found:
            raise MissingTool(f"MICROPYTHON={chosen} is not a program")
        return os.path.abspath(found)  # it is started in other folders
    found = shutil.which("micropython", path=str(Path(sys.executable).parent)) or shutil.which("micropython")
    if not found:
        raise MissingTool("no micropython on this machine: run this by `make`, or name one with MICROPYTHON=")
    return found


def micropython_version():
    """The interpreter's own words, such as "MicroPython v1.24.1 on 2025-01-01; linux version"."""
    answer = subprocess.run([micropython(), "--version"], capture_output=True, text=True, timeout=10, check=True)
    return answer.stdout.strip()


def package_folders():
    """Folders with the micropython-lib packages, first one wins: $MICROPYTHON_LIB, else .deps, then the stand-ins."""
    checkout = os.environ.get("MICROPYTHON_LIB")
    if not checkout:
        return [DEPS, STAND_INS]
    folders = [Path(checkout).resolve() / folder for _, folder in PACKAGES.values()]
    for folder in folders:
        if not folder.is_dir():
            raise MissingTool(f"MICROPYTHON_LIB={checkout} is no checkout of micropython-lib: it has no {folder}")
    return [*folders, STAND_INS]


def packages_in_use():
    """{package: where it comes from}: "micropython-lib", ".deps", "stand-in" or "none"."""
    return {name: _origin(module) for name, (module, _) in PACKAGES.items()}


def _origin(module):
    for folder in package_folders():
        if (folder / f"{module}.py").exists() or (folder / f"{module}.mpy").exists():
            return {DEPS: ".deps", STAND_INS: "stand-in"}.get(folder, "micropython-lib")
    return "none"


def module_path(*before_frozen, compiled=None):
    """The value of MICROPYPATH: the simulated board, the packages, `lib`, then what the caller adds, then .frozen.

    `.frozen` must stay in it: asyncio lives there. `compiled` is {folder: the one that takes its place}.
    """
    folders = [BOARD, *package_folders(), LIB]
    folders = [*((compiled or {}).get(folder, folder) for folder in folders), *before_frozen]
    return os.pathsep.join([*map(str, folders), ".frozen"])
