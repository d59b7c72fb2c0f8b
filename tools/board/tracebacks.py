"""Source lines for the tracebacks of compiled modules, which know module and line, but neither text nor true names."""

import ast
import re
from functools import cache, lru_cache

from tools import mpy, public
from tools.constants import with_constants
from tools.interpreter import ROOT
from tools.shorten import short_names

_FRAME = re.compile(r'^\s*File "(?P<file>[\w./]+)", line (?P<line>\d{1,9})(?:, in (?P<name>\S+))?')
_AS_IT_IS = ("main.py", "boot.py")  # copied to a board with its true names


def source_of(line):
    """What a traceback's line (`  File "aws.client", line 12, in find`) speaks of, or None:

    `lib/aws/client.py, Aws.publish: return self._sender.send(...)`. It is read from this checkout: right as long
    as the board runs the same version. The names at the ends of such lines are short ones (tools/shorten.py), but not
    those of programs: by them the main.py of somebody else is known. Where the board's code has no line numbers each
    line is 1, and what is known are the functions with that short name.
    """
    frame = _FRAME.match(line)
    path = _path(frame["file"]) if frame else None
    if path is None:
        return None
    lines, functions = _read(path)
    number, shown = int(frame["line"]), path.relative_to(ROOT).as_posix()
    if number == 1 and frame["name"] not in (None, "<module>"):
        called = [
            name
            for _, _, name in functions
            if _short_names().get(name.split(".")[-1], name.split(".")[-1]) == frame["name"]
        ]
        return f"{shown}, {' or '.join(called)}" if called else None
    if not 0 < number <= len(lines):
        return None
    inside = [name for first, last, name in functions if first <= number <= last]
    if path.name in _AS_IT_IS and not _may_be_called(frame["name"], inside):
        return None
    return f"{shown}, {inside[-1]}: {lines[number - 1].strip()}" if inside else f"{shown}: {lines[number - 1].strip()}"


@cache
def _short_names():
    return short_names(with_constants(mpy.lib_sources(), public.names()), public.names())


def _may_be_called(name, inside):
    """Whether a frame `in name` can be in these functions, the innermost of which is the last."""
    if name is None or (name[0] == "<" and name != "<module>"):
        return True  # a lambda, a comprehension
    return name == (inside[-1].rpartition(".")[2] if inside else "<module>")


def _path(file):
    """Of the source: `file` is a module's dotted name, or a path on the board."""
    if ".." in file:
        return None
    as_module = file.replace(".", "/") + ".py"
    candidates = (ROOT / file.lstrip("/"), ROOT / "lib" / file.lstrip("/"), ROOT / "lib" / as_module)
    return next((each for each in candidates if each.suffix == ".py" and each.is_file()), None)


@lru_cache(maxsize=64)
def _read(path):
    """(lines, [(first line, last line, qualified name)] of its functions, outer ones first)."""
    text = path.read_text(encoding="utf-8")
    return text.splitlines(), list(_functions(ast.parse(text), ""))


def _functions(node, prefix):
    for each in ast.iter_child_nodes(node):
        if isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef):
            yield each.lineno, each.end_lineno, prefix + each.name
        if isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield from _functions(each, f"{prefix}{each.name}.")
        else:
            yield from _functions(each, prefix)
