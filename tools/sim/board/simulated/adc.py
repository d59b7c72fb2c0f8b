"""machine.ADC: reads the voltage that somebody outside has put on a pin (`Board.drive_pin`), in microvolts."""

import simulation
from micropython import const

_ADC1 = (36, 37, 38, 39, 32, 33, 34, 35)
_ADC2 = (4, 0, 2, 15, 13, 12, 14, 27, 25, 26)
_FLOATING_UV = const(142000)  # what an open pin reads, about
_FULL_SCALE_UV = (950000, 1250000, 1750000, 2450000)  # by attenuation, as ESP-IDF says for the ESP32


class ADC:
    """A pin that measures."""

    ATTN_0DB = const(0)
    ATTN_2_5DB = const(1)
    ATTN_6DB = const(2)
    ATTN_11DB = const(3)
    WIDTH_9BIT = const(9)
    WIDTH_10BIT = const(10)
    WIDTH_11BIT = const(11)
    WIDTH_12BIT = const(12)

    def __init__(self, pin, *, atten=0):
        self._pin = pin if isinstance(pin, int) else pin._id
        if self._pin not in _ADC1 and self._pin not in _ADC2:
            raise ValueError("invalid pin")
        self.atten(atten)

    def atten(self, value):
        if not 0 <= value <= 3:
            raise ValueError("invalid atten")
        self._full_uv = _FULL_SCALE_UV[value]

    def width(self, bits):
        if not 9 <= bits <= 12:
            raise ValueError("invalid bits")

    def read_uv(self):
        """Microvolts."""
        outside = simulation.board.pin_level(self._pin)
        return min(_FLOATING_UV if outside is None else outside, self._full_uv)

    def read_u16(self):
        """0 to 65535."""
        return self.read_uv() * 65535 // self._full_uv

    def read(self):
        """0 to 4095."""
        return self.read_u16() >> 4
