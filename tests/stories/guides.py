"""Applications out of the guides in docs/: what a reader copies is what runs in the stories."""

import re
from pathlib import Path

from tools import interpreter

_WIRING = 'if __name__ == "__main__":'


def application_of(guide: str, folder: Path) -> Path:
    """A main.py in `folder` with the first Python block of docs/<guide>.md in the place of the example application."""
    text = (interpreter.ROOT / "docs" / f"{guide}.md").read_text(encoding="utf-8")
    code = re.search(r"```python\n(.*?)```", text, re.DOTALL)[1]
    main = (interpreter.ROOT / "main.py").read_text(encoding="utf-8")
    head, wiring = main.split("\n\n\nasync def application", 1)[0], main[main.index(_WIRING) :]
    made = folder / "main.py"
    made.write_text(f"{head}\n\n\n{code}\n\n{wiring}", encoding="utf-8")
    return made
