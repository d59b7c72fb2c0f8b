"""The encrypted session: messages sealed and opened with the keys that HELLO gave (hello.py).

    counter u32 | AES-256-CTR ciphertext | tag, 16 bytes        a payload of type 2 (framing.SEALED)

The scheme, byte by byte, is in docs/ble-protocol.md and the specification. Both work in place: a message of 6 KB must
not need a second buffer. They yield to the loop about every 3 ms of an ESP32-C3.
"""

import asyncio

from ble import codes, framing, hkdf

COUNTER = 4  # bytes before the ciphertext
TAG = 16  # bytes behind it
OVERHEAD = COUNTER + TAG

_KEY = 32
_BLOCK = 16
_PIECE = 256  # bytes of keystream made in one call
_LAST_COUNTER = 0xFFFFFFFF


def aes_ecb(key):
    """The block cipher: an object whose `encrypt(blocks, into)` encrypts whole blocks of 16 bytes each by itself."""
    from cryptolib import aes  # MicroPython only; on the desk another one is handed in

    return aes(key, 1)


class Session:
    """The device's end. Made for one HELLO; the next HELLO and the end of the connection end it."""

    def __init__(self, keys, th, aes=aes_ecb):
        enc_p, mac_p, enc_d, mac_d = (keys[start : start + _KEY] for start in range(0, 4 * _KEY, _KEY))
        self._opener = Opener(enc_p, mac_p, aes)
        self._sealer = Sealer(enc_d, mac_d, aes)
        self.confirm = hkdf.hmac_sha256(mac_d, b"device", th)[:TAG]  # proves to the phone that we know the code
        self.open = self._opener.open
        self.frame = self._sealer.frame

    @property
    def authenticated(self):
        """True once a message of the phone was genuine: it knows the setup code."""
        return self._opener.counter > 0

    @property
    def replayed(self):
        """How many messages were dropped for a counter that is not above the last one."""
        return self._opener.replayed


class Sealer:
    """One direction, the sending end. Send frames in the order they were asked for: the peer drops older ones."""

    def __init__(self, enc, mac, aes=aes_ecb):
        self.counter = 0  # of the last message
        self._mac = mac
        self._cipher = _Ctr(aes(enc))

    async def frame(self, text):
        """A whole frame, ready to send, with the JSON `text` (bytes) sealed in it. Raises Refusal 13 when too long."""
        if len(text) > framing.LARGEST - OVERHEAD:
            raise codes.refuse(codes.TOO_LARGE, "%d bytes, at most %d" % (len(text), framing.LARGEST - OVERHEAD))
        if self.counter == _LAST_COUNTER:
            raise codes.refuse(codes.NOT_AUTHENTICATED, "this session is used up")
        buffer = bytearray(framing.HEADER + OVERHEAD + len(text))
        payload = memoryview(buffer)[framing.HEADER :]
        payload[COUNTER:-TAG] = text
        await self._seal(payload)
        framing.write_header(buffer, framing.SEALED, len(payload), await _crc(payload))
        return buffer

    async def _seal(self, payload):
        # Counted before the first await: two messages with one counter would give away their XOR.
        self.counter += 1
        counter = self.counter
        payload[:COUNTER] = counter.to_bytes(COUNTER, "big")
        await self._cipher.apply(counter, payload[COUNTER:-TAG])
        payload[-TAG:] = hkdf.hmac_sha256(self._mac, payload[:-TAG])[:TAG]


class Opener:
    """One direction, the receiving end. `replayed` counts messages dropped for an old counter."""

    def __init__(self, enc, mac, aes=aes_ecb):
        self.counter = 0  # of the last genuine message
        self.replayed = 0
        self._mac = mac
        self._cipher = _Ctr(aes(enc))

    async def open(self, payload):
        """The JSON in `payload` (memoryview, decrypted in place), or None for a counter not above the last: drop it.

        Raises Refusal 3 when the tag is wrong: another setup code, or forged.
        """
        if len(payload) < OVERHEAD:
            raise codes.refuse(codes.NOT_AUTHENTICATED)
        counter = int.from_bytes(payload[:COUNTER], "big")
        if counter <= self.counter:
            self.replayed += 1
            return None
        if not _same(payload[-TAG:], hkdf.hmac_sha256(self._mac, payload[:-TAG])[:TAG]):
            raise codes.refuse(codes.NOT_AUTHENTICATED)
        self.counter = counter
        text = payload[COUNTER:-TAG]
        await self._cipher.apply(counter, text)
        return text


class _Ctr:
    """AES-256-CTR out of ECB, because the ESP32's cryptolib has no CTR."""

    # Shared by both directions: nothing is awaited between filling and using them.
    _blocks = bytearray(_PIECE)
    _stream = bytearray(_PIECE)

    def __init__(self, cipher):
        self._cipher = cipher

    async def apply(self, counter, data):
        """Encrypt or decrypt `data` (memoryview) in place with the keystream of the message `counter`."""
        for start in range(0, len(data), _PIECE):
            if start:
                await asyncio.sleep(0)
            self._make_stream(counter.to_bytes(COUNTER, "big"), start // _BLOCK)
            _xor(data[start : start + _PIECE], self._stream)

    def _make_stream(self, prefix, index):
        blocks = self._blocks
        for start in range(0, _PIECE, _BLOCK):
            blocks[start : start + COUNTER] = prefix
            # A message has at most 384 blocks: the upper half of the index stays zero.
            blocks[start + _BLOCK - 2] = index >> 8
            blocks[start + _BLOCK - 1] = index & 0xFF
            index += 1
        self._cipher.encrypt(blocks, self._stream)


async def _crc(payload):
    crc = framing.CRC_START
    for piece in framing.chunks(payload, _PIECE):
        await asyncio.sleep(0)
        crc = framing.crc16(piece, crc)
    return crc


def _xor(data, stream):
    for index in range(len(data)):
        data[index] ^= stream[index]


def _same(a, b):
    # Looks at every byte, wherever the first difference is: time must not tell how much of a forged tag was right.
    different = 0
    for index in range(TAG):
        different |= a[index] ^ b[index]
    return different == 0
