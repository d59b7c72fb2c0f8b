"""machine.Timer: the ESP32's four (machine_timer.c of MicroPython 1.25 to 1.28). A thread for each that runs tells the
interpreter when it is due; the callback is called as on the chip, between two of the program's own steps."""

import _thread

import utime
from micropython import const

from simulated.interrupts import Interrupt

_TIMERS = const(4)
_LONGEST_MS = const(0x3FFFFFFF)
_LOOK_MS = const(50)  # how soon a thread notices that it is not needed any more

_made = {}


class Timer:
    """Calls `callback(timer)` after a while, or again and again. There is one object for each number."""

    ONE_SHOT = const(0)
    PERIODIC = const(1)

    def __new__(cls, id, **how):
        if not 0 <= id < _TIMERS:
            raise ValueError("invalid Timer number")
        timer = _made.get(id)
        if timer is None:
            timer = _made[id] = super().__new__(cls)
            timer._id, timer._run, timer._began_ms = id, None, None
        return timer

    def __init__(self, id, **how):
        if how:
            self.init(**how)

    def init(self, *, mode=PERIODIC, callback=None, period=_LONGEST_MS, tick_hz=1000, freq=None, hard=False):
        """Begin anew; `period` is in units of 1/tick_hz s, `freq` in Hz."""
        self._run = None
        if hard:
            raise ValueError("hard Timers are not implemented")
        period_ms = int(1000 / freq) if freq is not None else period * 1000 // tick_hz
        self._run = run = _Run(self, max(period_ms, 1), mode != Timer.ONE_SHOT, callback)
        self._began_ms = utime.ticks_ms()
        _thread.start_new_thread(run.wait, ())

    def deinit(self):
        """It calls nobody any more."""
        self._run = None
        self._began_ms = None

    def value(self):
        """Milliseconds since it was last due."""
        if self._began_ms is None:
            raise ValueError("timer not set")
        since_ms = utime.ticks_diff(utime.ticks_ms(), self._began_ms)
        return since_ms % self._run.period_ms if self._run.repeats else since_ms


class _Run:
    """From one `init` to the next."""

    def __init__(self, timer, period_ms, repeats, callback):
        self.period_ms = period_ms
        self.repeats = repeats
        self._timer = timer
        self._callback = callback
        self._interrupt = Interrupt(self._due, timer)

    def wait(self):
        """The thread. Makes no objects: the memory is the program's."""
        due_ms = utime.ticks_ms()
        while self._timer._run is self:
            due_ms = utime.ticks_add(due_ms, self.period_ms)
            while self._timer._run is self and utime.ticks_diff(due_ms, utime.ticks_ms()) > 0:
                utime.sleep_ms(min(utime.ticks_diff(due_ms, utime.ticks_ms()), _LOOK_MS))
            while self._timer._run is self and not self._interrupt.request():
                utime.sleep_ms(1)
            if not self.repeats:
                return

    def _due(self, timer):
        if timer._run is self and self._callback is not None:
            self._callback(timer)
