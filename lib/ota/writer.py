"""Writes an image into a partition, a sector of 4096 bytes at a time, and reads back what it wrote.

The hash is made on the way, while the network brings the next sector. A sector that holds the right bytes already is
left as it is: a download that begins anew after a power cut does not wear the flash. Each sector blocks the loop for as
long as the chip takes to erase and write it, about 50 ms.
"""

import asyncio
import hashlib

from micropython import const

import errors

SECTOR = const(4096)
_CHUNK = const(1024)


class Writer:
    """For an image of `size` bytes. The next sector is gathered in `buffer`, a bytearray that is cut to the size of one
    (None: a new one); `at` bytes of the image are on flash."""

    def __init__(self, partition, size, buffer=None):
        self.size = size
        self.at = 0
        self.buffer = buffer or bytearray(SECTOR)
        self.buffer[SECTOR:] = b""
        self.partition = partition
        self._hash = hashlib.sha256()  # of what is before `at`; None when an earlier start has written that
        self._is_known = True  # what the flash holds, as far as `at`, was there before
        self._chunk = bytearray(_CHUNK)
        self.view = view = memoryview(self.buffer)
        self._parts = [view[at : at + _CHUNK] for at in range(0, SECTOR, _CHUNK)]

    def wanted(self):
        """How many bytes of `buffer` the next `put` takes: a sector, or what is left; 0 when all is written."""
        return min(SECTOR, self.size - self.at)

    def put(self, count):
        """Write the `count` bytes that are in `buffer`, as many as were wanted. Raises `flash_failed`."""
        block = self.at // SECTOR
        for at in range(count, SECTOR):
            self.buffer[at] = 0xFF
        try:
            # Behind the first sector that is another one, all are.
            self._is_known = self._is_known and self._is_there(block)
            if not self._is_known:
                self.partition.writeblocks(block, self.buffer)
                if not self._is_there(block):
                    raise errors.error("flash_failed", "the image", "it reads back differently at byte %d" % self.at)
        except OSError as problem:
            raise errors.error("flash_failed", "writing the image", problem.args[-1])
        if self._hash is not None:
            self._hash.update(self.view[:count])  # which is what the flash holds, as was just seen
        self.at += count

    def _is_there(self, block):
        offset, chunk, read = 0, self._chunk, self.partition.readblocks
        for part in self._parts:
            read(block, chunk, offset)
            if part != chunk:
                return False
            offset += _CHUNK
        return True

    def go_on(self, at):
        """Begin at byte `at`, rounded down to a sector: what is before it was written by an earlier start."""
        self.at = min(at, self.size) // SECTOR * SECTOR
        self._hash = None if self.at else hashlib.sha256()
        self._is_known = True

    async def digest(self):
        """SHA-256 of the image as the flash has it. Raises `flash_failed`."""
        if self._hash is not None:
            return self._hash.digest()
        total = hashlib.sha256()
        for at in range(0, self.size, SECTOR):
            try:
                self.partition.readblocks(at // SECTOR, self.buffer)
            except OSError as problem:
                raise errors.error("flash_failed", "reading the image", problem.args[-1])
            total.update(self.view[: min(SECTOR, self.size - at)])
            await asyncio.sleep_ms(0)
        return total.digest()
