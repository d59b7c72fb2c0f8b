"""A body in chunks, each of which begins with a line that tells its length (RFC 9112, 7.1). Loaded for such a one."""

from micropython import const

import errors

_LONGEST = const(128)  # of such a line: behind the length programs may say more
_LF = const(10)


class Chunks:
    """Reads the body of an `Answer` of https.py."""

    def __init__(self, answer):
        self._answer = answer
        self._left = 0  # of the chunk that has begun; below 0 when there are no more
        self._line = b""  # as far as it has come

    def read(self, view):
        """As `Answer.read`, without what stands between the chunks."""
        while self._left >= 0:
            count = self._answer.read(view)
            count = count and self.take(view[:count])
            if count != 0:
                return count
        raise errors.error("download_failed", "a part was missing")

    def take(self, view):
        """Move what `view` has of the body to its beginning; returns how many bytes that are."""
        at = size = 0
        while at < len(view) and self._left >= 0:
            if self._left:
                count = min(self._left, len(view) - at)
                view[size : size + count] = view[at : at + count]
                size += count
                self._left -= count
            else:
                count = 1
                self._line += view[at : at + 1]
                if view[at] == _LF or len(self._line) > _LONGEST:
                    self._begin()
            at += count
        return size

    def _begin(self):
        line, self._line = self._line.strip(), b""
        if line:  # else it ends the chunk before
            try:
                self._left = int(line.split(b";")[0], 16) or -1
            except ValueError:
                self._left = -1
