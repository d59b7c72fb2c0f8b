"""An HTTP server of the local AWS IoT: one request handler at one port, started and stopped in the cloud's loop."""

from __future__ import annotations

import ssl
from collections.abc import Awaitable, Callable

from aiohttp import web


class HttpServer:
    """`handle` answers the requests; those that are being answered at the end have `shutdown_s` to finish."""

    def __init__(self, handle: Callable[[web.BaseRequest], Awaitable[web.StreamResponse]], shutdown_s: float):
        self._handle = handle
        self._shutdown_s = shutdown_s
        self._runner: web.ServerRunner | None = None

    async def start(self, host: str, port: int, tls: ssl.SSLContext | None = None) -> int:
        """Listen and return the port. Raises OSError for one in use."""
        self._runner = web.ServerRunner(web.Server(self._handle, access_log=None), shutdown_timeout=self._shutdown_s)
        await self._runner.setup()
        try:
            await web.TCPSite(self._runner, host, port, ssl_context=tls).start()
        except OSError:
            await self.stop()
            raise
        return self._runner.addresses[0][1]

    async def stop(self) -> None:
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None
