"""A queue on flash: records of any length, first in, first out, each in a file of its own.

What was appended is on flash when `append` returns, and survives power cuts; what was cut off while it was written, or
damaged, reads as None. A file is `<folder>/<number>`: CRC-32 of the record, u32 little-endian, and the record; the CRC
begins with the number instead of 0, so that an empty file is no empty record.
"""

import os
import sys
from binascii import crc32

_CRC_SIZE = 4
_STAT_SIZE = 6


class Queue:
    """The queue in `folder`, as the last start left it. `first` is the number of the oldest record."""

    def __init__(self, folder):
        self._folder = folder
        self.first = self._next = 1
        self.size = 0  # bytes of all records
        self._look()

    def __len__(self):
        return self._next - self.first

    def append(self, record):
        """Put a record (bytes) behind the others. Raises `flash_full`, `flash_failed`: then it is not there."""
        path = self._path(self._next)
        try:
            if not len(self):
                self._make_folder()
            with open(path, "wb") as file:
                file.write(crc32(record, self._next).to_bytes(_CRC_SIZE, "little"))
                file.write(record)
            if hasattr(os, "sync"):
                os.sync()
        except OSError as problem:
            self._remove(path)
            raise _error("writing", self._folder, problem)
        self._next += 1
        self.size += len(record)

    def read(self, number):
        """The record with this number; None when it is damaged."""
        try:
            with open(self._path(number), "rb") as file:
                crc = int.from_bytes(file.read(_CRC_SIZE), "little")
                record = file.read()
        except OSError:
            return None
        return record if crc32(record, number) == crc else None

    def drop(self, number):
        """Forget the records up to this number, which included."""
        while self.first <= number and len(self):
            self.size -= self._size(self.first)
            self._remove(self._path(self.first))
            self.first += 1
        if not len(self):
            self.size = 0  # of files that were erased meanwhile nobody knows the size: room is made by dropping

    def clear(self):
        """Forget all of it."""
        self.drop(self._next - 1)

    def _path(self, number):
        return "%s/%d" % (self._folder, number)

    def _look(self):
        # The sizes come with the names: to ask for each would have a thousand records looked through a thousand times.
        numbers = []
        try:
            for entry in os.ilistdir(self._folder):
                if entry[0].isdigit():
                    numbers.append(int(entry[0]))
                    self.size += max(entry[3] - _CRC_SIZE, 0)
        except OSError:
            pass  # no folder yet
        if numbers:
            self.first, self._next = min(numbers), max(numbers) + 1

    def _make_folder(self):
        try:
            os.mkdir(self._folder)
        except OSError:
            pass  # it is there; or opening a file in it will tell

    def _size(self, number):
        try:
            return max(os.stat(self._path(number))[_STAT_SIZE] - _CRC_SIZE, 0)
        except OSError:
            return 0

    @staticmethod
    def _remove(path):
        try:
            os.remove(path)
        except OSError:
            pass  # not there; or it stays, and is sent again after the next start


def _error(*details):
    try:
        from flash_files import storage_error

        return storage_error(*details)
    finally:
        for name in ("flash_files", "flash_blobs"):
            sys.modules.pop(name, None)
