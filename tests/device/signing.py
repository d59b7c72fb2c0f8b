"""Signs documents of updates on the device, for tests alone: with the arithmetic that the firmware verifies by."""

import asyncio
import binascii
import hashlib

from ota import signature
from ota.signature import _G, _N, _P


def _times(number):
    """(x, y) of the base point times `number`."""

    async def times():
        x, y, z = await signature._sum(number, 0, _G)
        inverse = await signature._inverse(z, _P)
        return x * inverse * inverse % _P, y * inverse * inverse * inverse % _P

    return _now(times())


def _now(coroutine):
    asyncio.new_event_loop()
    return asyncio.run(coroutine)


def public_key(private):
    """The public key of a private number, in hex."""
    x, y = _times(private)
    return (b"\4" + x.to_bytes(32, "big") + y.to_bytes(32, "big")).hex()


def _integer(number):
    data = number.to_bytes(33, "big")
    while len(data) > 1 and not data[0] and not data[1] & 0x80:
        data = data[1:]
    return bytes((2, len(data))) + data


def signed(document, private):
    """The document with its signature."""
    lines = ["awsesp-ota-1"] + [
        str(document[name]) for name in ("kid", "operation", "version", "hardware", "size", "sha256", "min_version")
    ]
    text = "\n".join(lines + [document.get("force", "0")]).encode()
    return dict(document, signature=signature_of(text, private))


def signature_of(data, private):
    """The signature over bytes, in base64."""
    digest = hashlib.sha256(data).digest()
    number = int.from_bytes(hashlib.sha256(digest).digest(), "big") % _N
    r = _times(number)[0] % _N
    s = _now(signature._inverse(number, _N)) * (int.from_bytes(digest, "big") + r * private) % _N
    body = _integer(r) + _integer(s)
    der = bytes((0x30, len(body))) + body
    return binascii.b2a_base64(der).decode().strip()
