"""The state of a chip that outlives its programs: clock, RTC memory, pins, watchdog, and the count of flash writes."""

import threading
import time

from tools.sim.write_meter import WriteMeter

PWRON, HARD, WDT, DEEPSLEEP, SOFT = 1, 2, 3, 4, 5

# Free bytes of the areas that `esp32.idf_heap_info(HEAP_DATA)` reports while Wi-Fi is up.
_IDF_HEAP = (8180, 41000)


class Chip:
    """Shared by the thread that serves the device and by whoever holds the board."""

    def __init__(self):
        self.meter = WriteMeter()
        self.cause = PWRON
        self.wake = 0
        self.skew_ns = 0
        self.rtc = ""
        self.idf_heap = _IDF_HEAP
        self.running = None  # label of the partition that the bootloader started
        self.watchdog_ms = None
        self._fed_at = 0.0
        self._pins = {}
        self._changes = []
        self._lock = threading.Lock()

    def power_on(self):
        """Reset everything that needs power to be kept."""
        self.cause = PWRON
        self.wake = 0
        self.rtc = ""
        self.skew_ns = time.time_ns()  # the clock begins at 2000-01-01
        self.watchdog_ms = None

    def restart(self, cause):
        """The next start has this cause. A soft reset leaves the watchdog running."""
        self.cause = cause
        self.wake = 4 if cause == DEEPSLEEP else 0
        if cause != SOFT:
            self.watchdog_ms = None

    def watch(self, timeout_ms):
        """Start the watchdog, or give it another time-out."""
        self.watchdog_ms = timeout_ms
        self.feed()

    def feed(self):
        """The watchdog's time begins again."""
        self._fed_at = time.monotonic()

    def starves_in_s(self):
        """Seconds until the watchdog bites, or None."""
        if self.watchdog_ms is None:
            return None
        return self._fed_at + self.watchdog_ms / 1000 - time.monotonic()

    def drive_pin(self, pin, level):
        """From outside: 0, 1, or None (nothing attached)."""
        with self._lock:
            self._pins[pin] = level
            self._changes.append((pin, level))
            del self._changes[:-32]

    def pin(self, pin):
        """What `drive_pin` has put on it."""
        return self._pins.get(pin)

    def pins_at_start(self):
        """[(pin, level), ...]: what is on them already is no change for the program that starts."""
        with self._lock:
            self._changes = []
            return list(self._pins.items())

    def pin_changes(self):
        """What has changed since it was last asked, or None."""
        with self._lock:
            changes, self._changes = self._changes, []
        return changes or None
