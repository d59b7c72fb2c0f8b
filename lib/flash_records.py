"""Records that survive power cuts: each is the old or the new one, never a mixture, and there are two copies of it.

*Main* is the blob in NVS with its rest in a file; *spare* is both in one file. The port erases all of NVS when it finds
it full, and a file can be damaged: neither alone is enough. The files are `/secure/<record>.<sequence>.<kind>`, kind
`rest` or `copy`; others in the folder are left alone.

To save: 1. write the new rest under a new name, 2. replace the blob in NVS: from here on the record is the new one,
3. remove the old rest, 4. write the new spare, 5. remove the old spare. After a power cut `start` takes the newer whole
copy, mends the other, and removes what is left over. Erasing begins with the spare, so that nothing comes back. What
mends and erases is in `flash_mending`, which is imported when it is needed.
"""

import asyncio
import os
import sys

import esp32
from micropython import const

import errors
import flash_blobs
from flash_blobs import RECORDS

REST = "rest"
COPY = "copy"

_NAMESPACE = "awsesp"
_MAX_WARNINGS = const(16)
_NO_SPACE = const(28)
_NVS_FULL = (-4357, -4365)  # ESP_ERR_NVS_NOT_ENOUGH_SPACE, ESP_ERR_NVS_NO_FREE_PAGES
_STAT_SIZE = const(6)
_LONGEST_SEQUENCE = const(10)


