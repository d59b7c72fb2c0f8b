"""The table of all events in docs/events.md, from the docstring of lib/events.py."""

import ast

from tools.interpreter import ROOT

PAGE = ROOT / "docs" / "events.md"
BEGIN, END = "<!-- events: python -m tools docs -->", "<!-- end of the events -->"
_SOURCE = ROOT / "lib" / "events.py"


def updated(document):
    """The page with the table of today's events."""
    head, _, rest = document.partition(BEGIN)
    _, _, tail = rest.partition(END)
    return f"{head}{BEGIN}\n\n{table()}\n\n{END}{tail}"


def table():
    """The rows as they are in the source, names as code."""
    lines = ast.get_docstring(ast.parse(_SOURCE.read_text(encoding="utf-8"))).splitlines()
    title, rule, *rows = [line for line in lines if line.startswith("|")]
    return "\n".join([title, rule, *map(_with_code, rows)])


def names():
    """What can really be emitted."""
    tree = ast.parse(_SOURCE.read_text(encoding="utf-8"))
    values = {ast.unparse(node.targets[0]): node.value for node in tree.body if isinstance(node, ast.Assign)}
    return set(values["_NAMES"].value.split())


def _with_code(row):
    _, name, rest = row.split("|", 2)
    return f"| `{name.strip()}` |{rest}"
