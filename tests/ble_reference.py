"""The BLE protocol a second time, for tests only: written from the specification alone, on `cryptography` and `struct`.

Nothing here may import the device's code: where both agree, the specification was understood twice.
"""

import binascii
import hashlib
import hmac
import json
import struct

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

CLEAR, SEALED = 1, 2
LARGEST = 6144
LABEL = b"awsesp-ble-1"


class WrongTag(Exception):
    """The message is forged, or the other side has another setup code."""


def frame(kind, payload):
    crc = binascii.crc_hqx(payload, 0xFFFF)
    return struct.pack(">BBHH", 0xA5, kind, len(payload), crc) + payload


def find_frames(stream):
    """All messages of a finished stream, [(kind, payload)]; what follows an incomplete one is not looked at."""
    found, position = [], 0
    while (position := stream.find(b"\xa5", position)) >= 0:
        header = stream[position : position + 6]
        if len(header) < 6:
            # An incomplete header is rubbish as soon as what is there of it says so.
            if len(header) > 1 and header[1] not in (CLEAR, SEALED):
                position += 1
                continue
            if len(header) > 3 and int.from_bytes(header[2:4], "big") > LARGEST:
                position += 1
                continue
            break
        _, kind, length, crc = struct.unpack(">BBHH", header)
        if kind not in (CLEAR, SEALED) or length > LARGEST:
            position += 1
            continue
        payload = stream[position + 6 : position + 6 + length]
        if len(payload) < length:
            break
        if binascii.crc_hqx(payload, 0xFFFF) != crc:
            position += 1
            continue
        found.append((kind, payload))
        position += 6 + length
    return found


class End:
    """One end of an encrypted session; which key is for which direction is the caller's."""

    def __init__(self, send_key, send_mac, receive_key, receive_mac):
        self.send_key, self.send_mac = send_key, send_mac
        self.receive_key, self.receive_mac = receive_key, receive_mac
        self.sent = self.received = 0

    def seal(self, text):
        """The payload of a type 2 message."""
        self.sent += 1
        body = struct.pack(">I", self.sent) + _ctr(self.send_key, self.sent, text)
        return body + hmac.digest(self.send_mac, body, "sha256")[:16]

    def open(self, payload):
        """The JSON text, None for a replay."""
        body, tag = payload[:-16], payload[-16:]
        if not hmac.compare_digest(tag, hmac.digest(self.receive_mac, body, "sha256")[:16]):
            raise WrongTag
        counter = struct.unpack(">I", body[:4])[0]
        if counter <= self.received:
            return None
        self.received = counter
        return _ctr(self.receive_key, counter, body[4:])


def _ctr(key, counter, data):
    encryptor = Cipher(algorithms.AES256(key), modes.CTR(struct.pack(">IQI", counter, 0, 0))).encryptor()
    return encryptor.update(data) + encryptor.finalize()


class Phone:
    """The phone's side of HELLO."""

    def __init__(self, setup_code, private=None):
        self.setup_code = setup_code
        self.private = X25519PrivateKey.from_private_bytes(private) if private else X25519PrivateKey.generate()
        self.public = self.private.public_key().public_bytes_raw()

    def hello(self, message_id):
        return _json({"typ": "HELLO", "id": message_id, "dat": {"pub": self.public.hex()}})

    def shared(self, device_public):
        """The X25519 shared secret."""
        return self.private.exchange(X25519PublicKey.from_public_bytes(device_public))

    def session(self, ack, name):
        """(the phone's `End`, True when the device proved that it knows the setup code)."""
        dat = json.loads(ack)["dat"]
        device_public = bytes.fromhex(dat["pub"])
        secret = self.shared(device_public)
        th = hashlib.sha256(self.public + device_public + name.encode()).digest()
        enc_p, mac_p, enc_d, mac_d = derive(secret, self.setup_code, th)
        confirm = hmac.digest(mac_d, b"device" + th, "sha256")[:16]
        return End(enc_p, mac_p, enc_d, mac_d), confirm.hex() == dat["confirm"]


def derive(secret, setup_code, th):
    keys = HKDF(SHA256(), 128, LABEL, LABEL + th).derive(secret + setup_code)
    return keys[:32], keys[32:64], keys[64:96], keys[96:]


def _json(document):
    return json.dumps(document, separators=(",", ":")).encode()


class AesEcb:
    """The block cipher as the device's `cryptolib.aes(key, 1)` offers it, for running the device's code in CPython."""

    def __init__(self, key):
        self._encryptor = Cipher(algorithms.AES256(bytes(key)), modes.ECB()).encryptor()

    def encrypt(self, blocks, into):
        into[:] = self._encryptor.update(bytes(blocks))
