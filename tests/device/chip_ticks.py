"""The ticks of the chip: they begin anew after 2**30 ms, and two of them say nothing of more than half of that."""

import time

PERIOD_MS = 1 << 30
DAY_MS = 86400000


class Ticks:
    """Stands in for `time` in a module: `now_ms` is 0 when they wrap, a minute after it was made."""

    time, gmtime = staticmethod(time.time), staticmethod(time.gmtime)

    def __init__(self):
        self.now_ms = -60000

    def ticks_ms(self):
        return self.now_ms & PERIOD_MS - 1

    @staticmethod
    def ticks_diff(end, start):
        return (end - start + PERIOD_MS // 2 & PERIOD_MS - 1) - PERIOD_MS // 2

    @staticmethod
    def ticks_add(ticks, delta):
        if not -PERIOD_MS // 2 < delta < PERIOD_MS // 2:
            raise OverflowError("ticks interval overflow")
        return ticks + delta & PERIOD_MS - 1
