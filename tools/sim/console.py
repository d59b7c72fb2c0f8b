"""What a board prints, line by line."""

import re
import threading
import time
from collections import deque

_KEPT = 5000  # lines
_TOLD = 40  # lines shown when a wait fails
_LONGEST = 65536  # bytes of a line: a device that never ends its line fills no memory


class Console:
    """The last lines of a board, and a place in them up to which `wait_for` has read. Safe from any thread."""

    def __init__(self, listener=None):
        self._listener = listener
        self._lines = deque(maxlen=_KEPT)
        self._count = 0  # lines ever
        self._read = 0  # lines that wait_for has passed
        self._rest = b""
        self._changed = threading.Condition()

    def received(self, data):
        """Bytes from the device."""
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            self.add(line.decode(errors="replace").rstrip("\r"))
        if len(self._rest) > _LONGEST:
            self.flush()

    def flush(self):
        """What has no end of line is a line, too: the device has ended, or never ends its line."""
        if self._rest:
            self.received(b"\n")

    def add(self, line):
        """One line."""
        with self._changed:
            self._lines.append(line)
            self._count += 1
            self._changed.notify_all()
        if self._listener is not None:
            self._listener(line)

    def lines(self):
        """The lines that are kept, oldest first."""
        with self._changed:
            return list(self._lines)

    def wait_for(self, pattern, timeout_s, gave_up=lambda: None):
        """The first unread line that `pattern` (regular expression) is found in; reads up to it.

        Raises TimeoutError, with the last lines in its message; earlier, when `gave_up()` returns a reason why no
        line can come any more.
        """
        wanted = re.compile(pattern)
        deadline = time.monotonic() + timeout_s
        with self._changed:
            while True:
                reason = gave_up()
                line = self._next(wanted)
                if line is not None:
                    return line
                left_s = deadline - time.monotonic()
                if reason or left_s <= 0:
                    raise TimeoutError(self._complaint(pattern, reason or f"not within {timeout_s} s"))
                self._changed.wait(min(left_s, 0.2))

    def skip(self):
        """`wait_for` reads on behind the last line there is."""
        with self._changed:
            self._read = self._count

    def _next(self, wanted):
        first = self._count - len(self._lines)
        for number in range(max(self._read, first), self._count):
            self._read = number + 1
            line = self._lines[number - first]
            if wanted.search(line):
                return line
        return None

    def _complaint(self, pattern, reason):
        told = "\n".join(f"    {line}" for line in list(self._lines)[-_TOLD:])
        return f"no line with {pattern!r}: {reason}; the last lines were\n{told or '    (none)'}"
