"""Storage that survives power cuts: records, the settings file, and the 256 bytes of user data.

`flash_blobs` lists the records, `flash_records` tells how they are kept. The user data is one, too: it lives in memory,
is 0 until it was written for the first time, and goes to flash in the background, so that many small writes become one.
Whenever the power goes, it is old or new as a whole.
"""

import asyncio
import sys
import time

from micropython import const

import errors
import events

SIZE = 256

_BEAT_MS = const(5000)
_RETRY_CAP_MS = const(60000)
_NO_ENTRY = const(2)
_MAX_WARNINGS = const(16)


class Flash:
    """Storage for everybody. `root`: the folder that is "/" on the chip. Emits flash.flushed with the count of writes.

    `write_interval_ms`: how often `run` puts on flash what was written. `warnings`: the newest 16 sentences about what
    was mended or has no copy.
    """

    def __init__(self, bus, root="", write_interval_ms=1000):
        self.warnings = []
        self._folder = root + "/secure"
        self._nvs = None
        self._entries = None  # of the folder, while a start mends what is there
        self._sequences = {}  # of the newest of each record; 0: there is none
        self._lock = asyncio.Lock()
        self.changing = asyncio.Lock()  # for who reads a record, and saves it changed: notes.py
        self._bus = bus
        self._root = root
        self._interval_ms = write_interval_ms
        self._user = bytearray(SIZE)
        self._written = 0  # calls of `write` so far
        self._saved = 0  # of these, how many are on flash

    async def start(self):
        """Open the storage, mend what a power cut left. Raises `flash_failed` when there is no storage at all."""
        try:
            import flash_records

            await flash_records.start(self)
        finally:
            _unload()
        record = self._load_user()
        if record is not None and len(record[0]) == SIZE:
            self._user[:] = record[0]

    def warn(self, sentence):
        """Keep a sentence about something that is not as it should be."""
        self.warnings.append(sentence)
        if len(self.warnings) > _MAX_WARNINGS:
            self.warnings.pop(0)

    # Records

    def load(self, name):
        """(secret, bulk) of a record, bytes both; None when there is none.

        Raises `flash_failed` when both copies were damaged since `start`.
        """
        if not self._sequences.get(name, 1):
            return None
        try:
            import flash_records

            return flash_records.load(self, name)
        finally:
            _unload()

    async def save(self, name, secret, bulk=b""):
        """Replace a record as a whole; it is on flash when this returns.

        Raises `flash_full` or `flash_failed`: then the old one stays.
        """
        await self._lock.acquire()
        try:
            await self._replace(name, secret, bulk)
        finally:
            self._lock.release()

    async def _replace(self, *record):
        try:
            import flash_saving

            await flash_saving.replace(self, *record)
        finally:
            _unload()

    async def erase(self, name):
        """Forget a record, if there is one. Raises `flash_failed`: then it may still be there."""
        await self.erase_all((name,))

    async def erase_all(self, names):
        """Forget records ("user": the user's 256 bytes are 0 again) and folders ("/files", with all that is in it).

        A power cut meanwhile does not stop it.
        """
        await self._lock.acquire()
        try:
            try:
                import flash_records

                await flash_records.erase_all(self, names)
            finally:
                _unload()
        finally:
            self._lock.release()
        if "user" in names:
            self._user[:] = bytes(SIZE)
            self._saved = self._written

    def settings_file(self):
        """/settings.json, open for reading; None when there is none. Raises `flash_failed`."""
        try:
            return open(self._root + "/settings.json", "rb")
        except OSError as problem:
            if problem.errno == _NO_ENTRY:
                return None
            raise errors.error("flash_failed", "reading /settings.json", problem)

    def queue(self, name):
        """A queue of records in files of their own: see flash_queue.py."""
        from flash_queue import Queue

        return Queue("%s/%s" % (self._root, name))

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

    async def flush(self):
        """Wait until all that was written before is on flash. Raises `flash_full`, `flash_failed`."""
        wanted = self._written
        await self._lock.acquire()
        try:
            if self._saved < wanted:
                await self._save_user()
        finally:
            self._lock.release()

    async def _save_user(self):
        written = self._written
        data = bytes(self._user)
        if self._user_on_flash() != data:  # the same again would wear it for nothing
            await self._replace("user", data)
        writes = written - self._saved
        self._saved = written
        self._bus.emit(events.FLASH_FLUSHED, writes=writes)

    def _load_user(self):
        try:
            return self.load("user")
        except errors.StorageError as problem:
            self.warn("the user's data starts from zero: %s" % problem)
            return None

    def _user_on_flash(self):
        try:
            return (self.load("user") or (None,))[0]
        except errors.StorageError:
            return None  # both copies are damaged

    async def run(self, beat):
        """The writer: puts on flash what was written since. Never returns; an owned task.

        When flash refuses, or there is no memory, it tries again, less and less often; `flush` tells whoever waits.
        """
        failures = 0
        while True:
            await _sleep(min(self._interval_ms << failures, _RETRY_CAP_MS), beat)
            if self._saved == self._written:
                continue
            try:
                await self.flush()
                failures = 0
            except (errors.StorageError, MemoryError) as problem:
                failures = min(failures + 1, 16)
                self.warn("the user's data is not on flash: %s" % problem)


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


def _unload():
    # Records are read and written rarely, and the code for either takes some 4 KB.
    for name in ("flash_records", "flash_saving", "flash_files", "flash_blobs", "flash_repair"):
        sys.modules.pop(name, None)
