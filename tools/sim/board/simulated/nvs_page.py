"""One page of Espressif's NVS format, version 2: 4096 bytes of flash with 126 entries of 32 bytes.

Layout and order of the writes are those of ESP-IDF (nvs_page.cpp), so that a power cut between two writes leaves what
it leaves on the chip, and Espressif's own tools can read the image.

    0   header: state u32, sequence u32, version u8, 19 x FF, crc32 u32 over bytes 4..28
    32  two bits per entry: 11 empty, 10 written, 00 erased
    64  entries: namespace u8, type u8, span u8, chunk u8, crc32 u32, key 16, data 8
"""

import binascii
import struct

PAGE_SIZE = 4096
ENTRY_SIZE = 32
ENTRIES = 126
CHUNK_MAX = ENTRY_SIZE * (ENTRIES - 1)

# States only lose bits, as flash does.
EMPTY = 0xFFFFFFFF
ACTIVE = 0xFFFFFFFE
FULL = 0xFFFFFFFC
FREEING = 0xFFFFFFF8
CORRUPT = 0xFFFFFFF0

VERSION = 0xFE

U8 = 0x01
I32 = 0x14
BLOB_DATA = 0x42
BLOB_INDEX = 0x48

_WRITTEN = 2
_ERASED = 0
NO_CHUNK = 0xFF


def crc(data, start=0):
    """As esp_rom_crc32_le(0xffffffff, ...)."""
    return binascii.crc32(data, start or 0xFFFFFFFF)


class Item:
    """An entry as found on a page. `data` is the raw 8 bytes; a chunk's bytes are read by `Page.chunk`."""

    def __init__(self, raw, at):
        self.namespace, self.type, self.span, self.chunk = raw[0], raw[1], raw[2], raw[3]
        self.key = bytes(raw[8:24]).split(b"\0")[0]
        self.data = bytes(raw[24:32])
        self.at = at


def _entry(namespace, kind, span, chunk, key, data):
    raw = bytearray(ENTRY_SIZE)
    struct.pack_into("<BBBB4s16s8s", raw, 0, namespace, kind, span, chunk, b"", key, data)
    struct.pack_into("<I", raw, 4, _entry_crc(raw))
    return raw


def _entry_crc(raw):
    return crc(bytes(raw[8:32]), crc(bytes(raw[0:4])))


