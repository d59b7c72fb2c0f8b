"""Espressif's NVS: namespaces, i32 and blobs on pages of flash, with one page always spare (nvs_storage.cpp,
nvs_pagemanager.cpp).

A blob is its chunks and then an index that names them; the new version is written whole before the old one goes. So a
power cut leaves the old or the new value, and an update needs room for both.
"""

import struct

from simulated.nvs_page import (
    ACTIVE,
    BLOB_DATA,
    BLOB_INDEX,
    CHUNK_MAX,
    CORRUPT,
    EMPTY,
    ENTRY_SIZE,
    FREEING,
    FULL,
    I32,
    NO_CHUNK,
    PAGE_SIZE,
    U8,
    VERSION,
    Page,
)

NOT_FOUND = (0x1102, "ESP_ERR_NVS_NOT_FOUND")
NOT_ENOUGH_SPACE = (0x1105, "ESP_ERR_NVS_NOT_ENOUGH_SPACE")
KEY_TOO_LONG = (0x1109, "ESP_ERR_NVS_KEY_TOO_LONG")
INVALID_LENGTH = (0x110C, "ESP_ERR_NVS_INVALID_LENGTH")
NO_FREE_PAGES = (0x110D, "ESP_ERR_NVS_NO_FREE_PAGES")
VALUE_TOO_LONG = (0x110E, "ESP_ERR_NVS_VALUE_TOO_LONG")
NEW_VERSION_FOUND = (0x1110, "ESP_ERR_NVS_NEW_VERSION_FOUND")

_KEY_MAX = 15
_VERSION_1 = 0x80  # chunks of the two alternating versions of a blob are numbered from 0 and from here


class NvsError(Exception):
    """An esp_err_t: `args` are its number and name."""


