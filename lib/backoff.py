"""How long to wait before the next attempt: exponential with full jitter, reset only by a stable connection."""

import random


class Backoff:
    """Waits of `floor_ms` plus a random part below `base_ms * 2**attempt`, the part never above `cap_ms`.

    Full jitter keeps ten thousand devices apart after a power cut; the floor respects AWS's limit of one CONNECT a
    second per client id. The caller says `stable()` when an attempt has held long enough: a connection that is closed
    soon after it was made must not start the series again (AWS Device Advisor, "unstable connection").
    """

    def __init__(self, base_ms, cap_ms, floor_ms=0):
        self.attempt = 0
        self._base_ms = base_ms
        self._cap_ms = cap_ms
        self._floor_ms = floor_ms

    def next_ms(self):
        """The next wait in milliseconds."""
        ceiling_ms = min(self._cap_ms, self._base_ms << min(self.attempt, 16))
        self.attempt += 1
        return self._floor_ms + random.randint(0, ceiling_ms)

    def stable(self):
        """The last attempt has lasted: the next waits are small again."""
        self.attempt = 0
