"""machine.DAC and machine.TouchPad of the ESP32 (machine_dac.c, machine_touchpad.c)."""

import machine
import simulation
from micropython import const

_DAC = (25, 26)
_TOUCH = (4, 0, 2, 15, 13, 12, 14, 27, 33, 32)
_UNTOUCHED = const(700)
_TOUCHED = const(150)


class DAC:
    """A pin with a voltage, 0 to 255."""

    def __init__(self, pin):
        self._pin = machine.Pin(pin)._id
        if self._pin not in _DAC:
            raise ValueError("invalid Pin for DAC")

    def write(self, value):
        if not 0 <= value <= 255:
            raise ValueError("value out of range")

    def __repr__(self):
        return "DAC(Pin(%d))" % self._pin


class TouchPad:
    """A pin that feels a finger: less than untouched while somebody pulls it to ground (`hold_button`)."""

    def __init__(self, pin):
        self._pin = machine.Pin(pin)
        if self._pin._id not in _TOUCH:
            raise ValueError("invalid pin for touchpad")

    def config(self, threshold):
        pass

    def read(self):

        return _TOUCHED if simulation.board.pin_level(self._pin._id) == 0 else _UNTOUCHED
