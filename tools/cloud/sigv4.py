"""AWS's Signature Version 4, as a server sees it: what the signature of a request must be, and whether it is that.

Links to files are made and checked with it (`files.links`), and who opens a WebSocket is judged by it. Everybody has
the same keys here: they say that a client signs as AWS wants it, not who it is.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from urllib.parse import parse_qsl, quote

ACCESS_KEY = SECRET_KEY = "local"  # what every client of the local AWS IoT may call itself
ALGORITHM = "AWS4-HMAC-SHA256"
UNSIGNED_PAYLOAD = "UNSIGNED-PAYLOAD"
NO_PAYLOAD = hashlib.sha256().hexdigest()
_TIME = "%Y%m%dT%H%M%SZ"
_SKEW_S = 300  # between two clocks; as long is good what says nothing of its end
_IN_QUERY = {"X-Amz-Algorithm", "X-Amz-Credential", "X-Amz-Date", "X-Amz-SignedHeaders", "X-Amz-Signature"}
_IN_HEADER = re.compile(rf"{ALGORITHM} Credential=([^,\s]+),\s*SignedHeaders=([^,\s]+),\s*Signature=([0-9a-f]+)")

Query = Iterable[tuple[str, str]]


class SignatureError(Exception):
    """The request is not signed as it must be. `code` is AWS's name for it, the message is for a person."""

    def __init__(self, code: str, message: str):
        super().__init__(message)
        self.code = code


@dataclass(frozen=True)
class Signed:
    """What is signed of a request: names of `headers` are in lower case, the path is as it was sent."""

    method: str
    path: str
    query: Query
    headers: Mapping[str, str]
    payload: str  # its SHA-256 in hex, or UNSIGNED_PAYLOAD

    def signature(self, scope: str, at: str) -> str:
        """In hex; `scope` is DAY/REGION/SERVICE/aws4_request, `at` the time as AWS writes it."""
        headers = [f"{name}:{' '.join(self.headers[name].split())}\n" for name in sorted(self.headers)]
        names = ";".join(sorted(self.headers))
        canonical = "\n".join((self.method, self.path, encoded(self.query), "".join(headers), names, self.payload))
        text = "\n".join((ALGORITHM, at, scope, hashlib.sha256(_raw(canonical)).hexdigest()))
        key = f"AWS4{SECRET_KEY}".encode()
        for part in (*scope.split("/"), text):
            key = hmac.new(key, _raw(part), hashlib.sha256).digest()
        return key.hex()

    def is_signed_by(self, signature: str, scope: str, at: str) -> bool:
        """Whether this is its signature, whatever a client may have written there."""
        return hmac.compare_digest(_raw(signature), _raw(self.signature(scope, at)))


def encoded(query: Query) -> str:
    """A query as it is signed: sorted, and all but AWS's unreserved characters in percents."""
    pairs = sorted((quote(_raw(name), safe="-_.~"), quote(_raw(value), safe="-_.~")) for name, value in query)
    return "&".join(f"{name}={value}" for name, value in pairs)


def _raw(text: str) -> bytes:
    """The bytes of a text that came by HTTP, where they need not be UTF-8."""
    return text.encode(errors="surrogateescape")


def time_text(at: float) -> str:
    """Unix seconds as AWS writes them in signatures."""
    return datetime.fromtimestamp(at, timezone.utc).strftime(_TIME)


def unix_time(text: str) -> float:
    """The reverse. Raises ValueError."""
    return datetime.strptime(text, _TIME).replace(tzinfo=timezone.utc).timestamp()


@dataclass(frozen=True)
class _Claim:
    """What a request says of its signature."""

    credential: str
    at: str
    expires_s: int
    headers: tuple[str, ...]
    signature: str
    query: list[tuple[str, str]]


