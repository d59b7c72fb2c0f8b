"""The phone's end of the encrypted session: HELLO, and messages sealed and opened with its keys. No radio in it."""

import hashlib
import hmac
import struct

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

OVERHEAD = 20  # bytes that sealing adds: a counter of 4 before the text, a tag of 16 behind it

_LABEL = b"awsesp-ble-1"
_COUNTER = 4
_TAG = 16
_KEY = 32


class WrongCode(Exception):
    """The device has another setup code, or is another device."""


class UnsafeKey(Exception):
    """The device's public key is none, or makes a secret that everybody knows."""


class Forged(Exception):
    """The message does not come from this session."""


class Handshake:
    """One HELLO, with a key pair of its own: send `dat`, give the ACK's dat to `finish`."""

    def __init__(self, setup_code, name):
        self._setup_code = setup_code  # 10 bytes
        self._name = name  # as INFO has it
        self._private = X25519PrivateKey.generate()
        self._public = self._private.public_key().public_bytes_raw()
        self.dat = {"pub": self._public.hex()}

    def finish(self, details):
        """The `Session`. Raises UnsafeKey, WrongCode."""
        public, confirm = _unhex(details.get("pub")), _unhex(details.get("confirm"))
        try:
            secret = self._private.exchange(X25519PublicKey.from_public_bytes(public))
        except ValueError as error:  # not 32 bytes, or of low order
            raise UnsafeKey from error
        th = hashlib.sha256(self._public + public + self._name.encode()).digest()
        keys = HKDF(SHA256(), 4 * _KEY, _LABEL, _LABEL + th).derive(secret + self._setup_code)
        enc_p, mac_p, enc_d, mac_d = (keys[start : start + _KEY] for start in range(0, 4 * _KEY, _KEY))
        if not hmac.compare_digest(confirm, _tag(mac_d, b"device" + th)):
            raise WrongCode
        return Session(enc_p, mac_p, enc_d, mac_d)


class Session:
    """`seal` what is said, `open` what is heard. Counters start at 1 in each direction and only grow."""

    def __init__(self, enc_p, mac_p, enc_d, mac_d):
        self._enc_p, self._mac_p, self._enc_d, self._mac_d = enc_p, mac_p, enc_d, mac_d
        self._sent = self._heard = 0

    def seal(self, text):
        """The payload of a message of type 2, from JSON (bytes)."""
        self._sent += 1
        body = struct.pack(">I", self._sent) + _ctr(self._enc_p, self._sent, text)
        return body + _tag(self._mac_p, body)

    def open(self, payload):
        """The JSON (bytes) in it; None for a replay, to be dropped. Raises Forged."""
        body, tag = payload[:-_TAG], payload[-_TAG:]
        if len(payload) < OVERHEAD or not hmac.compare_digest(tag, _tag(self._mac_d, body)):
            raise Forged
        counter = struct.unpack_from(">I", body)[0]
        if counter <= self._heard:
            return None
        self._heard = counter
        return _ctr(self._enc_d, counter, body[_COUNTER:])


def _ctr(key, counter, data):
    encryptor = Cipher(algorithms.AES256(key), modes.CTR(struct.pack(">IQI", counter, 0, 0))).encryptor()
    return encryptor.update(data) + encryptor.finalize()


def _tag(key, data):
    return hmac.digest(key, data, "sha256")[:_TAG]


def _unhex(value):
    try:
        return bytes.fromhex(value)
    except (TypeError, ValueError):
        return b""
