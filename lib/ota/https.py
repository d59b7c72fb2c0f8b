"""One GET by HTTP/1.1 over TLS: the request, the head of the answer, and its body, read without blocking the loop.

The connection is handed in, so that this has no opinion about sockets and roots:

    link = await connect(host, port, request)       a connection that has written `request`, or an error of errors.py
    link.stream.readinto(buffer); await link.more(); link.close()

https://www.rfc-editor.org/rfc/rfc9110 and 9112. Of a body whose length the server does not say, it must be known.
"""

import asyncio
import sys

from micropython import const

import errors

_MOST_LINKS = const(4)


class Answer:
    """A GET into `buffer` (4 KB), which must hold the head of the answer.

    After `open`: `start`: where the body begins, 0 where the server does not know ranges; `total`: bytes of the whole;
    `ready`: bytes of the body that lie at the beginning of `buffer` already; `left`: those that are still to come.
    """

    def __init__(self, connect, buffer, stall_ms):
        self._connect = connect
        self.buffer = buffer
        self._stall_ms = stall_ms
        self._link = None
        self.body = self  # who reads it: chunks.py, where it comes in such
        self.left = self.start = self.total = self.ready = 0

    async def open(self, url, start=0, size=0):
        """Ask for `url` from byte `start` on, over as many redirects as there are, within reason; read the head.

        `size`: bytes of the whole, where they are known. Errors: those of `connect`, `download_failed` (with `wait_s`
        where the server says how long to wait) and `link_expired`, which may pass; `download_refused`, which does not.
        """
        self.start, self.total = start, size
        for _ in range(_MOST_LINKS):
            self._link = await self._connect(*_request(url, self.start))
            url = await _head().receive(self, url, self.start)
            if url is None:
                return
            self.close()
        raise errors.error("download_refused", "too many redirects")

    def take(self, view):
        """Read some of the body into `view`; returns how many bytes have come, None when none have: then `wait`.

        Errors: `download_failed`, also when the body has less.
        """
        if len(view) > self.left:
            if not self.left:
                raise errors.error("download_failed", "a part was missing")
            view = view[: self.left]
        count = self.body.read(view)
        if count:
            self.left -= count
        return count

    def read(self, view):
        """As `take`, of whatever the server says."""
        try:
            count = self._link.stream.readinto(view)
        except OSError as failure:
            raise _lost(failure)
        if count == 0:
            raise errors.error("download_failed", "the server closed the connection")
        return count

    async def wait(self):
        """Wait until there may be something to take; returns 0, which it is so far. Errors: `download_failed`."""
        try:
            await asyncio.wait_for_ms(self._link.more(), self._stall_ms)
        except asyncio.TimeoutError:
            raise errors.error("download_failed", "nothing came for %d s" % (self._stall_ms // 1000))
        except OSError as failure:
            raise _lost(failure)
        return 0

    def close(self):
        """Close the connection."""
        if self._link is not None:
            self._link.close()
            self._link = None


def _lost(failure):
    return errors.error("download_failed", "the connection was lost, error %s" % failure.errno)


def _request(url, start):
    # Not in the coroutine, whose frame would keep the module during the handshake, when memory is needed most.
    return _head().request(url, start)


def _head():
    """The module head.py, loaded for a moment."""
    from . import head

    del sys.modules["ota.head"]
    delattr(sys.modules["ota"], "head")
    return head
