"""The REST control plane: what the `aws` command line and boto3 talk to, over plain HTTP on this machine.

Requests are routed and read by botocore's service models and answered by the operations in `operations/`, those that
are signed for S3 by `files/s3.py`. Signatures are not verified: whoever reaches the port may do everything. So it
listens on this machine only unless told otherwise, and refuses what comes from web pages.
"""

from __future__ import annotations

import json
import re
import uuid

from aiohttp import web

from tools.cloud import foreign, shapes
from tools.cloud.aws_errors import AwsError, InvalidRequest, MethodNotAllowed, NotImplementedHere, RequestTooLarge
from tools.cloud.files.s3 import S3Api, is_for_s3
from tools.cloud.http_server import HttpServer
from tools.cloud.interfaces import Log
from tools.cloud.local_api import PREFIX, LocalApi
from tools.cloud.operations import find_operation
from tools.cloud.operations.desk import Desk
from tools.cloud.service_models import Route, service_models

_SIGNED_FOR = re.compile(r"Credential=[^/]*/[^/]*/[^/]*/([^/]*)/aws4_request")
_MAX_BODY = 1024 * 1024
_SHUTDOWN_S = 5.0  # for requests that are being answered when it stops


class RestServer:
    def __init__(self, desk: Desk, local: LocalApi, files: S3Api, log: Log):
        self._desk = desk
        self._local = local
        self._files = files
        self._log = log
        self._models = service_models()
        self._server = HttpServer(self._handle, _SHUTDOWN_S)

    async def start(self, host: str, port: int) -> int:
        """Listen and return the port. Raises OSError for one in use."""
        return await self._server.start(host, port)

    async def stop(self) -> None:
        await self._server.stop()

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        if is_for_s3(request) and "Origin" not in request.headers:
            return await self._files.handle(request)
        service = _signed_for(request)
        if foreign.is_foreign(service, self._models.signing_names):
            self._log("api", operation=service, error="not part of the local AWS IoT")
            response = foreign.refusal(service, request.content_type)
        else:
            response = await self._answer(request)
        response.headers["x-amzn-RequestId"] = str(uuid.uuid4())
        return web.Response(
            status=response.status, headers=response.headers, body=response.body, content_type=response.content_type
        )

    async def _answer(self, request: web.BaseRequest) -> shapes.Response:
        name = "?"
        try:
            if "Origin" in request.headers:
                raise InvalidRequest("Requests from web pages are refused")
            if request.path.startswith(PREFIX):
                name = request.path
                body = await _read_body(request)
                response = self._local.handle(request.method, request.path, request.query, body)
            else:
                route, path = self._route(request)
                name = route.operation.name
                response = await self._call(route, path, request)
            self._log("api", operation=name, status=response.status)
            return response
        except AwsError as error:
            self._log("api", operation=name, status=error.status, error=error.code)
            return _error_response(error)
        except Exception as error:  # noqa: BLE001 one broken operation must not take the server with it
            self._log("api_failed", operation=name, error=repr(error))
            return _error_response(AwsError(f"The local AWS IoT failed in {name}: {error!r}"))

    def _route(self, request: web.BaseRequest) -> tuple[Route, dict[str, str]]:
        path = request.raw_path.partition("?")[0]
        found = self._models.find(request.method, path, _signed_for(request))
        if found is None:
            raise MethodNotAllowed(f"No operation of AWS IoT is {request.method} {path}")
        return found

    async def _call(self, route: Route, path: dict[str, str], request: web.BaseRequest) -> shapes.Response:
        handler = find_operation(route.service, route.operation.name)
        if handler is None:
            raise NotImplementedHere(f"{route.operation.name} ({route.service}) is not part of the local AWS IoT")
        body = await _read_body(request)
        parameters = shapes.read(route.operation, shapes.Request(path, request.query, request.headers, body))
        return shapes.write(route.operation, await handler(self._desk, parameters))


def _signed_for(request: web.BaseRequest) -> str | None:
    """The service that a request is signed for; None: it is not signed."""
    signed = _SIGNED_FOR.search(request.headers.get("Authorization", ""))
    return signed.group(1) if signed else None


async def _read_body(request: web.BaseRequest) -> bytes:
    body = bytearray()
    async for part in request.content.iter_any():
        body += part
        if len(body) > _MAX_BODY:
            raise RequestTooLarge(f"The request is larger than {_MAX_BODY} bytes")
    return bytes(body)


def _error_response(error: AwsError) -> shapes.Response:
    return shapes.Response(
        status=error.status,
        headers={"x-amzn-ErrorType": error.code},
        body=json.dumps({"message": error.message, **error.members}).encode(),
    )
