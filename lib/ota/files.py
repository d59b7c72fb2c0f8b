"""Downloads a file by https into the file system: whole and checked, or not at all. Loaded for a job."""

import os
from binascii import hexlify
from hashlib import sha256

import errors

from .https import Answer

_BUFFER = 4096
_NO_SPACE = 28
_EXISTS = 17
_HALF = ".part"  # of the name, until it is whole
_STEPS = 10  # how often its progress is told


class Download:
    """`connect`: see https.py; `root`: the folder that is "/" on the chip."""

    def __init__(self, connect, root, timeouts):
        self._connect = connect
        self._root = root
        self._stall_ms = int(timeouts.stall_s * 1000)

    async def fetch(self, url, path, limit, digest, progress):
        """Download `url` to `path`, in place of what is there; returns its bytes.

        `limit`: bytes at most; `digest`: its SHA-256 in hexadecimal, or None; `progress(percent)`: a coroutine
        function. Errors: `download_failed`, `link_expired` and those of a connection, which may pass;
        `download_refused`, `flash_full`, `flash_failed`, which do not. What was there stays, then.
        """
        buffer = bytearray(_BUFFER)
        answer = Answer(self._connect, buffer, self._stall_ms)
        half = self._root + path + _HALF
        try:
            await answer.open(url)
            if answer.total > limit:
                raise errors.error("download_refused", "%d bytes, limits.download is %d" % (answer.total, limit))
            self._make_folders(path)
            with open(half, "wb") as file:
                await _take(answer, buffer, file, progress)
            if digest is not None and _digest(half, buffer) != digest:
                raise errors.error("download_refused", "its SHA-256 is another one")
            os.rename(half, self._root + path)
            if hasattr(os, "sync"):
                os.sync()
            return answer.total
        except OSError as problem:
            if problem.errno == _NO_SPACE:
                raise errors.error("flash_full", path)
            raise errors.error("flash_failed", "writing " + path, problem)
        finally:
            answer.close()
            _remove(half)

    def _make_folders(self, path):
        at = path.find("/", 1)
        while at > 0:
            try:
                os.mkdir(self._root + path[:at])
            except OSError as problem:
                if problem.errno != _EXISTS:
                    raise
            at = path.find("/", at + 1)


async def _take(answer, buffer, file, progress):
    view = memoryview(buffer)
    written, told = answer.ready, 0
    file.write(view[:written])
    while written < answer.total:
        count = answer.take(view) or await answer.wait()
        file.write(view[:count])
        written += count
        if written * _STEPS // answer.total > told:
            told = written * _STEPS // answer.total
            await progress(100 * written // answer.total)


def _digest(path, buffer):
    """SHA-256 of the file, read back from flash, in hexadecimal."""
    check = sha256()
    view = memoryview(buffer)
    with open(path, "rb") as file:
        count = file.readinto(buffer)
        while count:
            check.update(view[:count])
            count = file.readinto(buffer)
    return hexlify(check.digest()).decode()


def _remove(path):
    try:
        os.remove(path)
    except OSError:
        pass  # it was renamed, or never made
