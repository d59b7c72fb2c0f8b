"""A token bucket: how long to wait so that no second carries more than a limit. Pure.

    wait_ms = rate.take(1, now_ms)        0: taken
"""

_TICKS_MASK = 0x3FFFFFFF  # time.ticks_ms() wraps around at 2**30


class Rate:
    """At most `per_second` in any second. A tenth of it may come at once, the rest is spread.

    One piece may be larger than the burst (a payload of 128 KB): it is taken when the bucket is full, and its debt is
    paid by the waiting of those behind it.
    """

    def __init__(self, per_second, now_ms):
        self._burst = max(1, per_second // 10)
        self._per_second = max(1, per_second - self._burst)
        self._tokens = self._burst
        self._owed = 0  # thousandths of a token that the passed time has not made whole
        self._at_ms = now_ms

    def take(self, amount, now_ms):
        """Take `amount`; returns 0, or the milliseconds to wait before asking again, when nothing was taken."""
        self._fill(now_ms)
        wanted = min(amount, self._burst)
        if self._tokens >= wanted:
            self._tokens -= amount
            return 0
        return (wanted - self._tokens) * 1000 // self._per_second + 1

    def _fill(self, now_ms):
        passed_ms = (now_ms - self._at_ms) & _TICKS_MASK
        self._at_ms = now_ms
        while passed_ms > 0 and self._tokens < self._burst:
            step_ms = min(passed_ms, 1000)  # keeps the product a small integer on the chip
            self._owed += step_ms * self._per_second
            self._tokens += self._owed // 1000
            self._owed %= 1000
            passed_ms -= step_ms
        if self._tokens > self._burst:
            self._tokens = self._burst
            self._owed = 0
