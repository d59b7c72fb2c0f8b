"""The https file server: what devices download, by links that expire. GET and HEAD, with Range; no other method.

TLS with the cloud's own certificate, and none asked of the client, as S3 has it. `FileFaults` says what goes wrong.
"""

from __future__ import annotations

import asyncio
import ssl
from email.utils import formatdate
from pathlib import Path
from urllib.parse import unquote

from aiohttp import web

from tools.cloud.files.errors import FileError
from tools.cloud.files.faults import FileFault, FileFaults
from tools.cloud.files.links import Links
from tools.cloud.files.objects import Object, Objects
from tools.cloud.files.ranges import Part, wanted
from tools.cloud.http_server import HttpServer
from tools.cloud.interfaces import Log
from tools.cloud.server_certificates import ServerCertificates

_CHUNK = 16384
_SHUTDOWN_S = 1.0
_ERRORS = {
    "forbidden": (403, "AccessDenied", "Request has expired"),
    "unavailable": (503, "SlowDown", "Please reduce your request rate"),
    "broken": (500, "InternalError", "We encountered an internal error. Please try again."),
}


class Downloads:
    def __init__(self, objects: Objects, links: Links, faults: FileFaults, log: Log):
        self._objects = objects
        self._links = links
        self._faults = faults
        self._log = log
        self._server = HttpServer(self._handle, _SHUTDOWN_S)

    async def start(self, host: str, port: int, certificates: ServerCertificates) -> int:
        """Listen and return the port. Raises OSError for one in use."""
        return await self._server.start(host, port, self._context(certificates))

    async def stop(self) -> None:
        await self._server.stop()

    def _context(self, certificates: ServerCertificates) -> ssl.SSLContext:
        def choose(connection: ssl.SSLObject, _name: str | None, _context: ssl.SSLContext) -> None:
            if self._faults.certificate is not None:
                connection.context = certificates.context(self._faults.certificate, client=ssl.CERT_NONE)

        context = certificates.context(client=ssl.CERT_NONE)
        context.sni_callback = choose
        return context

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        faults = self._faults.take()
        path, _, query = request.raw_path.partition("?")
        try:
            if "silent" in faults:
                await _stay(request)
            if "redirect" in faults:
                return self._redirect(faults["redirect"].target)
            _refuse(faults)
            if request.method not in ("GET", "HEAD"):
                raise FileError(405, "MethodNotAllowed", "This is for downloads: GET or HEAD")
            self._links.check(request.method, request.headers.get("Host", ""), path, query)
            bucket, _, key = unquote(path.lstrip("/")).partition("/")
            found, content = self._objects.find(bucket, key)
            part = _part(request, found, faults)
            self._log("download", key=key, begin=part.begin, size=part.end - part.begin, status=part.status)
            return await _send(request, found, content, part, faults)
        except FileError as error:
            self._log("download_refused", path=unquote(path), status=error.status, code=error.code)
            return _error(error)

    def _redirect(self, target: str) -> web.Response:
        self._log("download_redirected", target=target)
        return web.Response(status=302, headers={"Location": target})


def _refuse(faults: dict[str, FileFault]) -> None:
    for kind, answer in _ERRORS.items():
        if kind in faults:
            raise FileError(*answer)


def _part(request: web.BaseRequest, found: Object, faults: dict[str, FileFault]) -> Part:
    headers = {} if "no_range" in faults else request.headers
    part = wanted(headers, found.size, found.etag)
    if "wrong_range" in faults and part.status == 206:
        begin = min(part.begin + faults["wrong_range"].amount, part.end - 1)
        return Part(begin, part.end, part.size, 206)
    return part


async def _send(
    request: web.BaseRequest, found: Object, content: Path, part: Part, faults: dict[str, FileFault]
) -> web.StreamResponse:
    response = web.StreamResponse(status=part.status, headers=_headers(found, part))
    response.content_length = part.end - part.begin
    if "wrong_length" in faults:
        response.content_length += faults["wrong_length"].amount
        response.force_close()
    await response.prepare(request)
    if request.method == "GET":
        await _body(request, response, content, part, faults)
    return response


def _headers(found: Object, part: Part) -> dict[str, str]:
    return {
        "Content-Type": found.content_type,
        "ETag": f'"{found.etag}"',
        "Last-Modified": formatdate(found.modified_at, usegmt=True),
        "Accept-Ranges": "bytes",
        "Server": "AmazonS3",
        **found.metadata,
        **part.headers,
    }


async def _body(
    request: web.BaseRequest,
    response: web.StreamResponse,
    content: Path,
    part: Part,
    faults: dict[str, FileFault],
) -> None:
    end, last = part.end, None
    for kind in ("stall", "cut", "short"):
        if kind in faults:
            end, last = min(end, part.begin + faults[kind].amount), kind
    chunk_size = min(_CHUNK, max(1, faults["slow"].amount // 10)) if "slow" in faults else _CHUNK
    with content.open("rb") as file:
        file.seek(part.begin)
        at = part.begin
        while at < end:
            chunk = file.read(min(chunk_size, end - at))
            if not chunk:  # the file is not whole: somebody has changed it
                last = "cut"
                break
            await response.write(_spoilt(chunk, at, faults.get("corrupt")))
            at += len(chunk)
            if "slow" in faults:
                await asyncio.sleep(len(chunk) / faults["slow"].amount)
    if last == "stall":
        await _stay(request)
    elif last == "cut":
        request.transport.abort()
    elif last == "short":
        response.force_close()
        request.transport.close()


def _spoilt(chunk: bytes, at: int, fault: FileFault | None) -> bytes:
    if fault is None or not at <= fault.amount < at + len(chunk):
        return chunk
    spoilt = bytearray(chunk)
    spoilt[fault.amount - at] ^= 1
    return bytes(spoilt)


async def _stay(request: web.BaseRequest) -> None:
    """Say nothing more, until the client has gone."""
    while request.transport is not None and not request.transport.is_closing():
        await asyncio.sleep(0.1)


def _error(error: FileError) -> web.Response:
    if error.status == 304:
        return web.Response(status=304)
    return web.Response(status=error.status, body=error.xml(), content_type="application/xml")
