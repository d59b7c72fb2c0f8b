"""The diagram of the modes, printed from the table that the firmware runs by (lib/modes.py)."""

import importlib
import sys
from pathlib import Path
from types import SimpleNamespace

ROOT = Path(__file__).resolve().parents[2]
BEGIN = "<!-- diagram: python -m tools diagram -->"
END = "<!-- end of the diagram -->"
PAGES = (ROOT / "docs" / "modes.md", ROOT / "docs" / "architecture.md")


def mermaid(table):
    """A mermaid state diagram of rows (mode, event, next mode, action)."""
    lines = ["```mermaid", "stateDiagram-v2", "    [*] --> INIT"]
    for mode, event, after, _ in table:
        lines.append(f"    {mode} --> {after}: {event}")
    return "\n".join([*lines, "    restart --> [*]", "```"])


def firmware(module):
    """A module of lib's words and head, which import in CPython, too, but for `const`."""
    sys.modules.setdefault("micropython", SimpleNamespace(const=lambda value: value))
    sys.path.insert(0, str(ROOT / "lib"))
    try:
        return importlib.import_module(module)
    finally:
        sys.path.pop(0)


def updated(document):
    """The text of a page with the diagram of today's table."""
    head, _, rest = document.partition(BEGIN)
    _, _, tail = rest.partition(END)
    return f"{head}{BEGIN}\n{mermaid(firmware('modes').TABLE)}\n{END}{tail}"


def main():
    for page in PAGES:
        page.write_text(updated(page.read_text(encoding="utf-8")), encoding="utf-8")
        print(f"{page.relative_to(ROOT)} shows the table of lib/modes.py")
