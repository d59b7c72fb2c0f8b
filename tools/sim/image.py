"""What runs on a simulated board: which code, and how much heap Python has."""

import contextlib
from pathlib import Path

from tools import interpreter
from tools.sim import rom
from tools.sim.board.simulated import bootloader
from tools.sim.board.simulated.firmware import Image as Firmware
from tools.sim.chip import DEEPSLEEP, SOFT
from tools.sim.firmware import unpack

_WAKES = (SOFT, DEEPSLEEP)  # the bootloader is not run, or does not look at otadata


class Image:
    """`lib` is what is frozen; `boot` and `main` run unless the device's own file system has them.

    `heap` is what the firmware has for itself: a number of bytes or "96k"; None is the interpreter's own choice. The
    fakes need heap, too: `Board` gives it on top. `run_in_place` makes that next to nothing. `compiled` is {folder of
    sources: a folder with the same modules compiled}, of those that are not to be compiled at every start.
    """

    def __init__(self, boot=None, main=None, lib=None, packages=None, heap=None, compiled=None):
        self.boot = Path(boot or interpreter.ROOT / "boot.py").resolve()
        self.main = Path(main or interpreter.ROOT / "main.py").resolve()
        self.lib = Path(lib or interpreter.LIB).resolve()
        folders = [interpreter.BOARD, *(packages or interpreter.package_folders()), self.lib]
        self.path = [str(Path((compiled or {}).get(folder, folder)).resolve()) for folder in folders]
        self.heap_bytes = heap_bytes(heap) if heap else None
        self._frozen = None  # what was unpacked of the slot that runs
        self.fakes_bytes = None  # known once boot.py has begun
        self.program = "import simulated.power_on"

    def run_in_place(self, path, with_lib=False):
        """Run the fakes out of a memory at `path`, which is written; `with_lib`: also what is frozen into an image."""
        folders = {"fakes": interpreter.BOARD}
        if with_lib:
            folders["lib"] = self.lib
            packages = [folder for folder in interpreter.package_folders() if Path(folder).is_dir()]
            folders.update((f"packages{number}", folder) for number, folder in enumerate(packages))
        self.program = rom.program(rom.write(path, folders), "fakes")
        in_rom = {str(Path(folder).resolve()): f"{rom.MOUNTED}/{name}" for name, folder in folders.items()}
        self.path = [in_rom.get(folder, folder) for folder in self.path]

    def start(self, flash, chip, meter, log):
        """What the bootloader does before the chip starts: `chip.running` is the partition whose code runs then.

        A stock image has its code from the checkout. One in a slot has what is frozen into it, over the checkout's
        when it is a thin one. Raises `bootloader.NothingBootable`.
        """
        if not flash.slots:
            chip.running, self._frozen = "factory", None
            return
        with contextlib.ExitStack() as open_pieces:

            def piece(label):
                return open_pieces.enter_context(flash.piece(label, meter))

            if chip.cause in _WAKES and chip.running:
                image = Firmware(piece(chip.running), flash.size_of(chip.running))
            else:
                chip.running, image = bootloader.start(flash.rows, piece, log)
            self._frozen = unpack(image.frozen(), flash.folder / "frozen")

    def describe(self):
        """What the device asks for before it runs boot.py."""
        frozen, path = [], list(self.path)
        if self._frozen:
            frozen = [str(path) for path in sorted(self._frozen.folder.glob("*.py"))]
            path = [path[0], str(self._frozen.folder / "lib"), *(path[1:] if self._frozen.thin else [])]
        return {"boot": str(self.boot), "main": str(self.main), "path": path, "frozen": frozen}

    def running(self, allocated):
        """The device tells what the fakes hold of the heap when boot.py begins."""
        self.fakes_bytes = allocated


def heap_bytes(size):
    """The number that a size such as 98304 or "96k" stands for. Raises ValueError."""
    if isinstance(size, int):
        return size
    text = size.strip().lower()
    factor = {"k": 1024, "m": 1024 * 1024}.get(text[-1:], 1)
    try:
        return int(text.rstrip("km")) * factor
    except ValueError:
        raise ValueError(f"heap {size!r} is no size; say 98304 or 96k") from None
