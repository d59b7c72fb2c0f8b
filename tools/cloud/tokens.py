"""Certificate ownership tokens: whoever holds one made this certificate and may provision a thing with it, once."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable

from tools.cloud.store import Store

LIFETIME_S = 3600.0  # AWS: "The token expires after one hour"


class TokenError(Exception):
    """The token opens nothing; the message says why."""


class OwnershipTokens:
    def __init__(self, store: Store, now: Callable[[], float]):
        self._store = store
        self._now = now

    def issue(self, certificate_id: str) -> str:
        """A new token. Only its digest is kept."""
        token = secrets.token_urlsafe(192)  # as long as AWS's are
        values = (_digest(token), certificate_id, self._now() + LIFETIME_S)
        self._store.execute("INSERT INTO ownership_tokens VALUES (?, ?, ?)", *values)
        return token

    def certificate(self, token: str) -> str:
        """The certificate that the token stands for. Raises TokenError."""
        if not token:
            raise TokenError("Certificate ownership token cannot be empty.")
        row = self._store.row("SELECT * FROM ownership_tokens WHERE digest = ?", _digest(token))
        if row is None:
            raise TokenError("Certificate ownership token is not valid, or it was used already.")
        if self._now() >= row["expires_at"]:
            raise TokenError("Certificate ownership token has expired.")
        return row["certificate"]

    def spend(self, token: str) -> None:
        """It was used: it is good for nothing any more. Expired ones go at the same time."""
        self._store.execute(
            "DELETE FROM ownership_tokens WHERE digest = ? OR expires_at <= ?", _digest(token), self._now()
        )


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
