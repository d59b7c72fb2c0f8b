"""One TCP or TLS connection, written and read without blocking. It is opened by dial.py.

A TLS socket is polled through the TCP socket below it once the handshake is done: the poller of a port with file
descriptors needs a millisecond for anything else. That is right because a read that returned less than was asked for
has emptied the TLS layer, so that only new bytes from the network can bring more.

Only tasks of the MQTT engine may wait here: asyncio forgets every other waiter of a socket when one is cancelled.
"""

import sys
from asyncio import core

from micropython import const

import errors

_LITTLE = const(512)  # so much is always written at once
_SLICE = const(1024)  # of what has to come in slices: one segment of TCP, which holds 1.6 KB until it is acknowledged
_FRAME = const(1600)  # bytes of one block that Wi-Fi takes for each frame on its way
_PATIENCE = const(50)  # looks for memory, a second in all: what has not come back by then stays away


def readable(stream):
    """await readable(stream): until there is something to read, or an error to find."""
    yield core._io_queue.queue_read(stream)


def writable(stream):
    """await writable(stream): until there is room to write, or an error to find."""
    yield core._io_queue.queue_write(stream)


def borrow(*names):
    """The file names[0] of this package, in memory for as long as somebody has it: it is unloaded at once, with
    names[1:], which it imports.

    In one line with what is called: as a variable of a coroutine it stays until that ends.
    """
    package = __import__("aws." + names[0])
    borrowed = getattr(package, names[0])
    for name in names:
        if sys.modules.pop("aws." + name, None) is not None:
            delattr(package, name)
    return borrowed


def explain(kind, *details):
    """The error for what went wrong, from the function `kind` of failures.py."""
    try:
        return getattr(borrow("failures"), kind)(*details)
    except (MemoryError, ImportError, OSError):  # as for errors.error: the end of a connection must come to its end
        return errors.error("no_memory")


class Link:
    """A connection to `host`:`port`. `raw` is the TCP socket, `stream` what carries the bytes.

    `busy`: a part of the last `send` is still to be written. `judged`: TLS has looked at the server's certificate.
    `network`: None, or tells the memory that the network has, (bytes of the largest block, bytes of all). What it holds
    of a message must leave it the memory to send that, else it sends and hears nothing any more: where it is short, a
    message goes out in slices, each when the last one has arrived and given its memory back.
    """

    def __init__(self, host, port):
        self.host = host
        self.port = port
        self.raw = None
        self.stream = None
        self.busy = False
        self.network = None
        # What is still to be written: a part of `_data`, then a part of `_tail`.
        self._data = None
        self._at = 0
        self._end = 0
        self._tail = None
        self._tail_at = 0
        self._piece = 0  # bytes that are being written
        self._free = 0  # bytes of the network's memory, before this message
        self._patience = _PATIENCE
        self.judged = False

    def begin(self, data):
        """Let `resume` write `data` first."""
        self._data = data
        self._at = 0
        self._end = len(data)

    def send(self, data, size, tail=None, tail_at=0):
        """Write the first `size` bytes of `data`, then `tail` from `tail_at` on; True when all of it is out.

        Else `busy` is True, and `resume` goes on when the socket is writable, with `network` a moment later; both
        buffers must stay as they are until then. Raises OSError.
        """
        self._data = data
        self._at = 0
        self._end = size
        self._tail = tail
        self._tail_at = tail_at
        return self.resume()

    def resume(self):
        """Write more of what is left; True when all of it is out."""
        # A write that would block is tried again with the same bytes and the same length: the TLS layer has already
        # made its record of them.
        self.busy = True
        while True:
            self._piece = self._piece or self._next_piece()
            if not self._piece:
                return False
            written = self.stream.write(self._data, self._at, self._piece)
            if written is None:
                return False
            self._piece = 0
            self._at += written
            if self._at < self._end:
                return False
            if self._tail is None:
                self._data = None
                self.busy = False
                return True
            self._data = self._tail
            self._at = self._tail_at
            self._end = len(self._tail)
            self._tail = None

    def _next_piece(self):
        left = self._end - self._at
        is_little = left <= _LITTLE and not self._at and self._tail is None  # all of it, not a rest
        if self.network is None or is_little:
            return left
        try:
            largest, free = self.network()
        except MemoryError:
            return min(left, _SLICE)
        if largest >= 2 * (left + _FRAME):
            return left
        if not self._at:
            self._free = free
        self._patience = self._patience - 1 if free < self._free - _SLICE else _PATIENCE
        return 0 if 0 < self._patience < _PATIENCE else min(left, _SLICE)

    def close(self):
        """Close it. What was not written is lost."""
        _close(self.stream)
        _close(self.raw)
        self._data = self._tail = None
        self.busy = False


def _close(socket):
    try:
        if socket is not None:
            socket.close()
    except OSError:
        pass  # lwIP had no memory for the goodbye, for 20 s; the collector closes it once more
