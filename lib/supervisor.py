"""The system's tasks: each has an owner, shows heartbeats, and when it dies the system decides what follows.

The watchdog is fed only while every owned task has shown a heartbeat within its time: a loop that still turns around a
task that hangs is not a working device.
"""

import asyncio
import time

from micropython import const

import errors
import events

_CHECK_MS = const(250)
_LONG_STALL_MS = const(20000)  # longer than any task may go without a beat
_DEAD = const(-1)  # as silence_ms
# Longer than any blocking call of the port: a TLS handshake takes up to 3 s, a name looked up by the port up to 14 s.
SILENCE_MS = 60000


class Owned:
    """One task of the system. `beat()` is its sign of life; without `silence_ms` it is not watched for silence."""

    __slots__ = ("last_beat_ms", "name", "silence_ms", "task")

    def __init__(self, name, silence_ms):
        self.name = name
        self.silence_ms = silence_ms
        self.last_beat_ms = time.ticks_ms()
        self.task = None

    def beat(self):
        """Show a sign of life."""
        self.last_beat_ms = time.ticks_ms()

    def silent_ms(self):
        """Milliseconds since the last sign of life."""
        return time.ticks_diff(time.ticks_ms(), self.last_beat_ms)


class Supervisor:
    """Owns tasks and feeds the watchdog.

    `feed()` is called a few times a second while all is well; `died(name, exception)` when a task ended with one or
    hangs. Both are given by the system, which decides.
    """

    def __init__(self, bus, feed, died):
        self._bus = bus
        self._feed = feed
        self._died = died
        self.owned = []
        self.stopping = False  # tasks are being cancelled: their end is no death
        self.longest_stall_ms = 0  # of the loop, as far as a look every 250 ms sees it

    def own(self, name, run, silence_ms=SILENCE_MS):
        """Start `run(owned)` (a coroutine function) as an owned task; watched for silence unless `silence_ms` is None.

        A task that simply returns has finished its work and is forgotten.
        """
        owned = Owned(name, silence_ms)
        owned.task = asyncio.create_task(self._live(owned, run))
        self.owned.append(owned)  # not before: there may be no memory for a task
        return owned

    def has(self, name):
        """Whether a task with this name is at work."""
        return any(owned.name == name for owned in self.owned)

    async def _live(self, owned, run):
        try:
            await run(owned)
        except asyncio.CancelledError as failure:
            if not self.stopping:  # not cancelled by `leaving`: it awaited a task that was
                self._tell(owned, failure)
        except Exception as failure:  # noqa: BLE001 - its death is told and decided
            self._tell(owned, failure)
        if owned in self.owned:
            self.owned.remove(owned)

    def _tell(self, owned, failure):
        owned.silence_ms = _DEAD  # where there is no memory to tell it, `watch` does, when that of the task is free
        known = wrapped(owned.name, failure)
        self._bus.emit(events.TASK_FAILED, task=owned.name, code=known.code, message=known.message)
        self._died(owned.name, failure)

    async def watch(self):
        """Feed the watchdog while every task is well; runs as long as the device does."""
        while True:
            stuck = self._stuck()
            if stuck is None:
                self._feed()
            else:
                if stuck.silence_ms == _DEAD:
                    self.owned.remove(stuck)
                    self._tell(stuck, MemoryError())
                else:
                    self._tell(stuck, errors.error("task_stuck", stuck.name, stuck.silent_ms() // 1000))
                return  # the watchdog is not fed again: if the restart hangs, too, the chip resets itself
            asleep_ms = time.ticks_ms()
            await asyncio.sleep_ms(_CHECK_MS)
            stall_ms = time.ticks_diff(time.ticks_ms(), asleep_ms) - _CHECK_MS
            self.longest_stall_ms = max(self.longest_stall_ms, stall_ms)
            if stall_ms > _LONG_STALL_MS:  # as the settings of the watchdog allow: nobody had a turn
                for owned in self.owned:
                    owned.last_beat_ms = time.ticks_add(owned.last_beat_ms, stall_ms)

    def _stuck(self):
        for owned in self.owned:
            if owned.silence_ms is not None and owned.silent_ms() > owned.silence_ms:
                return owned
        return None


def wrapped(name, failure):
    """An exception as an error of the table."""
    if isinstance(failure, errors.DeviceError):
        return failure
    if isinstance(failure, MemoryError):
        return errors.error("task_failed", name, "out of memory")
    return errors.error("task_failed", name, "%s: %s" % (type(failure).__name__, failure))
