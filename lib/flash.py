"""Remembers things through power cuts: records, the settings file, and the user's 256 bytes.

What is a record, and how it is kept: `flash_blobs` and `flash_records`. The user's bytes are one, too; they live in
memory, are 0 until they were written for the first time, and go to flash in the background: many small writes become
one. They are old or new as a whole, whatever moment the power goes.
"""

import asyncio
import os
import time

import errors
import events
from flash_records import Records

SIZE = 256

_BEAT_MS = 5000
_RETRY_CAP_MS = 60000
_LARGEST_SETTINGS = 65537  # one byte more than settings allow: they say that it is too large
_NO_ENTRY = 2
_STAT_SIZE = 6


class Flash:
    """Storage for everybody. `root`: the folder that is "/" on the chip. Emits flash.flushed with the count of writes.

    `write_interval_ms`: how long `run` gathers writes before it puts them on flash.
    """

    def __init__(self, bus, root="", write_interval_ms=1000):
        self._bus = bus
        self._root = root
        self._interval_ms = write_interval_ms
        self._records = Records(root + "/secure")
        self._user = bytearray(SIZE)
        self._on_flash = bytes(SIZE)
        self._written = 0  # calls of `write` so far
        self._saved = 0  # of these, how many are on flash
        self._changed = asyncio.Event()
        self._lock = asyncio.Lock()

    @property
    def warnings(self):
        """Sentences about copies that were mended or could not be written; the newest 16. Nothing secret in them."""
        return self._records.warnings

    async def start(self):
        """Open the storage, mend what a power cut left. Raises `flash_failed` when there is no storage at all."""
        await self._records.start()
        try:
            record = self._records.load("user")
        except errors.StorageError as problem:
            self._records.warn("the user's data begins anew: %s" % problem)
            record = None
        if record is not None and len(record[0]) == SIZE:
            self._on_flash = record[0]
            self._user[:] = record[0]

    def settings_file(self):
        """The bytes of /settings.json, None when there is none. Raises `flash_failed`."""
        path = self._root + "/settings.json"
        try:
            # Of the size it has: read(n) takes n bytes of memory first, and only then looks how many there are.
            size = os.stat(path)[_STAT_SIZE]
            with open(path, "rb") as file:
                return file.read(min(size, _LARGEST_SETTINGS))
        except OSError as problem:
            if problem.errno == _NO_ENTRY:
                return None
            raise errors.error("flash_failed", "reading /settings.json", problem)

    def load(self, name):
        """(secret, bulk) of a record, bytes both; None when there is none. Raises `flash_failed`."""
        return self._records.load(name)

    async def save(self, name, secret, bulk=b""):
        """Replace a record as a whole; it is on flash when this returns.

        Raises `flash_full` or `flash_failed`: then the old one stays.
        """
        await self._records.save(name, secret, bulk)

    async def erase(self, name):
        """Forget a record, if there is one. Raises `flash_failed`."""
        if name == "user":
            await self.erase_all((name,))
        else:
            await self._records.erase(name)

    async def erase_all(self, names):
        """Forget records ("user": the user's 256 bytes are 0 again). A power cut meanwhile does not stop it."""
        async with self._lock:
            await self._records.erase_all(names)
            if "user" in names:
                self._user[:] = self._on_flash = bytes(SIZE)
                self._saved = self._written

    # The user's data

    def read(self, offset, n):
        """`n` bytes of the user's data from `offset`, as last written. Raises `out_of_range`."""
        _check_range(offset, n)
        return bytes(memoryview(self._user)[offset : offset + n])

    async def write(self, offset, data):
        """Change the user's data: at once in memory, soon on flash; see `flush`. Raises `out_of_range`."""
        _check_range(offset, len(data))
        self._user[offset : offset + len(data)] = data
        self._written += 1
        self._changed.set()

    async def flush(self):
        """Wait until all that was written before is on flash. Raises `flash_full`, `flash_failed`."""
        wanted = self._written
        async with self._lock:
            if self._saved < wanted:
                await self._save_user()

    async def _save_user(self):
        data, written = bytes(self._user), self._written
        if data != self._on_flash:
            await self._records.save("user", data)
            self._on_flash = data
        writes = written - self._saved
        self._saved = written
        self._bus.emit(events.FLASH_FLUSHED, writes=writes)

    async def run(self, beat):
        """The writer: puts changes on flash, some time after the first. Never returns; an owned task.

        When flash refuses, it tries again, less and less often; `flush` tells whoever waits.
        """
        failures = 0
        while True:
            beat()
            await self._until_changed()
            if self._saved == self._written:
                continue
            await _sleep(min(self._interval_ms << failures, _RETRY_CAP_MS), beat)
            try:
                await self.flush()
                failures = 0
            except errors.StorageError as problem:
                failures = min(failures + 1, 16)
                self._records.warn("the user's data is not on flash: %s" % problem)

    async def _until_changed(self):
        if self._saved < self._written:
            return
        self._changed.clear()
        try:
            await asyncio.wait_for_ms(self._changed.wait(), _BEAT_MS)
        except asyncio.TimeoutError:
            pass  # only to give a sign of life


async def _sleep(wait_ms, beat):
    end_ms = time.ticks_add(time.ticks_ms(), wait_ms)
    while True:
        left_ms = time.ticks_diff(end_ms, time.ticks_ms())
        if left_ms <= 0:
            return
        await asyncio.sleep_ms(min(left_ms, _BEAT_MS))
        beat()


def _check_range(offset, n):
    if offset < 0 or n < 0 or offset + n > SIZE:
        raise errors.error("out_of_range", offset, n)
