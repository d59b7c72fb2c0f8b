"""One TCP or TLS connection, written and read without blocking. It is opened by dial.py.

A TLS socket is polled through the TCP socket below it once the handshake is done: the poller of a port with file
descriptors needs a millisecond for anything else. That is right because a read that returned less than was asked for
has emptied the TLS layer, so that only new bytes from the network can bring more.

Only tasks of the MQTT engine may wait here: asyncio forgets every other waiter of a socket when one is cancelled.
"""

import sys
from asyncio import core

import errors


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
    """

    def __init__(self, host, port):
        self.host = host
        self.port = port
        self.raw = None
        self.stream = None
        self.busy = False
        # What is still to be written: a part of `_data`, then a part of `_tail`.
        self._data = None
        self._at = 0
        self._end = 0
        self._tail = None
        self._tail_at = 0
        self.judged = False

    def begin(self, data):
        """Let `resume` write `data` first."""
        self._data = data
        self._at = 0
        self._end = len(data)

    def send(self, data, size, tail=None, tail_at=0):
        """Write the first `size` bytes of `data`, then `tail` from `tail_at` on; True when all of it is out.

        Else `busy` is True, and `resume` goes on when the socket is writable; both buffers must stay as they are
        until then. Raises OSError.
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
            written = self.stream.write(self._data, self._at, self._end - self._at)
            if written is None:
                return False
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
