"""Links that expire: AWS's presigned URLs (Signature Version 4 in the query), made and checked.

As those that AWS IoT puts into job documents they carry the session token of a role, and are about 1.5 KB long.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Container
from urllib.parse import parse_qsl, quote, urlsplit

from tools.cloud.files.errors import FileError, OldSignature
from tools.cloud.sigv4 import ACCESS_KEY, ALGORITHM, UNSIGNED_PAYLOAD, Signed, encoded, time_text, unix_time

_TOKEN_BYTES = 700  # of a session token
_LONGEST_S = 7 * 24 * 3600


class Links:
    """Makes links below `base` ("https://host"), and says whether one is good. `now` gives Unix seconds."""

    def __init__(self, region: str, now: Callable[[], float] = time.time):
        self.base = ""  # known once the server listens
        self._region = region
        self._now = now

    def presign(self, bucket: str, key: str, expires_s: int, method: str = "GET") -> str:
        """A link to an object, good for `expires_s` seconds. The object need not be there yet."""
        at = time_text(self._now())
        url = f"{self.base}/{quote(f'{bucket}/{key}', safe='/~')}"
        query = {
            "X-Amz-Algorithm": ALGORITHM,
            "X-Amz-Credential": f"{ACCESS_KEY}/{at[:8]}/{self._region}/s3/aws4_request",
            "X-Amz-Date": at,
            "X-Amz-Expires": str(expires_s),
            "X-Amz-Security-Token": secrets.token_hex(_TOKEN_BYTES // 2),
            "X-Amz-SignedHeaders": "host",
        }
        parts = urlsplit(url)
        signed = _signed(method, parts.netloc, parts.path, query)
        query["X-Amz-Signature"] = signed.signature(*_scope_and_time(query))
        return f"{url}?{encoded(query.items())}"

    def check(self, method: str, host: str, path: str, query: str) -> None:
        """Raise the error that S3 answers to a link that was tampered with, has expired, or is none."""
        given = dict(parse_qsl(query, keep_blank_values=True))
        if is_signed_by_version_2("", given):
            raise OldSignature()
        signature = given.pop("X-Amz-Signature", None)
        if signature is None:
            raise FileError(403, "AccessDenied", "Access Denied: the link has no signature")
        try:
            begin = unix_time(given["X-Amz-Date"])
            expires_s = int(given["X-Amz-Expires"])
            key, _, region, service, _ = given["X-Amz-Credential"].split("/")
        except (KeyError, ValueError):
            raise FileError(400, "AuthorizationQueryParametersError", "The link's parameters are not whole") from None
        if key != ACCESS_KEY or region != self._region or service != "s3" or not 0 < expires_s <= _LONGEST_S:
            raise FileError(400, "AuthorizationQueryParametersError", "The link's parameters are not valid here")
        if not _signed(method, host, path, given).is_signed_by(signature, *_scope_and_time(given)):
            raise FileError(403, "SignatureDoesNotMatch", "The request signature does not match: the link was changed")
        if not begin - 900 <= self._now() <= begin + expires_s:
            raise FileError(403, "AccessDenied", "Request has expired")


def is_signed_by_version_2(authorization: str, query: Container[str]) -> bool:
    """Whether a request is, in its header Authorization or in its link."""
    return authorization.startswith("AWS ") or ("AWSAccessKeyId" in query and "Signature" in query)


def _signed(method: str, host: str, path: str, query: dict[str, str]) -> Signed:
    return Signed(method, path, query.items(), {"host": host}, UNSIGNED_PAYLOAD)


def _scope_and_time(query: dict[str, str]) -> tuple[str, str]:
    return query["X-Amz-Credential"].partition("/")[2], query["X-Amz-Date"]
