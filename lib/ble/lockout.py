"""How often the setup code may be wrong: after 5 times in a row the device refuses for 60 s.

With 80 random bits nobody guesses the code: this keeps a stranger from keeping the device busy with sessions. It
forgets with a power cycle.
"""

from ble import ticks

TRIES = 5
REFUSAL_MS = 60000


class Lockout:
    """Outlives connections. `clock_ms()` is `time.ticks_ms`."""

    def __init__(self, clock_ms):
        self._clock_ms = clock_ms
        self._wrong = 0
        self._since_ms = None

    def failed(self):
        """The code was wrong (a tag did not fit)."""
        if self.retry_s():
            return
        self._wrong += 1
        if self._wrong >= TRIES:
            self._since_ms = self._clock_ms()

    def succeeded(self):
        """The code was right: only wrong ones in a row count."""
        self._wrong = 0

    def retry_s(self):
        """Seconds until HELLO is answered again, rounded up; 0 when it is."""
        if self._since_ms is None:
            return 0
        left_ms = REFUSAL_MS - ticks.elapsed_ms(self._clock_ms(), self._since_ms)
        if left_ms > 0:
            return (left_ms + 999) // 1000
        self._since_ms = None
        self._wrong = 0
        return 0
