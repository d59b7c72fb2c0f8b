"""machine.PWM: what was asked of a pin, within the limits of the ESP32's 16 channels and 8 timers (machine_pwm.c)."""

import machine
from micropython import const

_TIMERS = const(8)
_CHANNELS = const(16)
_DEFAULT_HZ = const(5000)
_CLOCK_HZ = const(80000000)
_SLOW_CLOCK_HZ = const(1000000)  # below 10 Hz
_WHOLE = const(65536)
_S_IN_NS = const(1000000000)

_active = {}  # pin: its PWM


class PWM:
    """A pin that pulses. `duty` is of 1023, `duty_u16` of 65535, `duty_ns` how long it is high."""

    def __init__(self, pin, freq=-1, **more):
        self._pin = machine.Pin(pin)._id
        self._freq = 0  # while it is inactive
        self._duty = _WHOLE // 2
        self._invert = False
        self.init(freq, **more)

    def init(self, freq=-1, *, duty=-1, duty_u16=-1, duty_ns=-1, invert=None, lightsleep=False):
        old = _active.get(self._pin)
        if freq == -1:
            freq = old._freq if old else _DEFAULT_HZ
        self._check_freq(freq)
        if duty_u16 >= 0:
            wanted = self._of(duty_u16, _WHOLE - 1, "duty_u16 must be from 0 to %d" % _WHOLE)
        elif duty_ns >= 0:
            self._require()
            wanted = self._of_ns(duty_ns, self._freq)
        elif duty >= 0:
            wanted = self._of(duty, 1023, "duty must be from 0 to 1023")
        else:
            wanted = self._duty
        if invert is not None:
            self._invert = bool(invert)
        self._begin(freq)
        self._duty = wanted

    def _begin(self, freq):
        if self._pin not in _active and len(_active) == _CHANNELS:
            raise RuntimeError("out of PWM channels:%d" % _CHANNELS)
        others = {pwm._freq for pin, pwm in _active.items() if pin != self._pin}
        if freq not in others and len(others) == _TIMERS:
            raise RuntimeError("out of PWM timers:%d" % _TIMERS)
        _active[self._pin] = self
        self._freq = freq

    def _check_freq(self, freq):
        if not 0 < freq <= _CLOCK_HZ // 2:
            raise ValueError("frequency must be from 1Hz to 40MHz")

    def _of(self, duty, most, words):
        if not 0 <= duty <= most:
            raise ValueError(words)
        return _WHOLE if duty == most else duty * _WHOLE // (most + 1)

    def _of_ns(self, duty_ns, freq):
        if not 0 <= duty_ns <= _S_IN_NS // freq:
            raise ValueError("duty_ns must be from 0 to %d ns" % (_S_IN_NS // freq))
        duty = (duty_ns * _WHOLE * freq + _S_IN_NS // 2) // _S_IN_NS
        return max(duty, 1) if duty_ns else 0

    def _require(self):
        if not self._freq:
            raise RuntimeError("PWM is inactive")

    def deinit(self):
        """The pin is still; every call but `init` fails from here on."""
        _active.pop(self._pin, None)
        self._freq = 0
        self._duty = _WHOLE // 2
        self._invert = False

    def freq(self, hertz=None):
        self._require()
        if hertz is None:
            return self._freq
        self._check_freq(hertz)
        self._begin(hertz)
        return None

    def duty(self, value=None):
        if value is None:
            return self.duty_u16() >> 6
        self._require()
        self._duty = self._of(value, 1023, "duty must be from 0 to 1023")
        return None

    def duty_u16(self, value=None):
        self._require()
        if value is not None:
            self._duty = self._of(value, _WHOLE - 1, "duty_u16 must be from 0 to %d" % _WHOLE)
            return None
        unused = 16 - self._resolution()
        return min(self._duty >> unused << unused, _WHOLE - 1)

    def duty_ns(self, value=None):
        self._require()
        if value is not None:
            self._duty = self._of_ns(value, self._freq)
            return None
        whole = self._freq * _WHOLE
        return (self.duty_u16() * _S_IN_NS + whole // 2) // whole

    def _resolution(self):
        """Bits that the timer has at this frequency: the faster, the coarser."""
        bits, clock = 1, _SLOW_CLOCK_HZ if self._freq < 10 else _CLOCK_HZ
        while bits < 16 and self._freq << (bits + 1) <= clock:
            bits += 1
        return bits

    def __repr__(self):
        if not self._freq:
            return "PWM(Pin(%d))" % self._pin
        invert = ", invert=True" if self._invert else ""
        return "PWM(Pin(%d), freq=%d, duty_u16=%d%s)" % (self._pin, self._freq, self.duty_u16(), invert)
