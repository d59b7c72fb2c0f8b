"""A few named values in a compact binary form: what is kept in flash under one name, as credentials and settings are.

    pack({"name": "lamp-7", "cert": der}) -> bytes;  unpack(bytes) -> {"name": "lamp-7", "cert": der}

Each value is: length of the name (u8), name, kind (u8), length (u32, little-endian), bytes. Values are str, bytes, and
int of up to 64 bits; what is None is left out.
"""

import struct

_HEAD = "<BI"
_KIND_SIZE = 5
_INT_SIZE = 8
_BYTES = 0
_TEXT = 1
_NUMBER = 2


def pack(fields):
    """The bytes of a dict of str -> str, bytes, int or None."""
    parts = []
    for name in sorted(fields):
        value = fields[name]
        if value is None:
            continue
        kind, data = _encode(value)
        label = name.encode()
        parts.append(bytes([len(label)]) + label + struct.pack(_HEAD, kind, len(data)))
        parts.append(data)
    return b"".join(parts)


def unpack(data):
    """The dict that was packed. Raises ValueError for bytes that nothing was packed to."""
    fields = {}
    at = 0
    while at < len(data):
        name, at = _take(data, at + 1, data[at])
        head, at = _take(data, at, _KIND_SIZE)
        kind, length = struct.unpack(_HEAD, head)
        value, at = _take(data, at, length)
        fields[str(name, "utf-8")] = _decode(kind, value)
    return fields


def _take(data, at, length):
    if length > len(data) - at:
        raise ValueError("cut off at byte %d" % at)
    return bytes(data[at : at + length]), at + length


def _encode(value):
    if isinstance(value, str):
        return _TEXT, value.encode()
    if isinstance(value, int):
        return _NUMBER, struct.pack("<q", value)
    return _BYTES, bytes(value)


def _decode(kind, value):
    if kind == _BYTES:
        return value
    if kind == _TEXT:
        return str(value, "utf-8")
    if kind == _NUMBER and len(value) == _INT_SIZE:
        return struct.unpack("<q", value)[0]
    raise ValueError("unknown kind %d" % kind)
