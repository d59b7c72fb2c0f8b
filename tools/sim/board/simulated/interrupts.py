"""What the chip's interrupts lead to: a function of the program that is called between two of its own steps."""

import micropython
import simulation
from micropython import const

_MOST = const(8)  # that wait; the port drops what comes after that (MICROPY_SCHEDULER_DEPTH)
_STEPS = const(100)  # of the interpreter, more than a question to the host takes: one that was broken off never ends


class Interrupt:
    """Calls `function(argument)` once for each `request`, but never in the midst of a question to the host."""

    def __init__(self, function, argument):
        self._function = function
        self._argument = argument
        self._asked = 0  # by `request`, which may run in another thread
        self._done = 0
        self._steps = _STEPS
        self._call = self._run

    def request(self):
        """Whether it will be called; False while the interpreter's queue is full: ask again."""
        if self._asked - self._done >= _MOST:
            return True
        self._asked += 1
        if self._again():
            return True
        self._asked -= 1
        return False

    def _again(self):
        try:
            micropython.schedule(self._call, None)
            return True
        except RuntimeError:
            return False

    def _run(self, _):
        channel = getattr(simulation.board, "channel", None)
        if channel is not None and channel.is_asking and self._steps:
            self._steps -= 1
            self._again()
            return
        self._steps = _STEPS
        while self._asked > self._done:
            self._done += 1
            self._function(self._argument)