class Storage:
    """The partition that fills `flash` (`size` bytes). Making it is nvs_flash_init: it repairs what a power cut left
    and raises NO_FREE_PAGES or NEW_VERSION_FOUND."""

    def __init__(self, flash, size):
        self._pages = [Page(flash, base) for base in range(0, size, PAGE_SIZE)]
        for page in self._pages:
            if page.state not in (EMPTY, CORRUPT) and page.version < VERSION:
                raise NvsError(*NEW_VERSION_FOUND)
        for page in self._pages:
            if page.state == CORRUPT:
                page.erase()
        self._finish_freeing()
        if not any(page.state == EMPTY for page in self._pages):
            raise NvsError(*NO_FREE_PAGES)
        self._current = self._newest() or self._activate_empty()
        self._drop_old_versions()

    def namespace(self, name):
        """Its number; made when it is not there."""
        key = name.encode()
        found = self._find(0, U8, key[:_KEY_MAX])
        if found:
            return found[1].data[0]
        number = 1 + max([item.data[0] for _, item in self._items() if item.namespace == 0] or [0])
        self._write_entry(0, U8, key, bytes([number]))
        return number

    def set_i32(self, namespace, key, value):
        """Replaces, if it is another value."""
        key = key.encode()
        data = struct.pack("<i", value)
        old = self._find(namespace, I32, key[:_KEY_MAX])
        if old and old[1].data[:4] == data:
            return
        self._write_entry(namespace, I32, key, data)
        for page, item in self._older(namespace, I32, key):
            page.remove(item)

    def get_i32(self, namespace, key):
        return struct.unpack_from("<i", self._get(namespace, I32, key)[1].data, 0)[0]

    def set_blob(self, namespace, key, data):
        """Replaces, if it is another value."""
        key = key.encode()
        if len(key) > _KEY_MAX:
            raise NvsError(*KEY_TOO_LONG)
        if len(data) > CHUNK_MAX * (len(self._pages) - 1):
            raise NvsError(*VALUE_TOO_LONG)
        old = self._find(namespace, BLOB_INDEX, key)
        if old and self._blob(namespace, key, old[1]) == bytes(data):
            return
        start = 0
        if old:
            start = 0 if old[1].data[5] == _VERSION_1 else _VERSION_1
        self._write_blob(namespace, key, bytes(data), start)
        for page, index in self._older(namespace, BLOB_INDEX, key):
            self._remove_blob(page, index)

    def get_blob(self, namespace, key):
        """Its bytes."""
        _, index = self._get(namespace, BLOB_INDEX, key)
        return self._blob(namespace, index.key, index)

    def read_blob(self, namespace, key, buffer):
        """Its bytes into `buffer`, if they fit, without a copy in the heap; returns how many there are."""
        _, index = self._get(namespace, BLOB_INDEX, key)
        size, view = struct.unpack_from("<I", index.data, 0)[0], memoryview(buffer)
        if size <= len(buffer):
            for page, item in self._chunks(namespace, index.key, index):
                view = view[page.read_chunk(item, view) :]
        return size

    def erase(self, namespace, key):
        """Forget a key, whatever its type."""
        key = key.encode()[:_KEY_MAX]
        for page, item in self._items():
            if item.namespace == namespace and item.key == key and item.type != BLOB_DATA:
                if item.type == BLOB_INDEX:
                    self._remove_blob(page, item)
                else:
                    page.remove(item)
                return
        raise NvsError(*NOT_FOUND)

    def used_entries(self):
        """(entries that hold something, entries a partition of this size can ever hold)."""
        used = sum(item.span for _, item in self._items())
        return used, (len(self._pages) - 1) * (CHUNK_MAX // ENTRY_SIZE + 1)

    def _items(self):
        return [(page, item) for page in self._pages for item in page.items]

    def _find(self, namespace, kind, key, chunk=None):
        for page, item in self._items():
            if item.namespace == namespace and item.type == kind and item.key == key:
                if chunk is None or item.chunk == chunk:
                    return page, item
        return None

    def _get(self, namespace, kind, key):
        found = self._find(namespace, kind, key.encode()[:_KEY_MAX])
        if not found:
            raise NvsError(*NOT_FOUND)
        return found

    def _chunks(self, namespace, key, index):
        _, count, start = struct.unpack_from("<IBB", index.data, 0)
        return [self._find(namespace, BLOB_DATA, key, start + i) for i in range(count)]

    def _blob(self, namespace, key, index):
        return b"".join(page.chunk(item) for page, item in self._chunks(namespace, key, index))

    def _write_entry(self, namespace, kind, key, data):
        if len(key) > _KEY_MAX:
            raise NvsError(*KEY_TOO_LONG)
        if not self._current.free():
            self._turn_page()
        if not self._current.free():
            raise NvsError(*NOT_ENOUGH_SPACE)
        self._current.write(namespace, kind, key, data)

    def _write_blob(self, namespace, key, data, start):
        count = 0
        try:
            offset = 0
            while offset < len(data) or not count:
                size = self._room_for_chunk(len(data) - offset, count)
                self._current.write(namespace, BLOB_DATA, key, data[offset : offset + size], start + count)
                count += 1
                offset += size
            self._write_entry(namespace, BLOB_INDEX, key, struct.pack("<IBB", len(data), count, start))
        except NvsError:
            for i in range(count):
                page, item = self._find(namespace, BLOB_DATA, key, start + i)
                page.remove(item)
            raise

    def _room_for_chunk(self, left, count):
        """Bytes of the next chunk; begins a new page where the current one has too little left."""
        room = self._current.room()
        if room < left and (count or room < CHUNK_MAX // 10):
            self._turn_page()
            room = self._current.room()
        if not room:
            raise NvsError(*NOT_ENOUGH_SPACE)
        return min(left, room)

    def _older(self, namespace, kind, key):
        """What the newest entry of this key replaces. Found anew: writing may have moved it to another page."""
        found = []
        for page, item in self._items():
            if item.namespace == namespace and item.type == kind and item.key == key:
                found.append((page.sequence, item.at, page, item))
        found.sort(key=lambda entry: entry[:2])
        return [entry[2:] for entry in found[:-1]]

    def _remove_blob(self, page, index):
        # The index goes first: chunks without one are swept away at the next start.
        chunks = self._chunks(index.namespace, index.key, index)
        page.remove(index)
        for page, item in chunks:
            page.remove(item)

    def _turn_page(self):
        """The current page is full: take an empty one, or make one by moving what is left on the emptiest page.

        As in ESP-IDF, a power cut between the first two writes of that move leaves no empty page: then the port
        erases all of NVS at the next start.
        """
        if self._current.state == ACTIVE:
            self._current.mark(FULL)
        if sum(page.state == EMPTY for page in self._pages) >= 2:
            self._current = self._activate_empty()
            return
        victim = max(self._pages, key=lambda page: page.wasted())
        if not victim.wasted():
            raise NvsError(*NOT_ENOUGH_SPACE)
        self._current = self._activate_empty()
        victim.mark(FREEING)
        self._move(victim)

    def _move(self, victim):
        for item in list(victim.items):
            self._current.copy(item, victim)
        victim.erase()

    def _activate_empty(self):
        for page in self._pages:
            if page.state == EMPTY:
                page.activate(1 + max([p.sequence for p in self._pages if p.state not in (EMPTY, CORRUPT)] or [-1]))
                return page
        raise NvsError(*NO_FREE_PAGES)

    def _newest(self):
        # A full page stays the current one until something has to be written.
        pages = [page for page in self._pages if page.state in (ACTIVE, FULL)]
        return max(pages, key=lambda page: page.sequence) if pages else None

    def _finish_freeing(self):
        """The power went while a page was moved: move it again, to the page that had been begun."""
        for victim in self._pages:
            if victim.state != FREEING:
                continue
            begun = self._newest()
            if begun and begun.state == ACTIVE:
                begun.erase()
            self._current = self._activate_empty()
            self._move(victim)

    def _drop_old_versions(self):
        """The power went between the new value and the end of the old one, or in the middle of a blob."""
        seen = {}
        for page in sorted(self._pages, key=lambda page: page.sequence if page.state != EMPTY else -1):
            for item in list(page.items):
                if item.type == BLOB_DATA:
                    continue
                name = (item.namespace, item.type, item.key)
                if name in seen:
                    old_page, old = seen[name]
                    old_page.remove(old)
                seen[name] = (page, item)
        self._drop_orphans(seen)

    def _drop_orphans(self, seen):
        needed = set()
        for (namespace, kind, key), (page, index) in seen.items():
            if kind != BLOB_INDEX:
                continue
            chunks = self._chunks(namespace, key, index)
            if all(chunks):
                needed.update(id(item) for _, item in chunks)
            else:
                page.remove(index)
        for page, item in self._items():
            if item.type == BLOB_DATA and id(item) not in needed:
                page.remove(item)


__all__ = ("NO_CHUNK", "NvsError", "Storage")
