"""Stand-in for micropython-lib's `neopixel`, which stock boards have frozen: a row of lamps that nobody sees."""

from machine import bitstream


class NeoPixel:
    """`lamps[i] = (red, green, blue)`, then `write()`."""

    ORDER = (1, 0, 2, 3)  # in which a lamp takes red, green, blue, white

    def __init__(self, pin, n, bpp=3, timing=1):
        self.pin, self.n, self.bpp = pin, n, bpp
        self.buf = bytearray(n * bpp)
        self.pin.init(pin.OUT)
        self.timing = timing
        if isinstance(timing, int):
            self.timing = (400, 850, 800, 450) if timing else (800, 1700, 1600, 900)

    def __len__(self):
        return self.n

    def __setitem__(self, i, colour):
        for part in range(self.bpp):
            self.buf[i * self.bpp + self.ORDER[part]] = colour[part]

    def __getitem__(self, i):
        return tuple([self.buf[i * self.bpp + self.ORDER[part]] for part in range(self.bpp)])

    def fill(self, colour):
        for i in range(self.n):
            self[i] = colour

    def write(self):
        """Show them."""
        bitstream(self.pin, 0, self.timing, self.buf)