class Gate:
    """Lets requests without a body through that are signed for one of `services` in `region`.

    `now` gives Unix seconds; what it signs itself is for the first of them.
    """

    def __init__(self, region: str, services: Sequence[str], now: Callable[[], float]):
        self._region = region
        self._services = services
        self._now = now

    def sign(self, url_path: str, host: str, expires_s: int) -> str:
        """Path and query of a GET that is let through for `expires_s` seconds, as `host:port` that the client calls."""
        at = time_text(self._now())
        scope = self._scope_of(at, self._services[0])
        query = [
            ("X-Amz-Algorithm", ALGORITHM),
            ("X-Amz-Credential", f"{ACCESS_KEY}/{scope}"),
            ("X-Amz-Date", at),
            ("X-Amz-Expires", str(expires_s)),
            ("X-Amz-SignedHeaders", "host"),
        ]
        signature = Signed("GET", url_path, query, {"host": host}, NO_PAYLOAD).signature(scope, at)
        return f"{url_path}?{encoded(query)}&X-Amz-Signature={signature}"

    def check(self, method: str, raw_path: str, headers: Mapping[str, str]) -> None:
        """Raise SignatureError where AWS answers 403. `headers` find their names in any case."""
        path, _, query = raw_path.partition("?")
        claim = _claim(parse_qsl(query, keep_blank_values=True), headers)
        scope = self._scope(claim)
        missing = [name for name in claim.headers if name not in headers]
        if missing or "host" not in claim.headers:
            raise SignatureError("IncompleteSignatureException", f"Signed headers: {missing or 'host'} must be there")
        signed = Signed(method, path, claim.query, {name: headers[name] for name in claim.headers}, NO_PAYLOAD)
        if not signed.is_signed_by(claim.signature, scope, claim.at):
            raise SignatureError(
                "InvalidSignatureException",
                "The request signature we calculated does not match the signature you provided. Check your AWS Secret"
                f" Access Key and signing method: host is {headers['host']!r}; a session token is not signed.",
            )

    def _scope_of(self, at: str, service: str) -> str:
        return f"{at[:8]}/{self._region}/{service}/aws4_request"

    def _scope(self, claim: _Claim) -> str:
        """The scope of a claim whose keys, time, region and service are good."""
        key, _, scope = claim.credential.partition("/")
        if key != ACCESS_KEY:
            raise SignatureError("UnrecognizedClientException", f"The access key is not {ACCESS_KEY!r}: {key!r}")
        wanted = [self._scope_of(claim.at, service) for service in self._services]
        if scope not in wanted:
            raise SignatureError(
                "InvalidSignatureException", f"Credential should be scoped to {wanted[0]}, not {scope}"
            )
        begin, now = unix_time(claim.at), self._now()
        if begin - _SKEW_S > now:
            raise SignatureError("InvalidSignatureException", f"Signature not yet current: {claim.at}")
        if now > begin + claim.expires_s:
            raise SignatureError("InvalidSignatureException", f"Signature expired: {claim.at} + {claim.expires_s} s")
        return scope


def _claim(query: list[tuple[str, str]], headers: Mapping[str, str]) -> _Claim:
    given = dict(query)
    try:
        if given.keys() & _IN_QUERY:
            return _claim_of_query(query, given)
        return _claim_of_headers(query, headers)
    except (KeyError, ValueError) as error:
        message = f"The signature's parameters are not whole: {error}"
        raise SignatureError("IncompleteSignatureException", message) from None


def _claim_of_query(query: list[tuple[str, str]], given: dict[str, str]) -> _Claim:
    if given["X-Amz-Algorithm"] != ALGORITHM:
        raise ValueError(f"X-Amz-Algorithm={given['X-Amz-Algorithm']}")
    unix_time(given["X-Amz-Date"])
    # AWS IoT wants the session token added after signing, where other services want it signed.
    unsigned = ("X-Amz-Signature", "X-Amz-Security-Token")
    return _Claim(
        given["X-Amz-Credential"],
        given["X-Amz-Date"],
        int(given.get("X-Amz-Expires", _SKEW_S)),
        tuple(given["X-Amz-SignedHeaders"].lower().split(";")),
        given["X-Amz-Signature"],
        [pair for pair in query if pair[0] not in unsigned],
    )


def _claim_of_headers(query: list[tuple[str, str]], headers: Mapping[str, str]) -> _Claim:
    authorization = headers.get("Authorization")
    if authorization is None:
        raise SignatureError("MissingAuthenticationTokenException", "Missing Authentication Token")
    found = _IN_HEADER.fullmatch(authorization)
    if found is None:
        raise ValueError("Authorization is not that of Signature Version 4")
    credential, names, signature = found.groups()
    at = headers["X-Amz-Date"]
    unix_time(at)
    return _Claim(credential, at, _SKEW_S, tuple(names.lower().split(";")), signature, query)
