"""Token buckets: how long to wait so that no second carries more than AWS allows for a connection."""

import asyncio
import time

import errors

_LONGEST_WAIT_MS = 10000
_TICKS_MASK = 0x3FFFFFFF  # time.ticks_ms() wraps around at 2**30


class Rate:
    """At most `per_second` in any second; 0: no limit. A tenth of it may come at once, the rest is spread. Pure.

    One piece may be larger than that tenth (a payload of 128 KB): it is taken when the bucket is full, and its debt
    is paid by the waiting of those behind it.
    """

    def __init__(self, per_second, now_ms):
        self.per_second = per_second
        self._burst = max(1, per_second // 10)
        self._flow = max(1, per_second - self._burst)
        self._tokens = self._burst
        self._owed = 0  # thousandths of a token that the passed time has not made whole
        self._at_ms = now_ms

    def wait_ms(self, amount, now_ms):
        """How long to wait before `amount` may be taken: 0 for now."""
        if not self.per_second:
            return 0
        self._fill(now_ms)
        missing = min(amount, self._burst) - self._tokens
        return 0 if missing <= 0 else missing * 1000 // self._flow + 1

    def take(self, amount):
        """Take `amount`, when `wait_ms` was 0."""
        self._tokens -= amount

    def _fill(self, now_ms):
        passed_ms = (now_ms - self._at_ms) & _TICKS_MASK
        self._at_ms = now_ms
        while passed_ms > 0 and self._tokens < self._burst:
            step_ms = min(passed_ms, 1000)  # keeps the product a small integer on the chip
            self._owed += step_ms * self._flow
            self._tokens += self._owed // 1000
            self._owed %= 1000
            passed_ms -= step_ms
        if self._tokens > self._burst:
            self._tokens = self._burst
            self._owed = 0


class Rates:
    """Both of AWS's rates: `messages` and `size` (bytes of payload) a second."""

    def __init__(self, messages, size):
        now_ms = time.ticks_ms()
        self._messages = Rate(messages, now_ms)
        self._bytes = Rate(size, now_ms)

    def take(self, size):
        """Take one message of `size` bytes; returns 0, or how many milliseconds to wait when nothing was taken."""
        now_ms = time.ticks_ms()
        wait_ms = max(self._messages.wait_ms(1, now_ms), self._bytes.wait_ms(size, now_ms))
        if not wait_ms:
            self._messages.take(1)
            self._bytes.take(size)
        return wait_ms

    async def wait(self, size):
        """Take one message of `size` bytes when it is its time. Errors: `too_fast` after ten seconds."""
        waited_ms = 0
        wait_ms = self.take(size)
        while wait_ms:
            waited_ms += wait_ms
            if waited_ms > _LONGEST_WAIT_MS:
                raise errors.error("too_fast", "%d messages or %d bytes" % self._limits())
            await asyncio.sleep_ms(wait_ms)
            wait_ms = self.take(size)

    def _limits(self):
        return (self._messages.per_second, self._bytes.per_second)
