"""The UUID type of the esp32 port's `bluetooth` (extmod/modbluetooth.c)."""

import binascii


class UUID:
    """Of 16, 32 or 128 bits, from a number, from text, or from its little-endian bytes.

    The chip's type has the buffer protocol, which a class cannot have: `bytes(uuid)` and `len(uuid)` work here by
    iteration, other uses as a buffer do not.
    """

    def __init__(self, value):
        if isinstance(value, int):
            if value > 0xFFFF:
                raise ValueError("invalid UUID")
            self._bytes = bytes((value & 0xFF, value >> 8 & 0xFF))
            return
        data = bytes(value, "utf-8") if isinstance(value, str) else bytes(value)
        self._bytes = data if len(data) in (2, 4, 16) else _parse(data)

    def __iter__(self):
        return iter(self._bytes)

    def __len__(self):
        return len(self._bytes)

    def __hash__(self):
        return hash(self._bytes)

    def _key(self, other):
        if not isinstance(other, UUID):
            raise TypeError("unsupported types for comparison")
        return len(self._bytes), self._bytes

    def __eq__(self, other):
        return isinstance(other, UUID) and self._bytes == other._bytes

    def __lt__(self, other):
        return self._key(other) < other._key(self)

    def __repr__(self):
        text = binascii.hexlify(bytes(reversed(self._bytes))).decode()
        if len(self._bytes) < 16:
            return "UUID(0x%s)" % text
        return "UUID('%s-%s-%s-%s-%s')" % (text[:8], text[8:12], text[12:16], text[16:20], text[20:])


def _parse(text):
    digits = text.replace(b"-", b"")
    for digit in digits:
        if digit not in b"0123456789abcdefABCDEF":
            raise ValueError("invalid char in UUID")
    if len(digits) != 32:
        raise ValueError("UUID too long" if len(digits) > 32 else "UUID too short")
    return bytes(reversed(binascii.unhexlify(digits)))
