"""The diagram of the modes, printed from the table that the firmware runs by (lib/system.py)."""

import sys
from pathlib import Path
from types import SimpleNamespace

ROOT = Path(__file__).resolve().parents[2]
BEGIN = "<!-- diagram: python -m tools diagram -->"
END = "<!-- end of the diagram -->"


def mermaid(table):
    """A mermaid state diagram of rows (mode, event, next mode, action)."""
    lines = ["```mermaid", "stateDiagram-v2", "    [*] --> INIT"]
    for mode, event, after, _ in table:
        lines.append(f"    {mode} --> {after}: {event}")
    return "\n".join([*lines, "    restart --> [*]", "```"])


def firmware_system():
    """lib/system.py as a module: the firmware's words and head import in CPython, too, but for `const`."""
    sys.modules.setdefault("micropython", SimpleNamespace(const=lambda value: value))
    sys.path.insert(0, str(ROOT / "lib"))
    try:
        import system
    finally:
        sys.path.pop(0)
    return system


def updated(document):
    """The text of docs/modes.md with the diagram of today's table."""
    head, _, rest = document.partition(BEGIN)
    _, _, tail = rest.partition(END)
    return f"{head}{BEGIN}\n{mermaid(firmware_system().TABLE)}\n{END}{tail}"


def main():
    page = ROOT / "docs" / "modes.md"
    page.write_text(updated(page.read_text()))
    print(f"{page.relative_to(ROOT)} shows the table of lib/system.py")
