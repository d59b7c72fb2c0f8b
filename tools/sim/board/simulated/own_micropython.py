"""`micropython` as on the chip, for `sys.modules`: the interpreter's own can be hidden in no other way."""

from micropython import *  # noqa: F403

for _name in ("mem_current", "mem_peak", "mem_total"):  # of the desk's memory statistics
    globals().pop(_name, None)


def alloc_emergency_exception_buf(size):
    """What interrupts without memory are told in; here they have memory."""
