"""The broker's listener: accepts TCP connections, does the TLS handshake and hands over what stands.

Not `loop.create_server`: that cannot change its certificate, cannot refuse before the handshake and tells nobody why
a handshake failed.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
import struct
from collections.abc import Callable, Mapping

from tools.cloud import client_hello
from tools.cloud.faults import Faults
from tools.cloud.interfaces import Log
from tools.cloud.limits import Limits

_HANDSHAKES = 256  # at a time
_BACKLOG = 256
_PAUSE_AFTER_ERROR_S = 0.1  # out of file descriptors: try again, without spinning
_RESET = struct.pack("ii", 1, 0)  # SO_LINGER: close sends RST


class Listener:
    def __init__(self, protocol: Callable[[], asyncio.Protocol], faults: Faults, limits: Limits, log: Log):
        self._ssl_context: ssl.SSLContext | None = None
        self._by_alpn: Mapping[str, ssl.SSLContext] = {}
        self._protocol = protocol
        self._faults = faults
        self._limits = limits
        self._log = log
        self._socket: socket.socket | None = None
        self._accepting: asyncio.Task | None = None
        self._handshakes: set[asyncio.Task] = set()
        self._refusals = 0

    def use(self, ssl_context: ssl.SSLContext | None, by_alpn: Mapping[str, ssl.SSLContext] | None = None) -> None:
        """Serve the connections to come with this context, or with that of a protocol they offer; None: plain TCP."""
        self._by_alpn = by_alpn or {}
        for context in (ssl_context, *self._by_alpn.values()):
            if context is not None and self._limits.require_server_name:
                context.sni_callback = _require_server_name
        self._ssl_context = ssl_context

    def open(self, host: str, port: int) -> int:
        """Listen; the port in use is returned. Raises OSError when it is taken."""
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._socket = socket.create_server((host, port), family=family, backlog=_BACKLOG)
        self._socket.setblocking(False)
        self._accepting = asyncio.get_running_loop().create_task(self._accept())
        return self._socket.getsockname()[1]

    async def close(self) -> None:
        tasks = [*self._handshakes, *([self._accepting] if self._accepting else [])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._accepting = None
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    async def _accept(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            try:
                peer, address = await loop.sock_accept(self._socket)
            except OSError as error:
                self._log("accept_failed", reason=str(error))
                await asyncio.sleep(_PAUSE_AFTER_ERROR_S)
                continue
            self._refusals -= 1  # numbers of their own: a refused connection never gets one of the broker's
            if self._faults.strikes("refuse", self._refusals) or len(self._handshakes) >= _HANDSHAKES:
                self._log("connection_reset", source=address[0])
                peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
                peer.close()
                continue
            task = loop.create_task(self._serve(peer, address[0]))
            self._handshakes.add(task)
            task.add_done_callback(self._handshakes.discard)

    async def _serve(self, peer: socket.socket, source: str) -> None:
        try:
            tls = await self._context(peer)
            timeout = {"ssl_handshake_timeout": self._limits.handshake_timeout_s} if tls else {}
            loop = asyncio.get_running_loop()
            await loop.connect_accepted_socket(self._protocol, peer, ssl=tls, **timeout)
        except (OSError, asyncio.TimeoutError) as error:
            peer.close()
            self._log("handshake_failed", source=source, reason=str(error) or type(error).__name__)

    async def _context(self, peer: socket.socket) -> ssl.SSLContext | None:
        if not self._by_alpn:
            return self._ssl_context
        offered = await asyncio.wait_for(client_hello.offered(peer), self._limits.handshake_timeout_s)
        known = [self._by_alpn[name] for name in offered if name in self._by_alpn]
        return known[0] if known else self._ssl_context


def _require_server_name(_: ssl.SSLObject, name: str | None, __: ssl.SSLContext) -> int | None:
    return ssl.ALERT_DESCRIPTION_UNRECOGNIZED_NAME if name is None else None
