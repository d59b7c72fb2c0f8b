"""HELLO: the keys of a session, from an X25519 secret and the setup code. Loaded for one.

The scheme, byte by byte, is in docs/ble-protocol.md and the specification.
"""

import binascii
import gc
import hashlib
import os

from ble import codes, hkdf, messages, x25519
from ble.session import Session, aes_ecb

_LABEL = b"awsesp-ble-1"
_KEYS = 128  # bytes, of all four
_PUBLIC_KEY = 32
# The multiplications make half a MB of garbage: collected as often as elsewhere, they would take twice as long.
_SWEEP_BYTES = 16384


def transcript(phone_public, device_public, name):
    """SHA-256 of both public keys and the device's advertised name: what both sides must agree on."""
    digest = hashlib.sha256(phone_public)
    digest.update(device_public)
    digest.update(name.encode())
    return digest.digest()


def derive(secret, setup_code, th):
    """128 bytes: enc_p, mac_p, enc_d, mac_d of 32 each. p is from phone to device, d from device to phone."""
    return hkdf.expand(hkdf.extract(_LABEL, secret + setup_code), _LABEL + th, _KEYS)


async def answer(phone_public, setup_code, name, aes=aes_ecb, random=os.urandom):
    """The device's side of HELLO: (Session, the device's public key), a new key pair each time.

    Takes two multiplications, 0.6 s on an ESP32-C3. Raises Refusal 8 for an unsafe public key.
    """
    often = _sweep_every(_SWEEP_BYTES)
    try:
        private, public = await x25519.key_pair(random)
        secret = await x25519.shared_secret(private, phone_public)
    finally:
        _sweep_every(often)
    th = transcript(phone_public, public, name)
    return Session(derive(secret, setup_code, th), th, aes), public


def public_key(message):
    """The 32 bytes of a HELLO's "pub". Raises Refusal 8."""
    try:
        key = binascii.unhexlify(message.dat["pub"])
    except ValueError:
        key = b""
    if len(key) != _PUBLIC_KEY:
        raise codes.refuse(codes.INVALID, "pub must be 64 hexadecimal digits", message.typ, message.id)
    return key


def ack(message_id, public, confirm):
    """The ACK of HELLO, with the device's public key and its proof that it knows the setup code (bytes both)."""
    details = {"pub": binascii.hexlify(public).decode(), "confirm": binascii.hexlify(confirm).decode()}
    return messages.ack("HELLO", message_id, codes.OK, None, details)


def _sweep_every(size):
    """Let garbage be collected after so many bytes; returns after how many it was."""
    if not hasattr(gc, "threshold"):
        return None  # CPython
    before = gc.threshold()
    gc.threshold(size)
    return before
