"""Tags of resources: names and values that people give them, to find and to bill them. Nothing here looks at them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from tools.cloud.aws_errors import InvalidRequest
from tools.cloud.store import Store

_MOST = 50
_RESERVED = "aws:"


class Tags:
    """By ARN. Those of a resource that was deleted are forgotten when another of its name begins."""

    def __init__(self, store: Store):
        self._store = store

    def begin(self, arn: str, tags: Sequence[dict]) -> None:
        """A resource was created with these tags, in AWS's shape; `check` has found them right."""
        with self._store.transaction():
            self._store.execute("DELETE FROM tags WHERE arn = ?", arn)
            self._put(arn, tags)

    def put(self, arn: str, tags: Sequence[dict]) -> None:
        """More of them, or other values."""
        check(tags)
        with self._store.transaction():
            self._put(arn, tags)
            if len(self.of(arn)) > _MOST:
                raise InvalidRequest(f"A resource has at most {_MOST} tags")

    def remove(self, arn: str, keys: Iterable[str]) -> None:
        with self._store.transaction():
            for key in keys:
                self._store.execute("DELETE FROM tags WHERE arn = ? AND key = ?", arn, key)

    def of(self, arn: str) -> list[dict]:
        """In AWS's shape, by their keys."""
        rows = self._store.rows("SELECT key, value FROM tags WHERE arn = ? ORDER BY key", arn)
        return [{"Key": row["key"], "Value": row["value"]} for row in rows]

    def _put(self, arn: str, tags: Sequence[dict]) -> None:
        for tag in tags:
            self._store.execute("INSERT OR REPLACE INTO tags VALUES (?, ?, ?)", arn, tag["Key"], tag.get("Value", ""))


def check(tags: Sequence[dict]) -> None:
    """Raise InvalidRequest for tags that AWS refuses."""
    keys = [tag["Key"] for tag in tags]
    if len(keys) != len(set(keys)):
        raise InvalidRequest("Two tags have the same key")
    if len(keys) > _MOST:
        raise InvalidRequest(f"A resource has at most {_MOST} tags")
    if any(key.lower().startswith(_RESERVED) for key in keys):
        raise InvalidRequest(f"The key of a tag cannot begin with {_RESERVED}")
