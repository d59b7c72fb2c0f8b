"""Cuts the received bytes into MQTT packets, in one buffer of a fixed size. Pure.

    data = socket.readinto(receiver.space());  receiver.added(n)
    while receiver.next():
        receiver.first, receiver.body, receiver.stop       the packet is buffer[body:stop]

A PUBLISH that does not fit the buffer is told as `too_large` once its topic and packet id are there; the rest of it is
skipped as it arrives, so that the stream goes on behind it.
"""

import errors


class Receiver:
    """The largest packet that is taken whole has as many bytes as `buffer`, a bytearray, header included."""

    def __init__(self, buffer):
        self.buffer = buffer
        self.view = memoryview(self.buffer)
        self.first = 0  # first byte of the packet found
        self.body = 0  # where its variable header begins
        self.stop = 0  # where it ends; for one that is too large: where what has arrived of it ends
        self.too_large = False
        self._start = 0  # what is not yet cut
        self._end = 0
        self._skip = 0  # bytes still to come of a packet that is too large

    def reset(self):
        """Forget everything: a new connection begins."""
        self._start = self._end = self._skip = 0

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
        """Find the next packet: True and `first`, `body`, `stop`, `too_large`; False when more bytes are needed.

        Raises errors `protocol` for a length that MQTT does not know.
        """
        start = self._start
        if self._skip:
            count = min(self._skip, self._end - start)
            self._skip -= count
            self._start = start = start + count
        at = start + 1
        if at >= self._end:
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
        self.too_large = False
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
        size = len(self.buffer)
        if stop - self._start <= size:
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
        if needed - self._start > size:
            raise errors.error("protocol", "a topic of %d bytes" % (needed - at - 2))
        if needed > self._end:
            return False
        self.first = first
        self.body = at
        self.stop = self._end
        self.too_large = True
        self._skip = stop - self._end
        self._start = self._end
        return True
