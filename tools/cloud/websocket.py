"""A WebSocket as the transport of a connection: the broker's side of MQTT over WebSockets.

Binary messages are a stream of bytes, as MQTT wants it: a packet may span several, one may hold several packets.
aiohttp keeps to the bounds of what comes (a message, a few that wait), this of what goes: beyond them the connection is
told that its client is slow, as a TCP connection is.
"""

from __future__ import annotations

import asyncio

from aiohttp import WSCloseCode, WSMsgType, web

from tools.cloud import presence
from tools.cloud.connection import Connection
from tools.cloud.limits import Limits

SUBPROTOCOLS = ("mqtt", "mqttv3.1")  # the second is of AWS's first SDK for JavaScript, which speaks 3.1.1, too


class WebSocketTransport(asyncio.Transport):
    """`run` does all that waits; the rest is what `wire.Wire` asks of a transport."""

    def __init__(self, socket: web.WebSocketResponse, tcp: asyncio.Transport, connection: Connection):
        super().__init__()
        self._socket = socket
        self._tcp = tcp
        self._connection = connection
        self._unsent: list[bytes] = []
        self._unsent_bytes = 0
        self._high = 0
        self._congested = False
        self._closing = False
        self._close_code = WSCloseCode.OK
        self._to_do = asyncio.Event()  # something to send, or to close
        self._may_read = asyncio.Event()
        self._may_read.set()

    async def run(self) -> None:
        """Carry bytes both ways until the connection has ended."""
        self._connection.connection_made(self)
        writing = asyncio.get_running_loop().create_task(self._write_all())
        try:
            await self._read_all()
        finally:
            self._stop()
            await asyncio.gather(writing, return_exceptions=True)
            self._connection.connection_lost(None)

    # ---- asyncio.Transport ----

    def get_extra_info(self, name: str, default: object = None) -> object:
        # Nothing of TLS: a certificate that the client may have shown is not what it is judged by.
        return self._tcp.get_extra_info(name, default) if name in ("peername", "sockname") else default

    def is_closing(self) -> bool:
        return self._closing

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        self._high = high or 0
        self._tcp.set_write_buffer_limits(high=high)

    def write(self, data: bytes) -> None:
        if self._closing:
            return
        self._unsent.append(data)
        self._unsent_bytes += len(data)
        self._to_do.set()
        if self._unsent_bytes > self._high and not self._congested:
            self._congested = True
            self._connection.pause_writing()

    def close(self) -> None:
        """Send what is there, then a close frame; the client has as long to answer it as with TCP."""
        self._closing = True
        self._to_do.set()
        self._may_read.set()

    def abort(self) -> None:
        self._stop()
        self._tcp.abort()

    def pause_reading(self) -> None:
        self._may_read.clear()

    def resume_reading(self) -> None:
        self._may_read.set()

    # ---- inside ----

    def _stop(self) -> None:
        self._unsent.clear()
        self.close()

    async def _write_all(self) -> None:
        try:
            while self._unsent or not self._closing:
                await self._to_do.wait()
                self._to_do.clear()
                await self._write()
            await self._socket.close(code=self._close_code)
        except ConnectionError:  # the client has gone, which the reader sees, too
            self._stop()

    async def _write(self) -> None:
        data = b"".join(self._unsent)
        self._unsent.clear()
        if data:
            await self._socket.send_bytes(data)
        self._unsent_bytes -= len(data)
        if self._congested and self._unsent_bytes <= self._high // 2:
            self._congested = False
            self._connection.resume_writing()

    async def _read_all(self) -> None:
        while True:
            await self._may_read.wait()
            message = await self._socket.receive()
            if message.type is WSMsgType.BINARY:
                self._connection.data_received(message.data)
            elif message.type is WSMsgType.TEXT:
                self._close_code = WSCloseCode.UNSUPPORTED_DATA
                self._connection.end(presence.CLIENT_ERROR, "a text frame, where MQTT has binary ones")
            else:
                if message.type is WSMsgType.ERROR:
                    self._connection.end(presence.CLIENT_ERROR, str(message.data), at_once=True)
                elif message.type is WSMsgType.CLOSE:  # AWS takes it for a DISCONNECT: no last will
                    self._connection.end(presence.CLIENT_INITIATED, "the WebSocket was closed by its client")
                return


def offers_mqtt(request: web.BaseRequest) -> bool:
    """Whether a client names a subprotocol of MQTT, as MQTT wants it (its section 6)."""
    offered = request.headers.get("Sec-WebSocket-Protocol", "")
    return any(each.strip() in SUBPROTOCOLS for each in offered.split(","))


async def serve(request: web.BaseRequest, connection: Connection, limits: Limits) -> web.StreamResponse:
    """Make a request a WebSocket, and that the transport of a connection, until it ends."""
    socket = web.WebSocketResponse(
        protocols=SUBPROTOCOLS,
        timeout=limits.close_timeout_s,
        max_msg_size=limits.frame_bytes,
        compress=False,
    )
    await socket.prepare(request)
    if request.transport is not None:  # or the client has gone already
        await WebSocketTransport(socket, request.transport, connection).run()
    return socket
