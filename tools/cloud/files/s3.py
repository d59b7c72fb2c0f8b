"""S3's API as far as a release needs it: buckets and whole objects, path-style, for boto3 and `aws s3`.

It shares the port of the control plane. Signatures are not verified there, but for presigned links.
"""

from __future__ import annotations

import base64
import hashlib
import re
import zlib
from collections.abc import Awaitable, Callable
from email.utils import formatdate
from typing import Any
from urllib.parse import unquote

from aiohttp import web

from tools.cloud.files import listings
from tools.cloud.files.chunked import decoded
from tools.cloud.files.errors import FileError, OldSignature
from tools.cloud.files.links import Links, is_signed_by_version_2
from tools.cloud.files.objects import LARGEST, Objects
from tools.cloud.files.ranges import wanted
from tools.cloud.interfaces import Log

_WITHOUT_EFFECT = {"x-id", "x-amz-checksum-mode"}  # what AWS's SDKs put into links, too
_SIGNED_FOR_S3 = re.compile(r"Credential=[^,]*/s3/aws4_request")


def is_for_s3(request: web.BaseRequest) -> bool:
    """Whether a request of the control plane's port is signed for S3, in its headers or in its link."""
    signed = request.headers.get("Authorization", "")
    linked = unquote(request.query_string) if "X-Amz-Credential" in request.query else ""
    is_old = is_signed_by_version_2(signed, request.query)  # which nothing but S3 has ever had
    return bool(is_old or _SIGNED_FOR_S3.search(signed) or "/s3/aws4_request" in linked)


