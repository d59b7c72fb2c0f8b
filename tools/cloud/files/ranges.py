"""Which part of a file a request wants, and whether it wants it at all (RFC 9110, as far as S3 has it)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from tools.cloud.files.errors import FileError

_RANGE = re.compile(r"bytes=([0-9]{0,30})-([0-9]{0,30})")  # what is longer is no range


@dataclass(frozen=True)
class Part:
    """Bytes `begin` to `end` (exclusive) of `size`; `status` 206 when a part was asked for, 200 for all of it."""

    begin: int
    end: int
    size: int
    status: int

    @property
    def headers(self) -> dict[str, str]:
        if self.status != 206:
            return {}
        return {"Content-Range": f"bytes {self.begin}-{self.end - 1}/{self.size}"}


def wanted(headers: Mapping[str, str], size: int, etag: str) -> Part:
    """What `headers` ask for. Raises FileError 304, 412 or 416."""
    if "If-Match" in headers and not _names(headers["If-Match"], etag):
        raise FileError(412, "PreconditionFailed", "The file is another one by now (If-Match)")
    if "If-None-Match" in headers and _names(headers["If-None-Match"], etag):
        raise FileError(304, "NotModified", "Not Modified")
    found = _RANGE.fullmatch(headers.get("Range", "").strip())
    if not found or found.groups() == ("", "") or not _names(headers.get("If-Range", etag), etag):
        return Part(0, size, size, 200)
    first, last = found.groups()
    if first and last and int(last) < int(first):  # no range: as if it had not been said
        return Part(0, size, size, 200)
    begin = int(first) if first else max(0, size - int(last))
    end = min(size, int(last) + 1) if first and last else size
    if begin >= size:
        raise FileError(416, "InvalidRange", f"The requested range is not satisfiable: the file has {size} bytes")
    return Part(begin, end, size, 206)


def _names(header: str, etag: str) -> bool:
    return header.strip() == "*" or etag in [each.strip().strip('"') for each in header.split(",")]
