"""Names that others know, and that therefore stay as they are in what is compiled for a board (shorten.py).

These are: what docs/api.md shows, of a class what has a docstring or is named in one; what the programs say that are
shipped as they are, and the examples of the documentation; and the names of MicroPython, of its packages and of the
chip, which cost a board nothing.
"""

import ast
import asyncio
import builtins
import hashlib
import importlib
import io
import re
import select
import socket
import ssl
from functools import cache

from tools.interpreter import BOARD, LIB, ROOT, STAND_INS

_PROGRAMS = (
    "boot.py", "main.py", "tools/board/flashed.py", "tools/new/template/main.py", "tools/qualify/application.py",
)  # fmt: skip
_REPLACED = ("release", "ota/keys")  # by those of one build (firmware/), of one device (release keygen)
_REFERENCE = ROOT / "docs" / "api.md"
_REFERRED = re.compile(r"^::: ([\w.]+)\n(?:    options:\n      members: \[([\w, ]+)\]\n)?", re.MULTILINE)
_FUNCTION = (ast.FunctionDef, ast.AsyncFunctionDef)
_WORD = re.compile(r"\w+")
_EXAMPLE = re.compile(r"^```python\n(.*?)^```", re.MULTILINE | re.DOTALL)

# Of the simulation: where it has the chip's own classes.
_CHIP = ("adc", "gatt", "partition", "uuid", "wlan")

# What `lib` imports of Python's library and MicroPython has, too; and what only MicroPython has in these.
_MODULES = "asyncio binascii errno gc hashlib io json os random select socket ssl struct sys time".split()  # noqa: SIM905
_TYPES = (
    str, bytes, bytearray, memoryview, list, tuple, dict, set, frozenset, int, float, OSError, StopIteration,
    type((lambda: (yield))()), type(lambda: None), io.BytesIO, io.StringIO, type(hashlib.sha256()), socket.socket,
    ssl.SSLContext, select.poll, asyncio.Event, asyncio.Lock, asyncio.Task, asyncio.StreamReader,
    asyncio.StreamWriter, asyncio.AbstractEventLoop,
)  # fmt: skip
_MICROPYTHON = set(
    """
    ThreadSafeFlag alloc_emergency_exception_buf core cur_task current_task ilistdir ioctl ipoll kbd_intr mount ph_key
    print_exception queue_read queue_write readinto schedule sleep_ms sleep_us stat state statvfs
    ticks_add ticks_diff ticks_ms umount wait_for_ms wait_io_event
    """.split()  # noqa: SIM905
)


@cache
def names():
    """All of them, a frozenset."""
    return frozenset(_of_the_reference() | _of_what_is_replaced() | _of_programs() | _of_examples() | _of_others())


def _of_the_reference():
    found = set()
    for module, members in _REFERRED.findall(_REFERENCE.read_text(encoding="utf-8")):
        tree = ast.parse((LIB / f"{module.replace('.', '/')}.py").read_text(encoding="utf-8"))
        shown = {name.strip() for name in members.split(",")} if members else None
        nodes = [node for node in tree.body if shown is None or getattr(node, "name", None) in shown]
        explained = _explained(tree)
        for node in nodes:
            found |= _public(node) - (_inner(node) - explained)
    return found


def _explained(tree):
    """Words of the docstrings in a module, and the names of what has one."""
    nodes = [node for node in ast.walk(tree) if isinstance(node, (*_FUNCTION, ast.ClassDef))]
    texts = {node.name: ast.get_docstring(node) for node in nodes if ast.get_docstring(node)}
    return set(texts).union(*map(_WORD.findall, [ast.get_docstring(tree), *texts.values()]))


def _inner(node):
    """Names of a class's methods and attributes, but for those that are also parameters of what can be called."""
    if not isinstance(node, ast.ClassDef):
        return set()
    return _defined(node) - {node.name} - _parameters(node)


