"""Serves the phone page to browsers of this machine."""

import asyncio
import threading

from aiohttp import web

from tools.phone import offline

# While somebody works on the page, a reload shows what is in the files.
_HEADERS = {"Cache-Control": "no-cache", "X-Content-Type-Options": "nosniff"}
_TYPES = {".js": "text/javascript", ".webmanifest": "application/manifest+json"}
_CALL_S = 20


class Server:
    """The page at `url`, from a thread of its own. Port 0: a free one. A context manager. Raises OSError."""

    def __init__(self, port=0):
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="phone page", daemon=True)
        self._thread.start()
        self._runner = web.AppRunner(application(), access_log=None)
        try:
            self.url = f"http://localhost:{self._run(self._start(port))}/"
        except BaseException:
            self.close()
            raise

    async def _start(self, port):
        await self._runner.setup()
        await web.TCPSite(self._runner, "localhost", port).start()
        return self._runner.addresses[0][1]

    def close(self):
        self._run(self._runner.cleanup())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(_CALL_S)
        self._loop.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def _run(self, coroutine):
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(_CALL_S)


def application():
    """The page at /; nothing but its own files is served."""
    app = web.Application()
    app.router.add_get("/{name:.*}", _file)
    return app


async def _file(request):
    name = request.match_info["name"] or "index.html"
    if name == offline.WORKER.name:
        return web.Response(text=offline.worker(), content_type="text/javascript", headers=_HEADERS)
    if name not in offline.files():
        raise web.HTTPNotFound(text="There is no such page here.")
    path = offline.PAGE / name
    headers = dict(_HEADERS)
    if path.suffix in _TYPES:
        headers["Content-Type"] = _TYPES[path.suffix]
    return web.FileResponse(path, headers=headers)
