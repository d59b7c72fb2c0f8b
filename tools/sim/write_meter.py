"""Counts a chip's flash writes, and cuts its power at one of them.

The count is a page of memory that the device's process shares (its end: `Meter` of board/simulated/hosted.py), and a
write asks the host only while a cut is set: to fill a flash takes 26,000 writes, and each question waits for its turn
in a host with many boards.
"""

import os
import struct
import threading
import weakref

_COUNT = struct.Struct("<I")
_SET = _COUNT.size  # where the page says whether a cut is set: one byte


class WriteMeter:
    """`fileno()` is the page. For the thread that serves the device and for whoever holds the board."""

    def __init__(self):
        self._page = os.memfd_create("flash-writes")
        weakref.finalize(self, os.close, self._page)
        os.pwrite(self._page, bytes(_SET + 1), 0)
        self._left = None
        self._torn = False
        self._lock = threading.Lock()

    def fileno(self):
        return self._page

    @property
    def writes(self):
        """Flash writes so far."""
        return _COUNT.unpack(os.pread(self._page, _COUNT.size, 0))[0]

    def cut_at(self, n, torn):
        """The power goes at the n-th write from now; None never."""
        with self._lock:
            self._left = n
            self._torn = torn
            self._mark()

    def count(self):
        """One more write, when the device asks or is not there. Returns False, "cut" or "torn"."""
        with self._lock:
            os.pwrite(self._page, _COUNT.pack(self.writes + 1), 0)
            if self._left is None:
                return False
            self._left -= 1
            if self._left > 0:
                return False
            self._left = None
            self._mark()
            return "torn" if self._torn else "cut"

    def _mark(self):
        os.pwrite(self._page, bytes([self._left is not None]), _SET)