class Records:
    """The records in NVS and `folder`. `warnings`: the newest 16 sentences about what was mended or has no copy."""

    def __init__(self, folder):
        self.warnings = []
        self._folder = folder
        self._nvs = None
        self._sequences = {}  # of the newest of each record; negative: it was erased since
        self._lock = asyncio.Lock()

    async def start(self):
        """Open the storage and mend what a power cut left. Raises `flash_failed` when NVS itself cannot be opened."""
        try:
            self._nvs = esp32.NVS(_NAMESPACE)
        except OSError as problem:
            raise storage_error("opening", "NVS", problem)
        try:
            import flash_mending

            await flash_mending.start(self)
        finally:
            _let_go()

    def load(self, name):
        """(secret, bulk) of a record, bytes both; None when there is none.

        Raises `flash_failed` when both copies were damaged since `start`.
        """
        _check_name(name)
        sequence = self._sequences.get(name, 0)
        if sequence <= 0:
            return None
        found, data = self._read_main(name)
        if found != sequence:
            self.warn("%s: its main copy is damaged, the spare one is used" % name)
            try:
                import flash_mending

                found, data = flash_mending.read_spare(self, name, sequence)
            finally:
                _let_go()
        if not found:
            raise errors.error("flash_failed", "reading %s" % name, "both copies are damaged")
        return data

    async def save(self, name, secret, bulk=b""):
        """Replace a record as a whole; it is on flash when this returns.

        Raises `flash_full` or `flash_failed`: then the old one stays.
        """
        async with self._lock:
            await self._replace(name, secret, bulk)

    async def erase(self, name):
        """Forget a record, if there is one. Raises `flash_failed`: then it may still be there."""
        await self._erase("erase", name)

    async def erase_all(self, names):
        """Forget all these records, and folders beside ours: "/files". When the power goes meanwhile, the next start
        does the rest."""
        await self._erase("erase_all", *names)

    async def _erase(self, how, *names):
        for name in names:
            if name[0] != "/":
                _check_name(name)
        async with self._lock:
            try:
                import flash_mending

                await getattr(flash_mending, how)(self, *names)
            finally:
                _let_go()

    async def _replace(self, name, secret, bulk=b""):
        """As `save`, for who holds the lock."""
        _check_name(name)
        if len(secret) + len(bulk) > RECORDS[name][1]:
            raise errors.error("flash_full", "%d bytes as %s" % (len(secret) + len(bulk), name))
        sequence = abs(self._sequences.get(name, 0)) + 1
        blob, rest = flash_blobs.encode(name, sequence, secret, bulk)
        self._write_main(name, sequence, blob, rest)
        self._sequences[name] = sequence
        await asyncio.sleep_ms(0)
        self._write_spare(name, sequence, blob, rest)

    def _read_main(self, name):
        """(sequence, (secret, bulk)) as NVS and its file have them; (0, None) when they are not whole."""
        buffer = bytearray(flash_blobs.OVERHEAD + RECORDS[name][0])
        try:
            size = self._nvs.get_blob(name, buffer)
        except OSError:  # not there, or larger than any of ours
            return 0, None
        found = flash_blobs.decode(name, memoryview(buffer)[:size])
        if found is None:
            return 0, None
        sequence, _, shares = found
        data = flash_blobs.join(shares, b"") or flash_blobs.join(shares, self._read(name, sequence, REST))
        return (sequence, data) if data else (0, None)

    def _write_main(self, name, sequence, blob, rest):
        if rest:
            self._write(name, sequence, REST, rest)
        try:
            self._nvs.set_blob(name, blob)
            self._nvs.commit()
        except OSError as problem:
            self._remove(name, sequence, REST)
            raise storage_error("writing", name, problem)
        self._sweep(name, REST, sequence)

    def _write_spare(self, name, sequence, blob, rest):
        """The record is safe already: a file system without room for the copy is a warning, no failure."""
        try:
            self._write(name, sequence, COPY, blob, rest)
        except errors.StorageError as problem:
            self.warn("%s has no second copy: %s" % (name, problem))
        else:
            self._sweep(name, COPY, sequence)

    def _sweep(self, name, kind, wanted=None):
        """Remove the files of a kind but the wanted one. One that stays does no harm, the next start tries again."""
        for sequence in self._files(name, kind):
            if sequence != wanted:
                self._remove(name, sequence, kind)

    def warn(self, sentence):
        """Keep a sentence about something that is not as it should be."""
        self.warnings.append(sentence)
        if len(self.warnings) > _MAX_WARNINGS:
            self.warnings.pop(0)

    # Files

    def _path(self, name, sequence, kind):
        return "%s/%s.%d.%s" % (self._folder, name, sequence, kind)

    def _files(self, name, kind):
        """The sequence numbers of a record's files of this kind, newest first."""
        try:
            files = os.listdir(self._folder)
        except OSError:
            return []
        found = []
        for file in files:
            parts = file.split(".")
            if len(parts) != 3 or parts[0] != name or parts[2] != kind:
                continue
            if len(parts[1]) <= _LONGEST_SEQUENCE and parts[1].isdigit() and parts[1][0] != "0":
                found.append(int(parts[1]))
        return sorted(found, reverse=True)

    def _read(self, name, sequence, kind):
        """The bytes of a file; None when it is not there, cannot be read or is too large to be ours."""
        path = self._path(name, sequence, kind)
        try:
            # Of the size it has: read(n) takes n bytes of memory first, and only then looks how many there are.
            size = os.stat(path)[_STAT_SIZE]
            if size > flash_blobs.OVERHEAD + RECORDS[name][1]:
                return None
            with open(path, "rb") as file:
                return file.read(size)
        except OSError:
            return None

    def _write(self, name, sequence, kind, *parts):
        """Write a file; it is on flash when this returns. Raises `flash_full` or `flash_failed`, without a trace."""
        try:
            with open(self._path(name, sequence, kind), "wb") as file:
                for part in parts:
                    file.write(part)
            if hasattr(os, "sync"):
                os.sync()
        except OSError as problem:
            self._remove(name, sequence, kind)
            raise storage_error("writing", name, problem)

    def _remove(self, name, sequence, kind):
        """Remove a file that may not be there, or be removed by a later start."""
        try:
            os.remove(self._path(name, sequence, kind))
        except OSError:
            pass


def storage_error(doing, name, problem):
    """The StorageError for an OSError of NVS or of a file system."""
    if problem.errno == _NO_SPACE or problem.errno in _NVS_FULL:
        return errors.error("flash_full", name)
    return errors.error("flash_failed", "%s %s" % (doing, name), problem)


def _check_name(name):
    if name not in RECORDS:
        raise errors.error("not_supported", "The record '%s'" % name)


def _let_go():
    sys.modules.pop("flash_mending", None)  # gives its memory back
