"""HMAC (RFC 2104) and HKDF (RFC 5869) with SHA-256: MicroPython has hashlib but no hmac."""

import hashlib

SIZE = 32  # bytes of a hash

_BLOCK = 64


def hmac_sha256(key, *parts):
    """HMAC-SHA256 of the `parts` one behind the other, 32 bytes."""
    if len(key) > _BLOCK:
        key = hashlib.sha256(key).digest()
    pad = bytearray(_BLOCK)
    pad[: len(key)] = key
    inner = hashlib.sha256(_xored(pad, 0x36))
    for part in parts:
        inner.update(part)
    outer = hashlib.sha256(_xored(pad, 0x36 ^ 0x5C))
    outer.update(inner.digest())
    return outer.digest()


def _xored(pad, value):
    # In place: called twice on the same pad, the second value takes back the first.
    for index in range(_BLOCK):
        pad[index] ^= value
    return pad


def extract(salt, key_material):
    """The pseudorandom key, 32 bytes (RFC 5869 section 2.2). An empty `salt` is 32 zero bytes, as there."""
    return hmac_sha256(salt, key_material)


def expand(key, info, length):
    """`length` bytes of key material out of the pseudorandom `key` (RFC 5869 section 2.3); at most 8160."""
    if length > 255 * SIZE:
        raise ValueError("HKDF gives at most 8160 bytes")
    output = b""
    block = b""
    while len(output) < length:
        block = hmac_sha256(key, block, info, bytes((len(output) // SIZE + 1,)))
        output += block
    return output[:length]
