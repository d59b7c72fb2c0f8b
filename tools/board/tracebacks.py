"""Source lines for the tracebacks of compiled modules, which know file and line but have no text."""

import re
from functools import lru_cache

from tools.interpreter import ROOT

_FRAME = re.compile(r'^\s*File "(?P<path>[^"]+)", line (?P<line>\d+)')


def source_of(line):
    """The source text of a traceback's line (`  File "lib/wifi.py", line 12, in run`), or None.

    It is that of this checkout: right as long as the board runs the same version.
    """
    frame = _FRAME.match(line)
    if frame is None:
        return None
    lines = _lines(frame["path"].lstrip("/"))
    number = int(frame["line"])
    return lines[number - 1].strip() if 0 < number <= len(lines) else None


@lru_cache(maxsize=64)
def _lines(path):
    candidates = (ROOT / path, ROOT / "lib" / path)
    if ".." in path:
        return []
    found = next((each for each in candidates if each.is_file()), None)
    return found.read_text(encoding="utf-8").splitlines() if found else []
