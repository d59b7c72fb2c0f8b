"""As much CBOR (RFC 8949) as an answer needs that says that requests in CBOR are not understood."""

from __future__ import annotations

_UNSIGNED, _TEXT, _MAP = 0, 3, 5


def encode(value: dict | str | int) -> bytes:
    """Maps with text keys, text, and integers from 0."""
    if isinstance(value, dict):
        return _head(_MAP, len(value)) + b"".join(encode(key) + encode(each) for key, each in value.items())
    if isinstance(value, str):
        text = value.encode()
        return _head(_TEXT, len(text)) + text
    return _head(_UNSIGNED, value)


def _head(kind: int, number: int) -> bytes:
    if number < 24:
        return bytes([kind << 5 | number])
    for code, size in ((24, 1), (25, 2), (26, 4), (27, 8)):
        if number < 1 << 8 * size:
            return bytes([kind << 5 | code]) + number.to_bytes(size, "big")
    raise ValueError(f"{number} is too large for CBOR")
