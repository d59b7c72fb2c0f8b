"""The esp32 port's `machine`, as far as the firmware uses it (modmachine.c, machine_rtc.c, machine_wdt.c,
machine_pin.c)."""

import micropython
import simulation
import umachine
import utime
from micropython import const
from simulated import calendar

idle = umachine.idle
time_pulse_us = umachine.time_pulse_us
Signal = umachine.Signal

PWRON_RESET = const(1)
HARD_RESET = const(2)
WDT_RESET = const(3)
DEEPSLEEP_RESET = const(4)
SOFT_RESET = const(5)

SLEEP = const(2)
DEEPSLEEP = const(4)
PIN_WAKE = const(2)
EXT0_WAKE = const(2)
EXT1_WAKE = const(3)
TIMER_WAKE = const(4)
TOUCHPAD_WAKE = const(5)
ULP_WAKE = const(6)

_EPOCH_2000 = const(946684800)
_RTC_MEMORY_MAX = const(2048)
_PIN_MAX = const(39)

_frequency = [160000000]


def __getattr__(name):
    # Imported when somebody measures: names take heap that the chip has in its flash.
    if name != "ADC":
        raise AttributeError(name)
    from simulated.adc import ADC

    return ADC


def reset():
    """Restart, as if by the EN pin. The clock and the RTC memory stay."""
    simulation.board.restart("machine.reset()", HARD_RESET)


def soft_reset():
    """End the program; the port runs boot.py and main.py again in the same power cycle."""
    simulation.board.restart("machine.soft_reset()", SOFT_RESET)


def reset_cause():
    """Why the chip started: one of the *_RESET constants."""
    return simulation.board.reset_cause


def wake_reason():
    """4 after a timed deep sleep, else 0."""
    return simulation.board.wake_reason


def unique_id():
    """The base MAC, 6 bytes."""
    return simulation.board.unique_id


def freq(hertz=None):
    """The CPU's frequency."""
    if hertz is None:
        return _frequency[0]
    if hertz // 1000000 not in (20, 40, 80, 160, 240):
        raise ValueError("frequency must be 20MHz, 40MHz, 80Mhz, 160MHz or 240MHz")
    _frequency[0] = hertz
    return None


def lightsleep(time_ms=None):
    """Sleep; execution goes on here."""
    if time_ms is None:
        raise NotImplementedError("lightsleep() without a time never ends: not simulated")
    utime.sleep_ms(time_ms)


sleep = lightsleep


def deepsleep(time_ms=None):
    """Sleep, then start anew with DEEPSLEEP_RESET. A negative time is a huge one: the port makes it unsigned."""
    if time_ms is not None and not -0x80000000 <= time_ms < 0x80000000:
        raise OverflowError("overflow converting long int to machine word")
    how = "for ever" if time_ms is None or time_ms < 0 else "%d ms" % time_ms
    simulation.board.restart("machine.deepsleep() " + how, DEEPSLEEP_RESET)


class WDT:
    """The watchdog: once made it cannot be stopped, and a device that does not feed it restarts."""

    def __init__(self, id=0, timeout=5000):
        if id != 0:
            raise ValueError
        if timeout <= 0:
            raise ValueError("WDT timeout too short")
        simulation.board.start_watchdog(timeout)

    def feed(self):
        simulation.board.feed()


class RTC:
    """The clock and 2048 bytes that outlive a restart, not a power cut."""

    def init(self, parts):
        """Sets it by (year, month, day, hour, minute, second, microsecond, timezone)."""
        if len(parts) != 8:
            raise ValueError("requested length 8 but object has length %d" % len(parts))
        self._set(parts[:6], parts[7])

    def datetime(self, parts=None):
        """Reads or sets (year, month, day, weekday, hour, minute, second, microsecond)."""
        if parts is None:
            now_ns = self._now_ns()
            year, month, day, hour, minute, second, weekday, _ = calendar.split(now_ns // 1000000000)
            return year, month, day, weekday, hour, minute, second, now_ns // 1000 % 1000000
        if len(parts) != 8:
            raise ValueError("requested length 8 but object has length %d" % len(parts))
        self._set(parts[:3] + parts[4:7], parts[7])
        return None

    def _now_ns(self):
        skew_ns = simulation.board.clock_skew_ns
        return utime.time_ns() if skew_ns is None else utime.time_ns() - skew_ns + _EPOCH_2000 * 1000000000

    def _set(self, parts, microsecond):
        seconds = calendar.join(tuple(parts)) - _EPOCH_2000
        simulation.board.set_clock_skew(utime.time_ns() - seconds * 1000000000 - microsecond * 1000)

    def memory(self, data=None):
        """Reads or replaces the memory."""
        if data is None:
            return simulation.board.rtc_memory
        if len(data) > _RTC_MEMORY_MAX:
            raise ValueError("buffer too long")
        simulation.board.set_rtc_memory(bytes(data))
        return None


class Pin:
    """A pin that somebody outside may drive (`hold_button`)."""

    IN = const(1)
    OUT = const(3)
    OPEN_DRAIN = const(7)
    PULL_DOWN = const(1)
    PULL_UP = const(2)
    IRQ_RISING = const(1)
    IRQ_FALLING = const(2)
    WAKE_LOW = const(4)
    WAKE_HIGH = const(5)
    DRIVE_0 = const(0)
    DRIVE_1 = const(1)
    DRIVE_2 = const(2)
    DRIVE_3 = const(3)

    _pins = {}

    def __new__(cls, id, *args, **kwargs):
        if not isinstance(id, int) or not 0 <= id <= _PIN_MAX or id in (20, 24, 28, 29, 30, 31):
            raise ValueError("invalid pin")
        pin = cls._pins.get(id)
        if pin is None:
            pin = cls._pins[id] = super().__new__(cls)
            pin._id, pin._mode, pin._pull, pin._output = id, Pin.IN, None, 0
            pin._handler, pin._trigger = None, 0
        return pin

    def __init__(self, id, mode=-1, pull=-1, *, value=None, drive=None, hold=None):
        self.init(mode, pull, value=value)

    def init(self, mode=-1, pull=-1, *, value=None, drive=None, hold=None):
        if mode != -1 and mode is not None:
            if mode & 2 and self._id >= 34:
                raise ValueError("pin can only be input")
            self._mode = mode
        if pull != -1:
            self._pull = pull
        if value is not None:
            self._output = 1 if value else 0

    def value(self, level=None):
        """Reads the level, or sets the output."""
        if level is not None:
            self._output = 1 if level else 0
            return None
        outside = simulation.board.pin_level(self._id)
        if outside is not None:
            return outside
        if self._mode & 2:
            return self._output
        return 1 if self._pull == Pin.PULL_UP else 0

    __call__ = value

    def on(self):
        self.value(1)

    def off(self):
        self.value(0)

    def toggle(self):
        self.value(1 - self._output)

    def irq(self, handler=None, trigger=3, wake=None):
        """Calls `handler(pin)` when the level changes from outside."""
        self._handler, self._trigger = handler, trigger
        return self

    def __repr__(self):
        return "Pin(%d)" % self._id


def _level_changed(number, level):
    pin = Pin._pins.get(number)
    if pin is None or pin._handler is None:
        return
    if pin._trigger & (Pin.IRQ_RISING if pin.value() else Pin.IRQ_FALLING):
        micropython.schedule(pin._handler, pin)


simulation.board.listen_pins(_level_changed)
