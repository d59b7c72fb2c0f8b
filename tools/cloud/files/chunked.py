"""The content encoding aws-chunked, in which clients send an object whose checksum comes after it.

SIZE in hex[;chunk-signature=...] CRLF data CRLF ... 0 CRLF NAME:VALUE CRLF ... CRLF
"""

from __future__ import annotations

from tools.cloud.files.errors import FileError


def decoded(body: bytes) -> tuple[bytes, dict[str, str]]:
    """The data, and the trailers that came after it. Raises FileError."""
    data, at = bytearray(), 0
    while True:
        line, at = _line(body, at)
        try:
            size = int(line.partition(b";")[0], 16)
        except ValueError:
            raise _incomplete() from None
        if size == 0:
            return bytes(data), _trailers(body[at:])
        if at + size + 2 > len(body):
            raise _incomplete()
        data += body[at : at + size]
        at += size + 2


def _line(body: bytes, at: int) -> tuple[bytes, int]:
    end = body.find(b"\r\n", at)
    if end < 0:
        raise _incomplete()
    return body[at:end], end + 2


def _trailers(rest: bytes) -> dict[str, str]:
    lines = [line.partition(b":") for line in rest.split(b"\r\n") if b":" in line]
    return {name.decode("latin-1").strip(): value.decode("latin-1").strip() for name, _, value in lines}


def _incomplete() -> FileError:
    return FileError(400, "IncompleteBody", "The body is not whole in the encoding aws-chunked")
