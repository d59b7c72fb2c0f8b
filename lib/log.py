"""The last lines of the console, kept where a crash, a watchdog and a restart leave them: in the chip's RTC memory.

A power cut clears it. It is a ring: the oldest lines give way. What goes into it is what the console says of events and
exceptions, never what the application prints by itself; so no secret of the firmware's. docs/diagnosis.md tells how to
read it from afar.
"""

import io
import sys

_MARK = b"AWL1"  # without it, what lies in there after a reset is not ours
_LONGEST_LINE = 200
_LONGEST_TRACE = 600


class Log:
    """`memory()` gives the bytes that are kept, `memory(data)` replaces them: machine.RTC().memory. `size`: bytes."""

    def __init__(self, memory, size):
        self._memory = memory
        # Allocated once: the line that matters most is the one that tells that there is no memory.
        self._buffer = bytearray(size)
        self._view = memoryview(self._buffer)
        self._end = len(_MARK)
        self._buffer[: self._end] = _MARK
        kept = memory()
        if kept.startswith(_MARK) and len(kept) <= size:
            self._end = len(kept)
            self._buffer[: self._end] = kept

    def add(self, text):
        """Keep a line, or several; a long one is cut. Never raises."""
        try:
            for line in text.split("\n"):
                if line:
                    self._append(line[:_LONGEST_LINE].encode() + b"\n")
            self._memory(self._view[: self._end])
        except MemoryError:
            pass

    def _append(self, data):
        first, size = len(_MARK), len(data)
        if size > len(self._buffer) - first:
            return
        missing = self._end + size - len(self._buffer)
        if missing > 0:
            gone = self._buffer.find(b"\n", first + missing - 1, self._end) + 1 or self._end
            self._view[first : first + self._end - gone] = self._view[gone : self._end]
            self._end -= gone - first
        self._view[self._end : self._end + size] = data
        self._end += size

    def trace(self, failure):
        """Keep the end of an exception's traceback: where it was raised."""
        try:
            text = io.StringIO()
            sys.print_exception(failure, text)
            self.add(text.getvalue()[-_LONGEST_TRACE:])
        except MemoryError:
            pass

    def read(self):
        """The lines (str), the oldest first."""
        kept = self._view[len(_MARK) : self._end]
        try:
            return str(kept, "utf-8")
        except UnicodeError:  # the chip lost power while it wrote, or something else did
            kept = bytearray(kept)
            for at in range(len(kept)):
                if kept[at] > 127:
                    kept[at] = 0x3F  # "?"
            return str(kept, "utf-8")

    def clear(self):
        """Empty it."""
        self._end = len(_MARK)
        self._memory(b"")
