"""machine.ADC: reads the voltage that somebody outside has put on a pin (`Board.drive_pin`), in microvolts.

As machine_adc.c of MicroPython 1.26 and later has it: without `atten` the widest range, 11 dB. Before it was the
narrowest, and errors had other words.
"""

import errno

import machine
import simulation
from micropython import const

_ADC1 = (36, 37, 38, 39, 32, 33, 34, 35)
_ADC2 = (4, 0, 2, 15, 13, 12, 14, 27, 25, 26)
_FLOATING_UV = const(142000)  # what an open pin reads, about
_SUPPLY_UV = const(3300000)
_FULL_SCALE_UV = (950000, 1250000, 1750000, 2450000)  # by attenuation, as ESP-IDF says for the ESP32


class ADC:
    """A pin that measures. There is one object for each pin."""

    ATTN_0DB = const(0)
    ATTN_2_5DB = const(1)
    ATTN_6DB = const(2)
    ATTN_11DB = const(3)
    WIDTH_9BIT = const(9)
    WIDTH_10BIT = const(10)
    WIDTH_11BIT = const(11)
    WIDTH_12BIT = const(12)

    def __init__(self, pin, *, atten=-1):
        self._pin = machine.Pin(pin)._id
        if self._pin not in _ADC1 and self._pin not in _ADC2:
            raise ValueError("invalid pin")
        self.init(atten=atten)

    def init(self, *, atten=-1):
        """Begin again; `atten` left out is 11 dB, and the width is 12 bits."""
        self._is_on = True
        self._bits = 12
        self.atten(3 if atten == -1 else atten)

    def deinit(self):
        """It measures no more until `init`."""
        self._is_on = False

    def atten(self, value):
        if not 0 <= value <= 3:
            raise ValueError("invalid attenuation")
        self._atten = value
        self._full_uv = _FULL_SCALE_UV[value]

    def width(self, bits):
        if not 9 <= bits <= 12:
            raise ValueError("invalid bit-width")
        self._bits = bits

    def read_uv(self):
        """Microvolts."""
        if not self._is_on:
            raise OSError(errno.EPERM)
        outside = simulation.board.pin_level(self._pin)
        if outside is None:
            outside = _FLOATING_UV
        return min(_SUPPLY_UV if outside == 1 else outside, self._full_uv) // 1000 * 1000

    def read(self):
        """0 to 4095, or less with fewer bits."""
        return self.read_uv() * ((1 << self._bits) - 1) // self._full_uv

    def read_u16(self):
        """0 to 65535."""
        raw = self.read()
        return raw << (16 - self._bits) | raw >> (2 * self._bits - 16)

    def __repr__(self):
        return "ADC(Pin(%d), atten=%d)" % (self._pin, self._atten)
