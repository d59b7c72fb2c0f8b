"""How much heap the whole firmware needs in NORMAL over TLS, and how much of it it holds for good.

The fakes of the simulated board run out of a memory of their own and are counted before the firmware starts, because
on a chip they are drivers in flash. What the firmware needs is measured in three forms: `.mpy` in the file system,
which is loaded into the heap; `rom`, compiled code read where it lies; `.py`, compiled there; and, where there is a
checkout to build it from (frozen.py), frozen into the interpreter, as the image of `firmware/` has it.
"""

import contextlib
import functools
import re
import shutil
import tempfile
from pathlib import Path

from tools import interpreter
from tools.bench import frozen
from tools.bench.desk import Failed
from tools.bench.registry import measurement
from tools.desk import Desk
from tools.mpy import compile_lib

_ONLINE_S = 60  # it takes one or two; a machine that does much else must not make the numbers worse
FAILED = r"MemoryError|memory alloc|no_memory|out of memory|REPL|--\w*failed-->|--crash_loop-->"
STEP = 1024  # bytes: how exactly the smallest heap is found
_TIMES = 3  # in a row it must work with a heap: where its pieces lie is a bit different each time

# Laid around the application of main.py: what the firmware holds when it has been at work for a while.
_HELD = """
import asyncio
import gc
import sys


async def application(device, work=application):
    task = asyncio.create_task(work(device))
    await device.aws.connected()
    await asyncio.sleep(3)
    await device.flash.flush()
    gc.collect()
    print("bench: held", gc.mem_alloc(), " ".join(sorted(sys.modules)))
    await task


if __name__"""


def _register(form, what, goal):
    @measurement(f"device.heap.{form}", f"smallest heap of the device in NORMAL over TLS, {what}", "KB", **goal)
    def _(_desk):
        return needs(form)[0] / 1024

    @measurement(f"device.held.{form}", f"of which it holds, connected and at work, {what}", "KB", **goal)
    def _(_desk):
        return needs(form)[1] / 1024


if frozen.source():
    _register("frozen", "frozen", {"at_most": 96, "repeat": False})
_register("rom", "code in ROM", {"less_is_better": True, "repeat": False})
_register("mpy", ".mpy", {"at_most": 96, "repeat": False})
_register("py", ".py", {"less_is_better": True, "repeat": False})


@functools.cache
def needs(form):
    """(bytes of the smallest heap, bytes held) of an enrolled device whose lib is "py", "mpy", "rom" or "frozen"."""
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="awsesp-heap-")))
        main = folder / "main.py"
        main.write_text((interpreter.ROOT / "main.py").read_text().replace("\nif __name__", _HELD, 1))
        lib = interpreter.LIB
        if form == "mpy":
            lib = folder / "lib"
            compile_lib(lib)
        if form == "frozen":
            stack.enter_context(frozen.interpreter_with_firmware())
        device = stack.enter_context(_enrolled(folder, {"main": main, "lib": lib}, form))
        device.power_on()
        line = device.wait_for("bench: held", _ONLINE_S)
        held = int(re.search(r"held (\d+)", line)[1])
        device.power_cut()
        return _smallest(device, held, folder / "enrolled"), held


def staying():
    """Names of the modules that are still loaded when the device has been at work for a while."""
    with tempfile.TemporaryDirectory(prefix="awsesp-heap-") as folder:
        main = Path(folder) / "main.py"
        main.write_text((interpreter.ROOT / "main.py").read_text().replace("\nif __name__", _HELD, 1))
        with _enrolled(Path(folder), {"main": main}, "py") as device:
            device.power_on()
            return set(device.wait_for("bench: held", _ONLINE_S).split()[3:])


@contextlib.contextmanager
def _enrolled(folder, board, form):
    """A device, switched off, that has been enrolled and has connected once; a copy of its flash is in `enrolled`."""
    with Desk(board=board) as desk:
        device = desk.device
        if form == "frozen":
            device.image.path = []
        else:
            device.image.run_in_place(folder / "rom", with_lib=form == "rom")
        desk.leave_factory()
        for _ in range(2):  # the second start shows what the fakes hold of a flash that is in use
            device.power_on()
            try:
                device.wait_for("bench: held", _ONLINE_S)
            except TimeoutError as error:
                raise Failed(f"the device does not come online: {error}") from None
            device.power_cut()
        shutil.copytree(device.flash.folder, folder / "enrolled")
        yield device


def _smallest(device, too_small, enrolled):
    """Found by halving: the bytes of heap with which the device publishes, from power-on, without a complaint."""
    enough = 512 * 1024
    while enough - too_small > STEP:
        middle = (too_small + enough) // 2
        if all(_works(device, middle, enrolled) for _ in range(_TIMES)):
            enough = middle
        else:
            too_small = middle
    return enough


def _works(device, heap_bytes, enrolled):
    for path in enrolled.iterdir():  # a failed start must not be remembered: after some of them come others
        shutil.copy(path, device.flash.folder)
    device.image.heap_bytes = heap_bytes
    device.power_on()
    try:
        return "publish.done" in device.wait_for(rf"publish\.done|{FAILED}", _ONLINE_S)
    except TimeoutError:
        return False
    finally:
        device.power_cut()
