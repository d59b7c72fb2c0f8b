"""machine.I2C and machine.SPI as the chip has them while nothing is attached (machine_i2c.c, machine_hw_spi.c): an I2C
bus answers nobody, SPI reads what is on the pin."""

import errno

import machine
from micropython import const

_I2C_PINS = ((18, 19), (25, 26))  # scl, sda of each, as ESP32_GENERIC has them
_SPI_PINS = ((14, 13, 12), (18, 23, 19))  # sck, mosi, miso


def _number(pin):
    return -1 if pin is None else machine.Pin(pin)._id


class SoftI2C:
    """Nobody acknowledges."""

    def __init__(self, scl, sda, *, freq=400000, timeout=50000):
        self._scl, self._sda, self._freq = machine.Pin(scl)._id, machine.Pin(sda)._id, freq

    init = __init__

    def scan(self):
        return []

    def start(self):
        pass

    stop = start

    def readinto(self, buffer, nack=True):
        buffer[:] = b"\xff" * len(buffer)

    def write(self, data):
        """How many bytes were acknowledged."""
        len(memoryview(data))
        return 0

    def readfrom(self, address, count, stop=True):
        raise OSError(errno.ENODEV)

    def readfrom_into(self, address, buffer, stop=True):
        raise OSError(errno.ENODEV)

    def writeto(self, address, data, stop=True):
        memoryview(data)
        raise OSError(errno.ENODEV)

    def writevto(self, address, vector, stop=True):
        raise OSError(errno.ENODEV)

    def readfrom_mem(self, address, memory, count, *, addrsize=8):
        self._none(addrsize)

    def readfrom_mem_into(self, address, memory, buffer, *, addrsize=8):
        self._none(addrsize)

    def writeto_mem(self, address, memory, data, *, addrsize=8):
        memoryview(data)
        self._none(addrsize)

    def _none(self, addrsize):
        if addrsize & 7 or not 0 <= addrsize <= 32:
            raise ValueError("invalid addrsize")
        raise OSError(errno.ENODEV)

    def __repr__(self):
        return "SoftI2C(scl=%d, sda=%d, freq=%d)" % (self._scl, self._sda, self._freq)


class I2C(SoftI2C):
    """One of the two buses of the hardware, which knows whole operations only."""

    def __init__(self, id=0, *, scl=None, sda=None, freq=400000, timeout=50000):
        if not 0 <= id < 2:
            raise ValueError("I2C(%d) doesn't exist" % id)
        pins = _I2C_PINS[id]
        self._id, self._timeout = id, timeout
        super().__init__(pins[0] if scl is None else scl, pins[1] if sda is None else sda, freq=freq)

    def init(self, *args, **kwargs):
        raise OSError("I2C operation not supported")

    start = stop = readinto = write = init

    def __repr__(self):
        values = (self._id, self._scl, self._sda, self._freq, self._timeout)
        return "I2C(%d, scl=%d, sda=%d, freq=%d, timeout=%d)" % values


class SoftSPI:
    """Reads as many ones or zeros as the pin shows."""

    MSB = const(0)
    LSB = const(1)

    def __init__(self, baudrate=500000, *, polarity=0, phase=0, bits=8, firstbit=0, sck=None, mosi=None, miso=None):
        if bits != 8:
            raise ValueError("bits must be 8")
        if sck is None or mosi is None or miso is None:
            raise ValueError("must specify all of sck/mosi/miso")
        self._begin(baudrate, polarity, phase, bits, firstbit, (_number(sck), _number(mosi), _number(miso)))

    def _begin(self, *values):
        self._is_on = True
        self._values = values

    def init(self, baudrate=-1, **more):
        self._is_on = True

    def deinit(self):
        pass

    def read(self, count, write=0):
        buffer = bytearray(count)
        self.readinto(buffer, write)
        return bytes(buffer)

    def readinto(self, buffer, write=0):
        self._transfer(len(buffer))
        miso = self._values[-1][2]
        buffer[:] = (b"\xff" if miso >= 0 and machine.Pin(miso).value() else b"\x00") * len(buffer)

    def write(self, data):
        self._transfer(len(memoryview(data)))

    def write_readinto(self, data, buffer):
        if len(data) != len(buffer):
            raise ValueError("buffers must be the same length")
        self.readinto(buffer)

    def _transfer(self, count):
        pass


class SPI(SoftSPI):
    """One of the two of the hardware: 1 and 2."""

    def __init__(self, id, baudrate=500000, polarity=0, phase=0, bits=8, firstbit=0, sck=-1, mosi=-1, miso=-1):
        if not 1 <= id <= 2:
            raise ValueError("SPI(%d) doesn't exist" % id)
        pins = zip((sck, mosi, miso), _SPI_PINS[id - 1])
        self._id = id
        pins = tuple([default if isinstance(pin, int) and pin == -1 else _number(pin) for pin, default in pins])
        self._begin(baudrate, polarity, phase, bits, firstbit, pins)

    def deinit(self):
        """No transfer from here on."""
        self._is_on = False

    def _transfer(self, count):
        if not self._is_on:
            raise OSError("transfer on deinitialized SPI")
        if not count:
            raise ValueError("buffer too short")

    def __repr__(self):
        words = "SPI(id=%d, baudrate=%d, polarity=%d, phase=%d, bits=%d, firstbit=%d, sck=%d, mosi=%d, miso=%d)"
        return words % ((self._id,) + self._values[:-1] + self._values[-1])
