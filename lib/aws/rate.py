"""Token buckets: how long to wait so that no second carries more than AWS allows for a connection."""

import asyncio
import time

import errors


class Rate:
    """At most `per_second` in any second; 0: no limit. A tenth of it may come at once, the rest is spread. Pure.

    One piece may be larger than that tenth (a payload of 128 KB): it is taken when the bucket is full, and its debt
    is paid by the waiting of those behind it.
    """

    def __init__(self, per_second, now_ms):
        self.per_second = per_second
        self.waiting = 0  # how many wait for their turn
        burst = max(1, per_second // 10)
        self._flow = max(1, per_second - burst)
        self._full = self._level = 1000 * burst  # thousandths, so that no millisecond is lost by rounding
        self._at_ms = now_ms

    def wait_ms(self, amount, now_ms):
        """How long to wait before `amount` may be taken: 0 for now."""
        if not self.per_second:
            return 0
        passed_ms = (now_ms - self._at_ms) & 0x3FFFFFFF  # time.ticks_ms() wraps around at 2**30
        self._at_ms = now_ms
        self._level = min(self._level + passed_ms * self._flow, self._full)
        missing = min(1000 * amount, self._full) - self._level
        return 0 if missing <= 0 else missing // self._flow + 1

    def take(self, amount):
        """Take `amount`, when `wait_ms` was 0."""
        if self.per_second:
            self._level -= 1000 * amount


def both(messages, size):
    """AWS's two rates: `messages` and bytes of payload (`size`) a second."""
    now_ms = time.ticks_ms()
    return Rate(messages, now_ms), Rate(size, now_ms)


def take(rates, size):
    """Take one message of `size` bytes; returns 0, or how many milliseconds to wait when nothing was taken."""
    messages, payload = rates
    now_ms = time.ticks_ms()
    wait_ms = max(messages.wait_ms(1, now_ms), payload.wait_ms(size, now_ms))
    if not wait_ms:
        messages.take(1)
        payload.take(size)
    return wait_ms


async def wait(rates, size):
    """Take one message of `size` bytes when it is its time. Errors: `too_fast` after ten seconds."""
    left_ms = 10000
    rates[0].waiting += 1
    try:
        wait_ms = take(rates, size)
        while wait_ms:
            left_ms -= wait_ms
            if left_ms < 0:
                raise errors.error("too_fast", "%d messages or %d bytes" % (rates[0].per_second, rates[1].per_second))
            await asyncio.sleep_ms(wait_ms)
            wait_ms = take(rates, size)
    finally:
        rates[0].waiting -= 1