def _of_what_is_replaced():
    return set().union(*(_public(ast.parse((LIB / f"{name}.py").read_text(encoding="utf-8"))) for name in _REPLACED))


def _public(node):
    """Names that a user of this definition can say: its own, its attributes', its methods' and their parameters'."""
    return {name for name in _defined(node) | _parameters(node) if not name.startswith("_")}


def _parameters(node):
    """Names of the parameters of the methods and functions in here that others may call."""
    return {
        argument.arg
        for each in ast.walk(node)
        if isinstance(each, _FUNCTION) and (not each.name.startswith("_") or each.name == "__init__")
        for argument in ast.walk(each.args)
        if isinstance(argument, ast.arg)
    }


def _defined(node):
    """Names of what is defined here. Those of parameters are kept by `shorten` where `lib` says them in a call."""
    found = set(_stored(node))
    for each in ast.walk(node):
        if isinstance(each, (*_FUNCTION, ast.ClassDef)):
            found.add(each.name)
        elif isinstance(each, ast.Attribute) and isinstance(each.ctx, ast.Store):
            found.add(each.attr)
    return {name for name in found if not name.startswith("_")}


def _stored(node):
    """Names that are assigned to in a module's or a class's own lines; nobody can say those of local variables."""
    if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
        yield node.id
    elif not isinstance(node, (*_FUNCTION, ast.Lambda)):
        for each in ast.iter_child_nodes(node):
            yield from _stored(each)


def _of_programs():
    """What is said by the files that go onto a board as they are, or into an image."""
    programs = [ROOT / name for name in _PROGRAMS]
    for folder in ("examples", "firmware"):
        programs += sorted((ROOT / folder).rglob("*.py"))
    return set().union(*map(said_by, programs))


def application(main):
    """The file `main` and the modules beside it that it imports, those that they import, and so on."""
    found, waiting = [], [main]
    while waiting:
        program = waiting.pop()
        if program in found:
            continue
        found.append(program)
        for name in _imported(ast.parse(program.read_text(encoding="utf-8"), str(program))):
            path = main.parent.joinpath(*name.split("."))
            waiting += [file for file in (path.with_suffix(".py"), path / "__init__.py") if file.is_file()]
    return found


def _imported(tree):
    """Names of modules that a program imports; of `from a import b`, which may be one, too, "a" and "a.b"."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]


def said_by(program):
    """The names by which the file `program` calls what is not its own."""
    return _said(ast.parse(program.read_text(encoding="utf-8")))


def given_by(program):
    """The names that the file `program` may give to objects of `lib`: `device.end = 1`, `class Mine(Shadow)`."""
    found = set()
    for node in ast.walk(ast.parse(program.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ClassDef) and node.bases:
            found |= _defined(node)
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store) and not _is_self(node.value):
            found.add(node.attr)
    return frozenset(found)


def _is_self(node):
    return isinstance(node, ast.Name) and node.id == "self"


def _of_examples():
    pages = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
    texts = [text for page in pages for text in _EXAMPLE.findall(page.read_text(encoding="utf-8"))]
    return set().union(*(_said(ast.parse(text)) for text in texts))


def _said(tree):
    """Names by which a program calls what is not its own: imported, of attributes, of arguments."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.Attribute):
            found.add(node.attr)
        elif isinstance(node, ast.keyword) and node.arg:
            found.add(node.arg)
    return found


def _of_others():
    found = set(dir(builtins)) | _MICROPYTHON
    for module in _MODULES:
        found.update(dir(importlib.import_module(module)))
    for kind in _TYPES:
        found.update(dir(kind))
    # The chip's names and aioble's are in what stands for them here; the simulation's own ones nobody there knows.
    stand_ins = [*BOARD.glob("*.py"), *(BOARD / "simulated" / f"{name}.py" for name in _CHIP), *STAND_INS.rglob("*.py")]
    return found.union(*(_defined(ast.parse(path.read_text(encoding="utf-8"))) for path in stand_ins))