class S3Api:
    def __init__(self, objects: Objects, links: Links, region: str, log: Log):
        self._objects = objects
        self._links = links
        self._region = region
        self._log = log

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer one request."""
        path, _, query = request.raw_path.partition("?")
        bucket, _, key = unquote(path.lstrip("/")).partition("/")
        try:
            if is_signed_by_version_2(request.headers.get("Authorization", ""), request.query):
                raise OldSignature()
            if "X-Amz-Signature" in request.query:
                self._links.check(request.method, request.headers.get("Host", ""), path, query)
            action = self._action(request, bucket, key)
            self._log("s3", operation=action.__name__.strip("_"), bucket=bucket, key=key)
            return await action(request, bucket, key)
        except FileError as error:
            self._log("s3", operation=request.method, bucket=bucket, key=key, error=error.code)
            body = None if request.method == "HEAD" or error.status == 304 else error.xml()
            return web.Response(status=error.status, body=body, content_type="application/xml")

    def _action(
        self, request: web.BaseRequest, bucket: str, key: str
    ) -> Callable[[web.BaseRequest, str, str], Awaitable[web.StreamResponse]]:
        of_object = {"PUT": self._put_object, "GET": self._get_object, "HEAD": self._get_object}
        of_object["DELETE"] = self._delete_object
        if "x-amz-copy-source" in request.headers:
            of_object["PUT"] = self._copy_object
        of_bucket = {"PUT": self._create_bucket, "HEAD": self._head_bucket, "DELETE": self._delete_bucket}
        of_bucket["GET"] = self._location if "location" in request.query else self._list_objects
        table: dict[str, Any] = of_object if key else of_bucket if bucket else {"GET": self._list_buckets}
        found = table.get(request.method)
        known = _WITHOUT_EFFECT | (listings.PARAMETERS if found == self._list_objects else {"location"})
        further = [name for name in request.query if name not in known and not name.startswith("X-Amz-")]
        if found is None or further:
            what = f"{request.method} {'?'.join([request.path, *further])}"
            raise FileError(501, "NotImplemented", f"{what} is not part of the local AWS IoT's S3")
        return found

    async def _list_buckets(self, _request: web.BaseRequest, _bucket: str, _key: str) -> web.Response:
        return _xml(listings.buckets(self._objects.buckets()))

    async def _create_bucket(self, _request: web.BaseRequest, bucket: str, _key: str) -> web.Response:
        self._objects.create_bucket(bucket)
        return web.Response(headers={"Location": f"/{bucket}"})

    async def _head_bucket(self, _request: web.BaseRequest, bucket: str, _key: str) -> web.Response:
        self._objects.require_bucket(bucket)
        return web.Response(headers={"x-amz-bucket-region": self._region})

    async def _location(self, _request: web.BaseRequest, bucket: str, _key: str) -> web.Response:
        self._objects.require_bucket(bucket)
        return _xml(f"<LocationConstraint {listings.NAMESPACE}>{self._region}</LocationConstraint>")

    async def _delete_bucket(self, _request: web.BaseRequest, bucket: str, _key: str) -> web.Response:
        self._objects.delete_bucket(bucket)
        return web.Response(status=204)

    async def _list_objects(self, request: web.BaseRequest, bucket: str, _key: str) -> web.Response:
        return _xml(
            listings.objects(bucket, self._objects.list(bucket, request.query.get("prefix", "")), request.query)
        )

    async def _put_object(self, request: web.BaseRequest, bucket: str, key: str) -> web.Response:
        self._objects.require_bucket(bucket)
        metadata = _metadata(request)
        data = await _received(request)
        self._check_conditions(request, bucket, key)
        content_type = request.headers.get("Content-Type", "binary/octet-stream")
        made = self._objects.put(bucket, key, data, content_type, metadata)
        return web.Response(headers={"ETag": f'"{made.etag}"'})

    def _check_conditions(self, request: web.BaseRequest, bucket: str, key: str) -> None:
        """Refuse to write where If-None-Match: * or If-Match say that something else is expected there."""
        if_none, if_match = request.headers.get("If-None-Match"), request.headers.get("If-Match")
        if if_none not in (None, "*"):
            raise FileError(501, "NotImplemented", "If-None-Match takes nothing but * where an object is written")
        if if_none is None and if_match is None:
            return
        try:
            etag = self._objects.find(bucket, key)[0].etag
        except FileError:
            if if_match is not None:
                raise
            return
        if if_none or if_match.strip('"') != etag:
            raise FileError(412, "PreconditionFailed", "At least one of the pre-conditions you specified did not hold")

    async def _copy_object(self, request: web.BaseRequest, bucket: str, key: str) -> web.Response:
        conditions = [name for name in request.headers if name.lower().startswith("x-amz-copy-source-")]
        path, _, version = request.headers["x-amz-copy-source"].partition("?")
        if conditions or version:
            raise FileError(501, "NotImplemented", f"{', '.join(conditions) or version}: not part of CopyObject here")
        found, content = self._objects.find(*_source(path))
        self._objects.require_bucket(bucket)
        self._check_conditions(request, bucket, key)
        replace = request.headers.get("x-amz-metadata-directive", "COPY") == "REPLACE"
        if _source(path) == (bucket, key) and not replace:
            raise FileError(400, "InvalidRequest", "This copy of an object onto itself would change nothing")
        content_type = request.headers.get("Content-Type", "binary/octet-stream") if replace else found.content_type
        metadata = _metadata(request) if replace else found.metadata
        made = self._objects.put(bucket, key, content.read_bytes(), content_type, metadata)
        told = f'<LastModified>{listings.iso_time(made.modified_at)}</LastModified><ETag>"{made.etag}"</ETag>'
        return _xml(f"<CopyObjectResult {listings.NAMESPACE}>{told}</CopyObjectResult>")

    async def _get_object(self, request: web.BaseRequest, bucket: str, key: str) -> web.Response:
        found, content = self._objects.find(bucket, key)
        part = wanted(request.headers, found.size, found.etag)
        headers = {"ETag": f'"{found.etag}"', "Last-Modified": formatdate(found.modified_at, usegmt=True)}
        headers |= {"Accept-Ranges": "bytes", "Content-Type": found.content_type, **found.metadata, **part.headers}
        data = content.read_bytes()[part.begin : part.end]
        return web.Response(status=part.status, headers=headers, body=data)

    async def _delete_object(self, _request: web.BaseRequest, bucket: str, key: str) -> web.Response:
        self._objects.delete(bucket, key)
        return web.Response(status=204)


def _xml(body: str) -> web.Response:
    return web.Response(text=f'<?xml version="1.0" encoding="UTF-8"?>\n{body}', content_type="application/xml")


def _metadata(request: web.BaseRequest) -> dict[str, str]:
    """What a client wants to be kept beside an object, by the names of its headers."""
    found = {name.lower(): value for name, value in request.headers.items() if name.lower().startswith("x-amz-meta-")}
    for name, value in found.items():
        if not value.isascii():
            raise FileError(501, "NotImplemented", f"{name}: only ASCII is kept as metadata here")
    return found


def _source(path: str) -> tuple[str, str]:
    """Bucket and key of x-amz-copy-source."""
    bucket, _, key = unquote(path).removeprefix("/").partition("/")
    return bucket, key


async def _received(request: web.BaseRequest) -> bytes:
    """The object's bytes as they were meant, whichever way the client sent them; its checksums are checked."""
    if request.headers.get("Expect", "").lower() == "100-continue":
        request.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")  # or boto3 waits for a second
    body = bytearray()
    async for part in request.content.iter_any():
        body += part
        if len(body) > LARGEST:
            raise FileError(400, "EntityTooLarge", f"The local AWS IoT keeps objects of at most {LARGEST} bytes")
    sums = dict(request.headers)
    data = bytes(body)
    if "aws-chunked" in request.headers.get("Content-Encoding", ""):
        data, trailers = decoded(data)
        sums.update(trailers)
    _check_sums({name.lower(): value for name, value in sums.items()}, data)
    return data


def _check_sums(sums: dict[str, str], data: bytes) -> None:
    found = {
        "content-md5": lambda: hashlib.md5(data).digest(),
        "x-amz-checksum-crc32": lambda: zlib.crc32(data).to_bytes(4, "big"),
        "x-amz-checksum-sha256": lambda: hashlib.sha256(data).digest(),
        "x-amz-checksum-sha1": lambda: hashlib.sha1(data).digest(),
    }
    for name, digest in found.items():
        if name in sums and sums[name] != base64.b64encode(digest()).decode():
            raise FileError(400, "BadDigest", f"The {name} you specified did not match what we received")
