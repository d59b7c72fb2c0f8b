"""What boards run, compiled once for all tests of this process: a start takes a third of what the sources cost it."""

import functools
import tempfile
import threading
from pathlib import Path

from tools import interpreter, mpy

_SOURCES = [interpreter.BOARD, interpreter.STAND_INS, interpreter.LIB]
_ONE_AT_A_TIME = threading.Lock()  # a story may have several boards, each in a thread of its own


def folders():
    """{folder of sources: folder of the same modules, compiled}: `Board`'s `compiled`. Tracebacks stay the same."""
    with _ONE_AT_A_TIME:
        return _kept()[1]


@functools.cache
def _kept():
    scratch = tempfile.TemporaryDirectory(prefix="precompiled-")  # removed when this process ends
    return scratch, {each: mpy.compile_folder(each, Path(scratch.name) / each.name) for each in _SOURCES}
