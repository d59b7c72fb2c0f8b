"""A firmware image in Espressif's format: header, segments, checksum, SHA-256 (esp_image_format.c, esp_app_desc.h).

    0    E9, number of segments, ..., chip id u16 at 12, "a hash is appended" at 23
    24   each segment: load address u32, length u32, data. The first one begins with the description of the
         application (256 bytes from ABCD5432), which carries the version
         then zeros, and as the last byte of a block of 16 the xor of all data and EF
         then the SHA-256 of everything before it

So `esptool image_info` reads it. What no chip has: a segment at FROZEN holds a zip of the modules that are frozen into
the image. Pure; CPython, too.
"""

import hashlib
import struct

CHIP_ESP32 = 0
DATA, FROZEN, FILLER = 0x3F400020, 0x400D0020, 0x3F800000  # load addresses, which say what a segment is

_MAGIC = 0xE9
_HEADER = 24
_SEGMENT = 8
_SEGMENTS_MAX = 16
_CHECKSUM = 0xEF
_HASH = 32
_DESCRIPTION = 0xABCD5432
_DESCRIPTION_BYTES = 256
_VERSION_AT, _VERSION_BYTES = 16, 32
_CHUNK = 4096


class Invalid(Exception):
    """Not an image that starts; the message says why, as the bootloader would on its console."""


def build(version, frozen=b"", filler=b""):
    """The bytes of an image. `frozen` is a zip, `filler` anything that makes it larger."""
    parts = [(DATA, _description(version))]
    if frozen:
        parts.append((FROZEN, frozen))
    if filler:
        parts.append((FILLER, filler))
    body = b"".join([struct.pack("<II", address, len(_even(data))) + _even(data) for address, data in parts])
    image = _header(len(parts)) + body
    checksum = _CHECKSUM
    for _, data in parts:
        checksum ^= _xor(data)
    image += bytes(15 - len(image) % 16) + bytes([checksum])
    return image + hashlib.sha256(image).digest()


def overhead(segments):
    """Bytes of an image beside the data of its segments, before padding to 16."""
    return _HEADER + segments * _SEGMENT + _DESCRIPTION_BYTES + 1 + _HASH


class Image:
    """An image that was checked from its first to its last byte.

    `piece.read(offset, buffer)` reads the partition of `size` bytes; `chip` None: for any. Raises Invalid.
    """

    def __init__(self, piece, size, chip=CHIP_ESP32):
        self._piece = piece
        self._size = size
        self._hash = hashlib.sha256()
        self._at = 0
        self.segments = []  # (load address, offset, length)
        header = self._take(_HEADER)
        if header[0] != _MAGIC:
            raise Invalid("invalid magic byte %02x (nothing flashed here?)" % header[0])
        if chip is not None and struct.unpack("<H", header[12:14])[0] != chip:
            raise Invalid("mismatch chip ID, expected %d" % chip)
        if not 1 <= header[1] <= _SEGMENTS_MAX:
            raise Invalid("segment count %d exceeds max %d" % (header[1], _SEGMENTS_MAX))
        checksum = _CHECKSUM
        for _ in range(header[1]):
            checksum ^= self._segment()
        self._check_end(checksum, header[23])
        self.length = self._at
        self.version = self._version()

    def _take(self, size):
        if self._at + size > self._size:
            raise Invalid("image length exceeds the partition's %d bytes" % self._size)
        buffer = bytearray(size)
        self._piece.read(self._at, buffer)
        self._hash.update(buffer)
        self._at += size
        return buffer

    def _segment(self):
        address, length = struct.unpack("<II", self._take(_SEGMENT))
        if length % 4 or length > self._size:
            raise Invalid("segment %d: length %d" % (len(self.segments), length))
        self.segments.append((address, self._at, length))
        checksum = 0
        while length:
            chunk = self._take(min(length, _CHUNK))
            checksum ^= _xor(chunk)
            length -= len(chunk)
        return checksum

    def _check_end(self, checksum, hashed):
        tail = self._take(16 - self._at % 16)
        if tail[-1] != checksum:
            raise Invalid("checksum failed: calculated %02x, read %02x" % (checksum, tail[-1]))
        if hashed:
            digest, self._hash = self._hash.digest(), hashlib.sha256()
            if bytes(self._take(_HASH)) != digest:
                raise Invalid("hash mismatch: image is corrupted")

    def _version(self):
        _, offset, length = self.segments[0]
        buffer = bytearray(min(length, _DESCRIPTION_BYTES))
        self._piece.read(offset, buffer)
        if length < _DESCRIPTION_BYTES or struct.unpack("<I", buffer[:4])[0] != _DESCRIPTION:
            return None
        return bytes(buffer[_VERSION_AT : _VERSION_AT + _VERSION_BYTES]).split(b"\0")[0].decode()

    def frozen(self):
        """The zip of the frozen modules; b"" when it has none."""
        for address, offset, length in self.segments:
            if address == FROZEN:
                data = bytearray(length)
                self._piece.read(offset, data)
                return bytes(data)
        return b""


def _header(segments):
    fixed = struct.pack("<BBBBI", _MAGIC, segments, 2, 0x20, 0x40080000)
    return fixed + b"\xee\0\0\0" + struct.pack("<H", CHIP_ESP32) + bytes(9) + b"\x01"


def _description(version):
    text = version.encode()
    if len(text) >= _VERSION_BYTES:
        raise ValueError("version %r: at most %d bytes" % (version, _VERSION_BYTES - 1))
    head = struct.pack("<IIII", _DESCRIPTION, 0, 0, 0) + text + bytes(_VERSION_BYTES - len(text))
    return head + bytes(_DESCRIPTION_BYTES - len(head))


def _even(data):
    return data + bytes(-len(data) % 4)


def _xor(data):
    # By halves: 1.5 MB are folded in milliseconds, where a loop over bytes takes a second.
    size = 1
    while size < len(data):
        size *= 2
    word = int.from_bytes(data, "little")
    while size > 1:
        size //= 2
        word = (word >> (8 * size)) ^ (word & ((1 << (8 * size)) - 1))
    return word
