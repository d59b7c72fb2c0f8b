"""How the end of the chip's life looks to a test in the same process. Not `Exception`s: the firmware must not catch
them, as it could not on the chip."""


class Restarted(BaseException):
    """The chip would have restarted here; `args` is the reason ("machine.reset()", "deep sleep 1000 ms", ...)."""


class PowerCut(BaseException):
    """The power went at this flash write."""
