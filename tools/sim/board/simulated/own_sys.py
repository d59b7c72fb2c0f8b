"""`sys` as on the chip, for `sys.modules`: what a program may ask to know where it runs.

All else is the interpreter's own, so that `path` and `modules` are to be changed, and not replaced.
"""

from collections import namedtuple as _namedtuple
from sys import *  # noqa: F403
from sys import implementation as _own
from sys import path  # noqa: F401  (no name of the module, but an answer of it)

for _name in ("atexit", "exc_info", "executable"):  # the chip has none of them
    globals().pop(_name, None)

platform = "esp32"
implementation = _namedtuple("", ("name", "version", "_machine", "_mpy", "_build", "_thread"))(
    "micropython", _own[1], "Generic ESP32 module with ESP32", _own._mpy, "ESP32_GENERIC", "GIL"
)
