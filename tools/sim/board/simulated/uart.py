"""machine.UART while nothing is attached (machine_uart.c): what is written is gone, and nothing is ever received."""

import io

import machine
import utime
from micropython import const

_UARTS = const(3)
_POLL = const(3)
_WRITABLE = const(4)


class UART(io.IOBase):
    """A serial port: 1 and 2; 0 is the console's."""

    INV_TX = const(32)
    INV_RX = const(4)
    INV_RTS = const(64)
    INV_CTS = const(8)
    RTS = const(1)
    CTS = const(2)
    IRQ_RX = const(1)
    IRQ_RXIDLE = const(0x1000)
    IRQ_BREAK = const(4)

    def __init__(self, id, *args, **kwargs):
        if not 0 <= id < _UARTS:
            raise ValueError("UART(%d) does not exist" % id)
        self._timeout_ms = 0
        self.init(*args, **kwargs)

    def init(
        self, baudrate=115200, bits=8, parity=None, stop=1, *, tx=None, rx=None, rts=None, cts=None, txbuf=256,
        rxbuf=256, timeout=0, timeout_char=0, invert=0, flow=0,
    ):  # fmt: skip
        if not 5 <= bits <= 8:
            raise ValueError("invalid data bits")
        if not 1 <= stop <= 2:
            raise ValueError("invalid stop bits")
        for pin in (tx, rx, rts, cts):
            if pin is not None:
                machine.Pin(pin)
        self._timeout_ms = timeout

    def deinit(self):
        pass

    def any(self):
        """How many bytes wait."""
        return 0

    def txdone(self):
        return True

    def flush(self):
        pass

    sendbreak = flush

    def read(self, count=-1):
        """None after `timeout`."""
        utime.sleep_ms(self._timeout_ms)

    readline = readinto = read

    def write(self, data):
        return len(memoryview(data)) if not isinstance(data, str) else len(data.encode())

    def irq(self, handler=None, trigger=0, hard=False):
        if handler is not None and not callable(handler):
            raise ValueError("handler must be None or callable")
        if hard:
            raise ValueError("hard IRQ is not supported")

    def ioctl(self, request, argument):
        return argument & _WRITABLE if request == _POLL else 0
