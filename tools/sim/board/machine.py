"""The esp32 port's `machine` (modmachine.c, machine_rtc.c, machine_wdt.c); pins and what is behind them are in files of
their own."""

import simulation
import umachine
import utime
from micropython import const
from simulated import calendar
from simulated.pin import Pin

idle = umachine.idle
time_pulse_us = umachine.time_pulse_us
Signal = umachine.Signal
PinBase = umachine.PinBase

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

_frequency = [160000000]

# Imported when an application has use for them: names take heap that the chip has in its flash.
_ELSEWHERE = {
    "ADC": "adc",
    "DAC": "analog",
    "I2C": "bus",
    "PWM": "pwm",
    "SPI": "bus",
    "SoftI2C": "bus",
    "SoftSPI": "bus",
    "Timer": "timer",
    "TouchPad": "analog",
    "UART": "uart",
}
_NOT_SIMULATED = ("ADCBlock", "Counter", "Encoder", "I2S", "SDCard", "dht_readinto", "mem8", "mem16", "mem32")


def __getattr__(name):
    if name in _NOT_SIMULATED:
        raise NotImplementedError("machine.%s is not simulated" % name)
    if name not in _ELSEWHERE:
        raise AttributeError("'module' object has no attribute '%s'" % name)
    return getattr(__import__("simulated." + _ELSEWHERE[name], None, None, (name,)), name)


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


def disable_irq():
    """What `enable_irq` takes. Nothing interrupts here but between two steps of the program."""
    return 0


def enable_irq(state):
    pass


def bitstream(pin, encoding, timing, data):
    """Sends bits; nobody is there."""
    if encoding != 0:
        raise ValueError("encoding")
    if len(timing) != 4:
        raise ValueError("requested length 4 but object has length %d" % len(timing))
    Pin(pin)
    memoryview(data)


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
        data = bytes(memoryview(data))  # text, too
        if len(data) > _RTC_MEMORY_MAX:
            raise ValueError("buffer too long")
        simulation.board.set_rtc_memory(data)
        return None
