"""What flash keeps under which name, how much of it, and in which bytes.

A record is a secret and a bulk, bytes each. It is kept as a *blob*, which goes into NVS, and a *rest*, a file. The blob
names the rest by sequence number, size and checksum, so that both are replaced in one step: when the blob is.

    blob = "aw" | version u8 | 0 | sequence u32 | size of the secret u32 | size of the rest u32 | CRC-32 of the rest u32
         | bytes kept here u16 | these bytes | CRC-32 of the record's name and all before, u32            little-endian
"""

import struct
from binascii import crc32

from micropython import const

# Name: bytes of a secret that still goes into NVS (a longer one goes into the file), most bytes in all.
#
# NVS of an OTA board: 16 KB are four pages of 126 entries of 32 bytes, of which one page stays empty: 378 entries. The
# radio takes about 65 for its calibration and, by dumps of such boards, some 80 for its own settings. A blob takes two
# entries and one for each 32 bytes; an update needs room for the old and the new. A test adds these numbers up.
RECORDS = {
    "settings": (1536, 16384),
    "candidate": (0, 16384),  # in use for minutes: NVS would have no room for both
    "thing": (1280, 8192),  # the key of a certificate that AWS makes is RSA of 2048 bits: 1,218 bytes
    "pending": (0, 8192),
    "claim": (0, 8192),
    "roots": (0, 16384),
    "code": (32, 32),
    "clock": (8, 8),
    "notes": (256, 4096),
    "wanted": (0, 8192),  # settings that a job wants: operations/wanted.py
    "job": (0, 4096),  # what the cloud does not know yet of the job at work: aws/job.py
    "update": (0, 2048),  # the floor of versions, and the update at work: updates.py
    "user": (256, 256),
    "erasing": (128, 128),
}

_MAGIC = b"aw"
_HEAD = "<2sBBIIIIH"
_VERSION = const(1)
_HEAD_SIZE = const(22)
_CRC_SIZE = const(4)
OVERHEAD = _HEAD_SIZE + _CRC_SIZE  # bytes of a blob beside what is kept in it


def encode(name, sequence, secret, bulk):
    """(blob, rest) of a record, buffers both."""
    in_nvs = len(secret) <= RECORDS[name][0]
    kept = secret if in_nvs else b""
    rest = bulk if in_nvs else secret + bulk
    blob = bytearray(OVERHEAD + len(kept))  # in one piece: to put it together of several takes three times the memory
    end = _HEAD_SIZE + len(kept)
    struct.pack_into(_HEAD, blob, 0, _MAGIC, _VERSION, 0, sequence, len(secret), len(rest), crc32(rest), len(kept))
    blob[_HEAD_SIZE:end] = kept
    struct.pack_into("<I", blob, end, _crc(name, memoryview(blob)[:end]))
    return blob, rest


def decode(name, data):
    """(sequence, size of the blob, how its record is shared out) of the blob that `data`, a buffer, begins with.

    None when there is none of this record that is whole. What is shared out is for `join`.
    """
    if len(data) < OVERHEAD:
        return None
    magic, version, _, sequence, secret_size, rest_size, rest_crc, kept_size = struct.unpack_from(_HEAD, data, 0)
    end = _HEAD_SIZE + kept_size
    if magic != _MAGIC or version != _VERSION or len(data) < end + _CRC_SIZE:
        return None
    if struct.unpack_from("<I", data, end)[0] != _crc(name, memoryview(data)[:end]):
        return None
    if rest_size + kept_size > RECORDS[name][1]:
        return None
    return sequence, end + _CRC_SIZE, (secret_size, bytes(data[_HEAD_SIZE:end]), rest_size, rest_crc)


def join(shares, rest):
    """(secret, bulk) of a decoded blob and its rest; None when these are not the bytes of the rest."""
    secret_size, kept, rest_size, rest_crc = shares
    if rest is None or len(rest) != rest_size or crc32(rest) != rest_crc:
        return None
    if len(kept) == secret_size:
        return kept, rest
    return rest[:secret_size], rest[secret_size:]


def _crc(name, data):
    # The name is part of it: what another key or file holds is not taken for this record.
    return crc32(data, crc32(name.encode()))
