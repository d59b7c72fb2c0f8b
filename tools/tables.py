"""Tables without what nobody looks up in them, in what is compiled for a board.

Each entry of a module's or a class's table takes 8 bytes of its heap. MicroPython puts `__module__` and `__qualname__`
into each class, which nothing of `lib` asks for: a class forgets them first, and its methods take their places. The
compiler puts the number in the place of each `const(...)`: where all are such, nobody needs the function.
"""

import ast
import re

_FORGET = "del __module__, __qualname__"
_CONST = re.compile(r"^from micropython import const$", re.MULTILINE)
_COMPILED = re.compile(r"^\w+ = const\(-?[\w.]+\)", re.MULTILINE)


def without_unread_entries(sources):
    """{module: text} -> the same without them. Lines stay where they are."""
    return {module: _without_const(_without_origins(text)) for module, text in sources.items()}


def _without_origins(text):
    lines = text.splitlines(keepends=True)
    for node in ast.walk(ast.parse(text)):
        if not isinstance(node, ast.ClassDef):
            continue
        first = node.body[0]
        begin, end = first.lineno - 1, first.end_lineno - 1
        if _is_docstring(first):  # which the compiler leaves out
            lines[begin] = lines[begin][: first.col_offset] + _FORGET + "\n"
            lines[begin + 1 : end + 1] = ["\n"] * (end - begin)
        elif isinstance(first, ast.Assign):
            lines[begin] = lines[begin][: first.col_offset] + _FORGET + "; " + lines[begin][first.col_offset :]
    return "".join(lines)


def _is_docstring(node):
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)


def _without_const(text):
    if len(_COMPILED.findall(text)) == len(re.findall(r"\bconst\(", text)):
        return _CONST.sub("", text)
    return text
