"""`time` as on the chip: whole seconds since 2000-01-01, unset until `machine.RTC().datetime(...)` sets it.

A test without a host keeps the desk's own time until it says `simulation.board.use_chip_clock()`.
"""

import simulation
import utime
from simulated import calendar
from utime import *  # noqa: F403  (other ticks, and sleeps, are the same)

globals().pop("clock", None)  # the chip has none

_EPOCH_2000 = 946684800
_LONGEST_TICKS = 1 << 29  # half of what the chip counts to: 6 days
_WORD = 1 << 31
_SLICE_MS = 10


def time():
    """Seconds, an int; the desk's float where a test has no chip's clock."""
    skew_ns = simulation.board.clock_skew_ns
    return utime.time() if skew_ns is None else (utime.time_ns() - skew_ns) // 1000000000


def time_ns():
    """Nanoseconds since the same moment."""
    skew_ns = simulation.board.clock_skew_ns
    return utime.time_ns() if skew_ns is None else utime.time_ns() - skew_ns


def _epoch():
    return 0 if simulation.board.clock_skew_ns is None else _EPOCH_2000


def gmtime(seconds=None):
    """(year, month, day, hour, minute, second, weekday, yearday)."""
    if seconds is None:
        seconds = time()
    elif not -_WORD <= seconds < _WORD:
        raise OverflowError("overflow converting long int to machine word")
    return calendar.split(int(seconds) + _epoch())


localtime = gmtime


def mktime(parts):
    """The inverse of `gmtime`. Months and all below them may be too many or too few."""
    if not 8 <= len(parts) <= 9:
        raise TypeError("mktime needs a tuple of length 8 or 9")
    years, month = divmod(parts[1] - 1, 12)
    return calendar.join((parts[0] + years, month + 1) + tuple(parts[2:6])) - _epoch()


def sleep_ms(milliseconds):
    """Waits. What interrupts meanwhile, a timer or a pin, is called at once, as on the chip, and not at the end."""
    end = utime.ticks_add(utime.ticks_ms(), milliseconds)
    while milliseconds > _SLICE_MS:
        utime.sleep_ms(_SLICE_MS)
        milliseconds = utime.ticks_diff(end, utime.ticks_ms())
    utime.sleep_ms(milliseconds)


def sleep(seconds):
    """As `sleep_ms`."""
    sleep_ms(int(seconds * 1000))


def ticks_add(ticks, delta):
    """A moment before or after another one, at most six days away."""
    if not -_LONGEST_TICKS < delta < _LONGEST_TICKS:
        raise OverflowError("ticks interval overflow")
    return utime.ticks_add(ticks, delta)
