"""`gc` as on the chip, for `sys.modules`: what the fakes hold is no part of the chip's memory, see `Board`'s `heap`."""

from gc import *  # noqa: F403
from gc import mem_alloc as _mem_alloc

_fakes = [0]  # bytes


def mem_alloc():
    """Of the firmware, since boot.py began."""
    return max(_mem_alloc() - _fakes[0], 0)


def begin():
    """What is there now are the fakes. Returns how many bytes that is."""
    _fakes[0] = _mem_alloc()
    return _fakes[0]
