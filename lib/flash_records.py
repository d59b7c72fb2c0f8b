"""Records that survive power cuts: each is the old or the new one, never a mixture, and there are two copies of it.

*Main* is the blob in NVS with its rest in a file; *spare* is both in one file. The port erases all of NVS when it finds
it full, and a file can be damaged: neither alone is enough.

To save: 1. write the new rest under a new name, 2. replace the blob in NVS: from here on the record is the new one,
3. remove the old rest, 4. write the new spare, 5. remove the old spare. After a power cut `start` takes the newer whole
copy, mends the other, and removes what is left over. Erasing begins with the spare, so that nothing comes back.
"""

import asyncio

import esp32

import errors
import flash_blobs
from flash_blobs import RECORDS
from flash_files import COPY, REST, Files, storage_error

_NAMESPACE = "awsesp"
_NVS_NOT_FOUND = -4354
_MAX_WARNINGS = 16


class Records:
    """The records in NVS and `folder`. `warnings`: the newest 16 sentences about what was mended or has no copy."""

    def __init__(self, folder):
        self.warnings = []
        self._files = Files(folder, flash_blobs.LARGEST_FILE)
        self._nvs = None
        self._sequences = {}  # of the newest of each record, also of one that was erased since
        self._present = set()
        self._lock = asyncio.Lock()

    async def start(self):
        """Open the storage and mend what a power cut left. Raises `flash_failed` when NVS itself cannot be opened."""
        try:
            self._nvs = esp32.NVS(_NAMESPACE)
        except OSError as problem:
            raise storage_error("opening", "NVS", problem)
        for name in RECORDS:
            self._mend(name)
            await asyncio.sleep_ms(0)
        if "erasing" in self._present:
            await self._finish_erasing()

    def load(self, name):
        """(secret, bulk), or None. Raises `flash_failed` when both copies were damaged since `start`."""
        _check_name(name)
        if name not in self._present:
            return None
        sequence = self._sequences[name]
        found = self._read_main(name)
        if found is None or found[0].sequence != sequence:
            self.warn("%s: its main copy is damaged, the spare one is used" % name)
            found = self._read_spare(name, sequence)
        if found is None:
            raise errors.error("flash_failed", "reading %s" % name, "both copies are damaged")
        blob, rest = found
        return blob.split(rest)

    async def save(self, name, secret, bulk=b""):
        """Replace the record; it is on flash when this returns. Raises `flash_full`, `flash_failed`: the old stays."""
        _check_name(name)
        if len(secret) + len(bulk) > RECORDS[name][1]:
            raise errors.error("flash_full", "%d bytes as %s" % (len(secret) + len(bulk), name))
        async with self._lock:
            sequence = self._sequences.get(name, 0) + 1
            blob, rest = flash_blobs.encode(name, sequence, secret, bulk)
            self._write_main(name, sequence, blob, rest)
            self._sequences[name] = sequence
            self._present.add(name)
            await asyncio.sleep_ms(0)
            self._write_spare(name, sequence, blob, rest)

    async def erase(self, name):
        """Forget the record, if there is one. Raises `flash_failed`: then it may still be there."""
        _check_name(name)
        async with self._lock:
            for sequence in self._files.of(name, COPY):
                self._files.remove(name, sequence, COPY)
            self._erase_blob(name)
            self._present.discard(name)
            self._sweep(name, REST)

    async def erase_all(self, names):
        """Forget all these records: when the power goes meanwhile, the next start does the rest."""
        for name in names:
            _check_name(name)
        await self.save("erasing", ",".join(names).encode())
        await self._finish_erasing()

    async def _finish_erasing(self):
        secret, _ = self.load("erasing")
        for name in secret.decode().split(","):
            if name in RECORDS:
                await self.erase(name)
        await self.erase("erasing")

    # One copy

    def _read_main(self, name):
        """(Blob, rest) as NVS and its file have them; None when they are not whole."""
        blob = self._read_blob(name)
        if blob is None:
            return None
        rest = self._files.read(name, blob.sequence, REST) if blob.rest_size else b""
        return (blob, rest) if rest is not None and blob.has(rest) else None

    def _read_blob(self, name):
        buffer = bytearray(flash_blobs.LARGEST_BLOB)
        try:
            size = self._nvs.get_blob(name, buffer)
        except OSError:  # not there, or larger than any of ours
            return None
        return flash_blobs.decode(name, memoryview(buffer)[:size])

    def _read_spare(self, name, sequence):
        """(Blob, rest) as the file has them; None when they are not whole."""
        data = self._files.read(name, sequence, COPY)
        blob = None if data is None else flash_blobs.decode(name, data)
        if blob is None or blob.sequence != sequence:
            return None
        rest = data[blob.size :]
        return (blob, rest) if blob.has(rest) else None

    def _write_main(self, name, sequence, blob, rest):
        if rest:
            self._files.write(name, sequence, REST, rest)
        try:
            self._nvs.set_blob(name, blob)
            self._nvs.commit()
        except OSError as problem:
            self._files.remove_if_there(name, sequence, REST)
            raise storage_error("writing", name, problem)
        self._sweep(name, REST, sequence)

    def _write_spare(self, name, sequence, blob, rest):
        """The record is safe already: a file system without room for the copy is a warning, no failure."""
        try:
            self._files.write(name, sequence, COPY, blob, rest)
        except errors.StorageError as problem:
            self.warn("%s has no second copy: %s" % (name, problem))
        else:
            self._sweep(name, COPY, sequence)

    def _erase_blob(self, name):
        try:
            self._nvs.erase_key(name)
            self._nvs.commit()
        except OSError as problem:
            if problem.errno != _NVS_NOT_FOUND:
                raise storage_error("erasing", name, problem)

    def _sweep(self, name, kind, wanted=None):
        """Remove the files of a kind but the wanted one. One that stays does no harm, the next start tries again."""
        for sequence in self._files.of(name, kind):
            if sequence != wanted:
                self._files.remove_if_there(name, sequence, kind)

    # Mending

    def _mend(self, name):
        main = self._read_main(name)
        spare = self._newest_spare(name)
        newest = main
        if spare is not None and (main is None or spare[0].sequence > main[0].sequence):
            newest = spare
        if newest is None:
            self._mend_nothing(name)
            return
        sequence = newest[0].sequence
        self._sequences[name] = sequence
        self._present.add(name)
        blob, rest = flash_blobs.encode(name, sequence, *newest[0].split(newest[1]))
        if newest is not main:
            self._mend_main(name, sequence, blob, rest)
        self._sweep(name, REST, sequence)
        if spare is None or spare[0].sequence != sequence:
            self.warn("%s: its spare copy was written again" % name)
            self._write_spare(name, sequence, blob, rest)
        self._sweep(name, COPY, sequence)

    def _newest_spare(self, name):
        for sequence in self._files.of(name, COPY):
            found = self._read_spare(name, sequence)
            if found is not None:
                return found
        return None

    def _mend_main(self, name, sequence, blob, rest):
        try:
            self._write_main(name, sequence, blob, rest)
            self.warn("%s: its main copy was written again" % name)
        except errors.StorageError as problem:
            self.warn("%s: its main copy cannot be written again: %s" % (name, problem))

    def _mend_nothing(self, name):
        """No whole copy. What is in NVS stays: a newer firmware, that an update went back from, could read it."""
        try:
            self._nvs.get_blob(name, bytearray(flash_blobs.LARGEST_BLOB))
        except OSError as problem:
            if problem.errno == _NVS_NOT_FOUND:
                self._sweep(name, REST)
                self._sweep(name, COPY)
                return
        self.warn("%s: no copy of it can be read" % name)

    def warn(self, sentence):
        """Keep a sentence about something that is not as it should be."""
        self.warnings.append(sentence)
        if len(self.warnings) > _MAX_WARNINGS:
            self.warnings.pop(0)


def _check_name(name):
    if name not in RECORDS:
        raise errors.error("not_supported", "The record '%s'" % name)
