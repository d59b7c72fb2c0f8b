"""The firmware image of a simulated board: which code it holds, and how much heap Python has on it."""

from pathlib import Path

from tools import interpreter


class Image:
    """`lib` is what would be frozen; `boot` and `main` run unless the device's own file system has them.

    `heap` is what the firmware has for itself: a number of bytes or "96k"; None is the interpreter's own choice. The
    fakes need heap, too: `Board` gives it on top.
    """

    def __init__(self, boot=None, main=None, lib=None, packages=None, heap=None):
        self.boot = Path(boot or interpreter.ROOT / "boot.py").resolve()
        self.main = Path(main or interpreter.ROOT / "main.py").resolve()
        folders = [interpreter.BOARD, *(packages or interpreter.package_folders()), lib or interpreter.LIB]
        self.path = [str(Path(folder).resolve()) for folder in folders]
        self.heap_bytes = _bytes(heap) if heap else None
        self.fakes_bytes = None  # known once boot.py has begun

    def describe(self):
        return {"boot": str(self.boot), "main": str(self.main), "path": self.path}

    def running(self, allocated):
        """The device tells what the fakes hold of the heap when boot.py begins."""
        self.fakes_bytes = allocated


def _bytes(size):
    if isinstance(size, int):
        return size
    text = size.strip().lower()
    factor = {"k": 1024, "m": 1024 * 1024}.get(text[-1:], 1)
    try:
        return int(text.rstrip("km")) * factor
    except ValueError:
        raise ValueError(f"heap {size!r} is no size; say 98304 or 96k") from None
