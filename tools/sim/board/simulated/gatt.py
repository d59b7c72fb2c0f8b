"""The values of a GATT server as NimBLE keeps them for MicroPython (extmod/modbluetooth.c, modbluetooth_nimble.c).

They live in Python's heap, as on the chip.
"""

import errno

from micropython import const

from simulated.uuid import UUID

READ = const(0x0002)
WRITE_NO_RESPONSE = const(0x0004)
WRITE = const(0x0008)
NOTIFY = const(0x0010)
INDICATE = const(0x0020)
SECURITY = const(0x7E00)  # encrypted, authenticated, authorized; for reading and for writing

READ_NOT_PERMITTED = const(0x02)  # errors of the attribute protocol
WRITE_NOT_PERMITTED = const(0x03)
ATTRIBUTE_NOT_FOUND = const(0x0A)

_DEFAULT_LENGTH = const(20)
_MAX_SERVICES = const(8)


class Attribute:
    """The value of one characteristic or descriptor: a buffer of fixed size, and how much of it is used."""

    def __init__(self, flags):
        self.flags = flags
        self._buffer = bytearray(_DEFAULT_LENGTH)
        self._used = 0
        self._append = False

    def value(self):
        """What a remote reader gets."""
        return bytes(memoryview(self._buffer)[: self._used])

    def take(self):
        """What the program reads: an append buffer is empty then."""
        data = self.value()
        if self._append:
            self._used = 0
        return data

    def write(self, data):
        """The program's write: the buffer grows when it must."""
        if len(data) > len(self._buffer):
            self._buffer = bytearray(len(data))
        self._buffer[: len(data)] = data
        self._used = len(data)

    def remote_write(self, data):
        """A peer's write. What does not fit is cut, and nobody is told: NimBLE acknowledges it all the same."""
        start = self._used if self._append else 0
        end = min(len(self._buffer), start + len(data))
        self._buffer[start:end] = memoryview(data)[: end - start]
        self._used = end

    def resize(self, length, append):
        """`gatts_set_buffer`: the value is gone."""
        self._buffer = bytearray(length)
        self._used = 0
        self._append = append


class Database:
    """The attributes of the registered services by their handles."""

    def __init__(self):
        self._attributes = {}

    def clear(self):
        """The stack has stopped."""
        self._attributes = {}

    def register(self, layout, handles):
        """`layout` as `describe` returns it, and the handles that the radio gave, in the same order."""
        self._attributes = {}
        for (_, attributes), numbers in zip(layout, handles):
            for (_, flags, _), handle in zip(attributes, numbers):
                self._attributes[handle] = Attribute(flags)

    def get(self, handle):
        """The attribute, or None."""
        return self._attributes.get(handle)

    def find(self, handle):
        """The attribute. Raises OSError(EINVAL)."""
        attribute = self._attributes.get(handle)
        if attribute is None:
            raise OSError(errno.EINVAL)
        return attribute

    def remote_write(self, handle, data):
        """The attribute protocol's error, or 0."""
        attribute = self._attributes.get(handle)
        if attribute is None:
            return ATTRIBUTE_NOT_FOUND
        if not attribute.flags & (WRITE | WRITE_NO_RESPONSE):
            return WRITE_NOT_PERMITTED
        attribute.remote_write(data)
        return 0


def describe(services):
    """Check what `gatts_register_services` was given.

    Returns [(uuid, [(uuid, flags, is_descriptor), ...]), ...]: the attributes of a service in the order of their
    handles. Raises what the port raises.
    """
    layout = []
    for uuid, characteristics in services:
        if len(layout) == _MAX_SERVICES:
            raise OSError(7)  # E2BIG
        layout.append((_checked(uuid, "service"), _attributes(characteristics)))
    return layout


def _attributes(characteristics):
    attributes = []
    for characteristic in characteristics:
        if not 2 <= len(characteristic) <= 3:
            raise ValueError("invalid characteristic tuple")
        flags = characteristic[1] & 0xFFFF
        if flags & SECURITY:
            raise NotImplementedError("security flags of a characteristic are not simulated")
        attributes.append((_checked(characteristic[0], "characteristic"), flags, False))
        for uuid, descriptor_flags in characteristic[2] if len(characteristic) == 3 else ():
            attributes.append((_checked(uuid, "descriptor"), descriptor_flags, True))
    return attributes


def _checked(uuid, what):
    if not isinstance(uuid, UUID):
        raise ValueError("invalid %s UUID" % what)
    return uuid