class Page:
    """A page and its entries. `flash` has read(offset, buffer), program(offset, data), erase(offset, size)."""

    def __init__(self, flash, base):
        self._flash = flash
        self._base = base
        self.load()

    def load(self):
        """Read the page from flash; entries that a power cut left half written are erased."""
        head = self._read(0, 64)
        self.state, self.sequence = struct.unpack_from("<II", head, 0)
        self.version = head[8]
        if self.state not in (EMPTY, ACTIVE, FULL, FREEING) or (
            self.state != EMPTY and struct.unpack_from("<I", head, 28)[0] != crc(bytes(head[4:28]))
        ):
            self.state = CORRUPT
        if self.state == EMPTY and not _is_erased(self._read(0, PAGE_SIZE)):
            self.state = CORRUPT  # the power went while it was erased
        self.items = []
        self.used = ENTRIES  # the next free entry
        self._bits = bytearray(head[32:64])
        if self.state not in (EMPTY, CORRUPT):
            self._load_entries()
        elif self.state == EMPTY:
            self.used = 0

    def _load_entries(self):
        self.used = 0
        for at in range(ENTRIES):
            if self._bit(at) != 3 or not _is_erased(self._read(64 + at * ENTRY_SIZE, ENTRY_SIZE)):
                self.used = at + 1
        at = 0
        while at < self.used:
            at += self._load_entry(at)

    def _load_entry(self, at):
        if self._bit(at) == _ERASED:
            return 1
        raw = self._read(64 + at * ENTRY_SIZE, ENTRY_SIZE)
        if self._bit(at) == 3 or struct.unpack_from("<I", raw, 4)[0] != _entry_crc(raw):
            self._set_bits(at, 1, _ERASED)
            return 1
        item = Item(raw, at)
        span = item.span if 0 < item.span <= ENTRIES - at else 1
        if self._is_whole(item, span):
            self.items.append(item)
        else:
            self._set_bits(at, span, _ERASED)
            self.used = max(self.used, at + span)
        return span

    def _is_whole(self, item, span):
        if any(self._bit(i) != _WRITTEN for i in range(item.at, item.at + span)):
            return False
        return item.type != BLOB_DATA or crc(self.chunk(item)) == struct.unpack_from("<I", item.data, 4)[0]

    def activate(self, sequence):
        """Begin to use an empty page."""
        head = bytearray(b"\xff" * ENTRY_SIZE)
        struct.pack_into("<IIB", head, 0, ACTIVE, sequence, VERSION)
        struct.pack_into("<I", head, 28, crc(bytes(head[4:28])))
        self._flash.program(self._base, head)
        self.state, self.sequence, self.version = ACTIVE, sequence, VERSION
        self.used = 0

    def mark(self, state):
        """FULL or FREEING."""
        self._flash.program(self._base, struct.pack("<I", state))
        self.state = state

    def erase(self):
        """Back to empty."""
        self._flash.erase(self._base, PAGE_SIZE)
        self.load()

    def room(self):
        """Bytes of a chunk that still fit, its own header entry already taken off."""
        return max(0, ENTRIES - self.used - 1) * ENTRY_SIZE if self.state in (ACTIVE, EMPTY) else 0

    def free(self):
        """Entries that are still empty."""
        return ENTRIES - self.used if self.state in (ACTIVE, EMPTY) else 0

    def wasted(self):
        """Entries that erasing the page would give back."""
        return self.used - sum(item.span for item in self.items) if self.state == FULL else 0

    def write(self, namespace, kind, key, data, chunk=NO_CHUNK):
        """Append an entry with 8 bytes of data, or a chunk with its bytes. The caller has checked that it fits."""
        at = self.used
        if kind != BLOB_DATA:
            raw = _entry(namespace, kind, 1, chunk, key, data + b"\xff" * (8 - len(data)))
            self._append(at, raw)
            self.items.append(Item(raw, at))
            return
        span = 1 + (len(data) + ENTRY_SIZE - 1) // ENTRY_SIZE
        head = struct.pack("<HHI", len(data), 0xFFFF, crc(bytes(data)))
        raw = _entry(namespace, kind, span, chunk, key, head)
        self._append(at, raw)
        whole = len(data) // ENTRY_SIZE * ENTRY_SIZE
        if whole:
            self._append(at + 1, data[:whole])
        if whole < len(data):
            self._append(at + span - 1, bytes(data[whole:]) + b"\xff" * (ENTRY_SIZE - len(data) + whole))
        self.items.append(Item(raw, at))

    def remove(self, item):
        """Mark an item erased."""
        self._set_bits(item.at, item.span, _ERASED)
        self.items.remove(item)

    def chunk(self, item):
        """The bytes of a BLOB_DATA item."""
        size = struct.unpack_from("<H", item.data, 0)[0]
        return bytes(self._read(64 + (item.at + 1) * ENTRY_SIZE, size))

    def read_chunk(self, item, view):
        """Its bytes to the beginning of `view`; returns how many."""
        size = struct.unpack_from("<H", item.data, 0)[0]
        self._flash.read(self._base + 64 + (item.at + 1) * ENTRY_SIZE, view[:size])
        return size

    def copy(self, item, other):
        """Write the same item to another page."""
        data = other.chunk(item) if item.type == BLOB_DATA else item.data
        self.write(item.namespace, item.type, item.key, data, item.chunk)

    def _append(self, at, data):
        self._flash.program(self._base + 64 + at * ENTRY_SIZE, data)
        self._set_bits(at, len(data) // ENTRY_SIZE, _WRITTEN)
        self.used = max(self.used, at + len(data) // ENTRY_SIZE)

    def _bit(self, at):
        return self._bits[at // 4] >> at % 4 * 2 & 3

    def _set_bits(self, at, count, state):
        for i in range(at, at + count):
            self._bits[i // 4] &= ~(3 << i % 4 * 2) | state << i % 4 * 2
        first, last = at // 16 * 4, (at + count - 1) // 16 * 4 + 4
        self._flash.program(self._base + 32 + first, bytes(self._bits[first:last]))

    def _read(self, offset, size):
        buffer = bytearray(size)
        self._flash.read(self._base + offset, buffer)
        return buffer


def _is_erased(raw):
    return all(byte == 0xFF for byte in raw)
