"""The service worker's list of files, and a version that changes with any of them.

There is no build step: the worker in the repository is complete, and a test holds it. `stamp` writes it anew.
"""

import hashlib
import json
import re
from pathlib import Path

PAGE = Path(__file__).parent / "page"
WORKER = PAGE / "service-worker.js"


def files():
    """What the page consists of, without the worker: paths relative to the page, sorted."""
    found = (path.relative_to(PAGE).as_posix() for path in PAGE.rglob("*") if path.is_file() and path != WORKER)
    return sorted(name for name in found if not any(part.startswith(".") for part in name.split("/")))


def version():
    """12 hexadecimal digits that depend on every file."""
    digest = hashlib.sha256()
    for name in files():
        contents = (PAGE / name).read_bytes().replace(b"\r\n", b"\n")  # Git on Windows writes text files so
        digest.update(b"%s\0%d\0" % (name.encode(), len(contents)) + contents)
    return digest.hexdigest()[:12]


def worker():
    """The service worker with today's files in it, as text."""
    text = WORKER.read_text(encoding="utf-8")
    listed = ",\n".join(f"  {json.dumps(name)}" for name in ["./", *files()])
    text = re.sub(r'^const VERSION = ".*";$', f'const VERSION = "{version()}";', text, count=1, flags=re.MULTILINE)
    return re.sub(r"^const FILES = \[.*?\];$", f"const FILES = [\n{listed},\n];", text, count=1, flags=re.M | re.S)


def stamp():
    """Write it; True when something changed."""
    text = worker()
    changed = text != WORKER.read_text(encoding="utf-8")
    if changed:
        WORKER.write_text(text, encoding="utf-8", newline="\n")
    return changed
