"""machine.Pin: a pin that somebody outside may drive (`hold_button`, `drive_pin`), as machine_pin.c has it."""

import simulation
import umachine
from micropython import const

from simulated.interrupts import Interrupt

_PIN_MAX = const(39)
_FIRST_INPUT_ONLY = const(34)
_HIGH_UV = const(1650000)  # what is on a pin may be microvolts, for an ADC: from half of the supply on they are a 1


class Pin(umachine.PinBase):
    """One object for each pin. Its base lets `machine.Signal` and `machine.time_pulse_us` read it."""

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
        if isinstance(id, Pin):
            return id
        if not isinstance(id, int) or not 0 <= id <= _PIN_MAX or id in (20, 24, 28, 29, 30, 31):
            raise ValueError("invalid pin")
        pin = cls._pins.get(id)
        if pin is None:
            pin = cls._pins[id] = super().__new__(cls)
            pin._id, pin._mode, pin._pull, pin._output = id, Pin.IN, None, 0
            pin._irq = None
        return pin

    def __init__(self, id, mode=-1, pull=-1, *, value=None, drive=None, hold=None):
        self.init(mode, pull, value=value)

    def init(self, mode=-1, pull=-1, *, value=None, drive=None, hold=None):
        if value is not None:
            self._output = 1 if value else 0
        if mode != -1 and mode is not None:
            if mode & 2 and self._id >= _FIRST_INPUT_ONLY:
                raise ValueError("pin can only be input")
            self._mode = mode
        if pull != -1:
            self._pull = pull

    def value(self, level=None):
        """Reads the level, or sets the output."""
        if level is not None:
            self._output = 1 if level else 0
            return None
        return self._level(simulation.board.pin_level(self._id))

    def _level(self, outside):
        if outside is not None:
            return 1 if outside == 1 or outside >= _HIGH_UV else 0
        if self._mode & 2:
            return self._output
        return 1 if self._pull == Pin.PULL_UP else 0

    def noticed(self):
        """The level of which an interrupt knows: it hears of changes when the chip is fed."""
        return self._level(simulation.board.noticed_level(self._id))

    __call__ = value

    def on(self):
        self.value(1)

    def off(self):
        self.value(0)

    def toggle(self):
        self.value(1 - self._output)

    def irq(self, *args, **kwargs):
        """Calls `handler(pin)` when the level changes from outside. Without arguments nothing is changed."""
        irq = self._irq = self._irq or _Irq(self)
        if args or kwargs:
            irq.begin(*args, **kwargs)
        return irq

    def __repr__(self):
        return "Pin(%d)" % self._id


class _Irq:
    def __init__(self, pin):
        self._pin = pin
        self._interrupt, self._trigger = None, 0
        self._level = pin.noticed()

    def begin(self, handler=None, trigger=3, wake=None):
        self._interrupt = Interrupt(handler, self._pin) if handler else None
        self._trigger = trigger if handler else 0
        self._level = self._pin.noticed()

    def trigger(self, new=None):
        """What it waits for; `new` replaces it."""
        old = self._trigger
        if new is not None:
            self._trigger = new
        return old

    def __call__(self):
        if self._interrupt is not None:
            self._interrupt.request()

    def look(self, outside):
        level, before = self._pin._level(outside), self._level
        self._level = level
        if level != before and self._trigger & (Pin.IRQ_RISING if level else Pin.IRQ_FALLING):
            self()


def _level_changed(number, level):
    pin = Pin._pins.get(number)
    if pin is not None and pin._irq is not None:
        pin._irq.look(level)


simulation.board.listen_pins(_level_changed)
