"""Begin an application in a folder of its own: main.py, settings, a test that runs in the simulator."""

import os
import re
import shlex
import shutil
import sys
from pathlib import Path
from typing import Annotated

import typer

from tools.interpreter import ROOT

TEMPLATE = Path(__file__).parent / "template"
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9-]{0,31}")
# A file whose name begins with a dot would be one of this repository's own.
_DOTTED = {"gitignore": ".gitignore"}


def main(
    name: Annotated[str, typer.Argument(help="Folder to make; its last part is the application's name.")] = "",
):
    """Begin an application in a folder of its own.

    It holds a main.py, an example of its settings, a test that runs it on a simulated ESP32 against a local AWS IoT,
    and a Makefile that uses this checkout: `make test`, `make sim`, `make flash PORT=...`.
    """
    if not name:
        sys.exit("new: say which folder: make new NAME=../my-lamp")
    folder = Path(name).resolve()
    if not _NAME.fullmatch(folder.name):
        sys.exit(f"new: {folder.name!r} is no good name: a letter, then letters, digits and hyphens, at most 32 in all")
    try:
        if folder.exists() and any(folder.iterdir()):
            sys.exit(f"new: {folder} is there already, and not empty")
        files = make(folder)
    except OSError as error:
        sys.exit(f"new: {error.filename}: {error.strerror}")
    print(f"{folder}:")
    for path in files:
        print(f"  {path}")
    print(f"Next: cd {shlex.quote(os.path.relpath(folder))} && make test")


def make(folder):
    """Write the files; returns their names."""
    words = {"{{name}}": folder.name, "{{awsesp}}": os.path.relpath(ROOT, folder)}
    made = []
    for source in sorted(path for path in TEMPLATE.rglob("*") if path.is_file() and "__pycache__" not in path.parts):
        name = source.relative_to(TEMPLATE)
        name = name.with_name(_DOTTED.get(name.name, name.name))
        text = source.read_text(encoding="utf-8")
        for word, meaning in words.items():
            text = text.replace(word, meaning)
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
        shutil.copymode(source, folder / name)
        made.append(str(name))
    return made
