"""Applications out of the guides in docs/: what a reader copies is what runs in the stories."""

import re
from pathlib import Path

from tools import interpreter


def application_of(guide: str, folder: Path) -> Path:
    """A main.py in `folder`: the first Python block of docs/<guide>.md."""
    text = (interpreter.ROOT / "docs" / f"{guide}.md").read_text(encoding="utf-8")
    main = folder / "main.py"
    main.write_text(re.search(r"```python\n(.*?)```", text, re.DOTALL)[1], encoding="utf-8")
    return main
