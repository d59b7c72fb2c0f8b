"""How events reach a simulated board: it is rung, and then fetches one after the other."""

import asyncio
import contextlib
from collections import deque


class Doorbell:
    """A queue of events, and a socket that becomes readable at the board while there are any.

    The board says with each fetch what became of the event before; the next one is not given out sooner.
    """

    def __init__(self):
        self._events = deque()  # (event, future of its answer or None)
        self._answering = None
        self._server = None
        self._writer = None
        self._rung = False

    async def open(self):
        """Returns the port of this machine to which the board connects."""
        self._server = await asyncio.start_server(self._connected, "127.0.0.1", 0)
        return self._server.sockets[0].getsockname()[1]

    async def _connected(self, _reader, writer):
        if self._server is None or self._writer is not None:
            writer.close()
            return
        self._writer = writer
        self._rung = False
        self._ring()

    def post(self, event):
        """An event without an answer."""
        self._events.append((event, None))
        self._ring()

    def ask(self, event):
        """A future of the board's answer; cancelled when there will be none."""
        answer = asyncio.get_running_loop().create_future()
        self._events.append((event, answer))
        self._ring()
        return answer

    def fetch(self, answer):
        """`answer` to the event fetched last; returns the next event, or None."""
        asked, self._answering = self._answering, None
        if asked is not None and not asked.done():
            asked.set_result(answer)
        if not self._events:
            self._rung = False
            return None
        event, self._answering = self._events.popleft()
        return event

    async def close(self):
        """The board is gone."""
        for asked in [self._answering, *(answer for _, answer in self._events)]:
            if asked is not None:
                asked.cancel()
        self._answering = None
        self._events.clear()
        server, self._server = self._server, None
        if server is not None:
            server.close()
        if self._writer is not None:
            self._writer.close()
            with contextlib.suppress(OSError):
                await self._writer.wait_closed()

    def _ring(self):
        if self._writer is not None and self._events and not self._rung:
            self._rung = True
            self._writer.write(b"!")
