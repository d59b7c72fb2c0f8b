"""Serves the phone page to browsers of this machine."""

from aiohttp import web

from tools.phone import offline

# While somebody works on the page, a reload shows what is in the files.
_HEADERS = {"Cache-Control": "no-cache", "X-Content-Type-Options": "nosniff"}
_TYPES = {".js": "text/javascript", ".webmanifest": "application/manifest+json"}


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
