"""Cuts the received bytes into MQTT packets. Pure.

    data = socket.readinto(receiver.space());  receiver.added(n)
    while receiver.next():
        receiver.first, receiver.body, receiver.stop       the packet is buffer[body:stop]

Packets arrive in a small buffer, many at once. One that it does not hold goes on in a buffer of its own, as large as
itself, which is let go of behind it: it is rare, and until then its memory is the application's. A PUBLISH that is too
large for the limit, or for the memory, is told as `skipped` once its topic and packet id are there; the rest of it is
skipped as it arrives, so that the stream goes on behind it.
"""

import errors


class Receiver:
    """The largest packet that is taken whole has `limit` bytes, header included."""

    def __init__(self, limit):
        self.limit = limit
        # As many small messages in one read as the acknowledgements that leave in one write.
        self._small = self.buffer = bytearray(min(1024, limit))
        self._small_view = self.view = memoryview(self.buffer)
        self._reserve = None
        self.first = 0  # first byte of the packet found
        self.body = 0  # where its variable header begins
        self.stop = 0  # where it ends; for one that is skipped: where what has arrived of it ends
        self.skipped = None  # why it is not taken: "too_large", "no_memory"
        self._start = 0  # what is not yet cut
        self._end = 0
        self._skip = 0  # bytes still to come of a packet that is skipped

    def reset(self):
        """Start from nothing: the connection has ended."""
        self._skip = 0
        self._shrink()

    def reserve(self, size):
        """Hold memory for a packet of `size` bytes, until `reserve(0)`: it can be taken, whatever else happens.

        Raises MemoryError.
        """
        self._reserve = bytearray(min(size, self.limit)) if size else None

    def borrow(self, piece):
        """As `reserve`, for good, with a bytearray that somebody has already; None: nothing."""
        self._reserve = piece

    def space(self):
        """Where to read to: a memoryview, never empty. What `next` found is overwritten by it."""
        start = self._start
        end = self._end
        if start == end:
            self._start = self._end = 0
            return self.view
        if start:
            self.view[0 : end - start] = self.view[start:end]
            self._start = 0
            self._end = end = end - start
        return self.view[end:]

    def added(self, count):
        """`count` bytes were read into what `space` gave."""
        self._end += count

    def next(self):
        """Find the next packet: True and `first`, `body`, `stop`, `skipped`; False when more bytes are needed.

        Raises errors `protocol` for a length that MQTT does not know.
        """
        start = self._start
        if self._skip:
            count = min(self._skip, self._end - start)
            self._skip -= count
            self._start = start = start + count
        at = start + 1
        if at >= self._end:
            if start == self._end and self.buffer is not self._small:
                self._shrink()
            return False
        buffer = self.buffer
        length = buffer[at]
        if length > 127:
            at = self._length_end(at)
            if at < 0:
                return False
            length = self._length
        at += 1
        stop = at + length
        if stop > self._end:
            return self._part(at, stop)
        self.first = buffer[start]
        self.body = at
        self.stop = stop
        self.skipped = None
        self._start = stop
        return True

    def _length_end(self, at):
        """Where the length of more than one byte ends; -1 when it has not arrived. The length is in `_length`."""
        length = 0
        shift = 0
        while at < self._end:
            byte = self.buffer[at]
            length |= (byte & 127) << shift
            if byte < 128:
                self._length = length
                return at
            at += 1
            shift += 7
            if shift > 21:
                raise errors.error("protocol", "a length of more than four bytes")
        return -1

    def _part(self, at, stop):
        """A packet of which only a part has arrived: True when that is all that will ever be taken of it."""
        size = stop - self._start
        if size <= len(self.view) or (size <= self.limit and self._grow(size)):
            return False
        first = self.buffer[self._start]
        if first >> 4 != 3:
            raise errors.error("protocol", "a packet of type %d with %d bytes" % (first >> 4, stop - at))
        if self._end - at < 2:
            return False
        needed = at + 2 + (self.buffer[at] << 8 | self.buffer[at + 1])
        if first & 6:
            needed += 2
        if needed > stop:
            raise errors.error("protocol", "a topic longer than its packet")
        if needed - self._start > len(self.view):
            raise errors.error("protocol", "a topic of %d bytes" % (needed - at - 2))
        if needed > self._end:
            return False
        self.first = first
        self.body = at
        self.stop = self._end
        self.skipped = "too_large" if size > self.limit else "no_memory"
        self._skip = stop - self._end
        self._start = self._end
        return True

    def _grow(self, size):
        """Go on in a buffer that holds the packet of `size` bytes, and nothing else; False without memory for it."""
        begun = self.view[self._start : self._end]
        try:
            buffer = self._reserve
            if buffer is None or len(buffer) < size:
                buffer = bytearray(size)
            view = memoryview(buffer)[:size]
            view[: len(begun)] = begun
        except MemoryError:
            return False
        self.buffer = buffer
        self.view = view
        self._start = 0
        self._end = len(begun)
        return True

    def _shrink(self):
        self.buffer = self._small
        self.view = self._small_view
        self._start = self._end = 0
