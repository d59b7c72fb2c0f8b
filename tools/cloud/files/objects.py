"""The buckets and what is in them: one file for each object's bytes, one for what is known about it."""

from __future__ import annotations

import hashlib
import json
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

from tools.cloud.authority import write_secret
from tools.cloud.files.errors import FileError

_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
_LONGEST_KEY = 1024  # bytes
LARGEST = 64 * 1024 * 1024


@dataclass(frozen=True)
class Object:
    """What is known about one. `etag` is the MD5 in hex, as S3 has it; `modified_at` Unix seconds.

    `metadata` is the client's own: headers x-amz-meta-..., in lower case.
    """

    key: str
    size: int
    etag: str
    content_type: str
    modified_at: float
    metadata: Mapping[str, str] = field(default_factory=dict)


class Objects:
    """Everything in `folder`. Errors are `errors.FileError` with S3's codes."""

    def __init__(self, folder: Path, now: Callable[[], float] = time.time):
        self._folder = folder
        self._now = now

    def create_bucket(self, bucket: str) -> None:
        if not _BUCKET.fullmatch(bucket):
            raise FileError(400, "InvalidBucketName", f"The specified bucket is not valid: {bucket}")
        (self._folder / bucket).mkdir(parents=True, exist_ok=True, mode=0o700)

    def buckets(self) -> list[tuple[str, float]]:
        """Names with when each was last changed, in Unix seconds: when it was made is not known of a folder."""
        return sorted((path.name, path.stat().st_mtime) for path in self._folder.glob("*") if path.is_dir())

    def require_bucket(self, bucket: str) -> Path:
        folder = self._folder / bucket
        if not _BUCKET.fullmatch(bucket) or not folder.is_dir():
            raise FileError(404, "NoSuchBucket", f"The specified bucket does not exist: {bucket}")
        return folder

    def delete_bucket(self, bucket: str) -> None:
        folder = self.require_bucket(bucket)
        if any(folder.iterdir()):
            raise FileError(409, "BucketNotEmpty", "The bucket you tried to delete is not empty")
        folder.rmdir()

    def put(
        self,
        bucket: str,
        key: str,
        data: bytes,
        content_type: str = "binary/octet-stream",
        metadata: Mapping[str, str] | None = None,
    ) -> Object:
        """Keep an object, in the place of one of that key."""
        folder = self.require_bucket(bucket)
        if not 0 < len(key.encode()) <= _LONGEST_KEY:
            raise FileError(400, "KeyTooLongError", "Your key is too long")
        made = Object(key, len(data), hashlib.md5(data).hexdigest(), content_type, self._now(), metadata or {})
        stem = _stem(key)
        # The bytes under a name of their own: whoever is being sent the old ones gets those to the end.
        content, temporary = folder / f"{stem}.{made.etag}", folder / f"{stem}.new"
        temporary.write_bytes(data)
        temporary.replace(content)  # as a whole, also when the same bytes are there already
        write_secret(folder / f"{stem}.json", json.dumps(asdict(made)))
        for old in folder.glob(f"{stem}.*"):
            if old not in (content, folder / f"{stem}.json"):
                old.unlink(missing_ok=True)
        return made

    def find(self, bucket: str, key: str) -> tuple[Object, Path]:
        """What is known of an object, and the file with its bytes."""
        folder = self.require_bucket(bucket)
        try:
            found = Object(**json.loads((folder / f"{_stem(key)}.json").read_text(encoding="utf-8")))
        except FileNotFoundError:
            raise FileError(404, "NoSuchKey", f"The specified key does not exist: {key}") from None
        return found, folder / f"{_stem(key)}.{found.etag}"

    def list(self, bucket: str, prefix: str = "") -> list[Object]:
        folder = self.require_bucket(bucket)
        found = [Object(**json.loads(path.read_text(encoding="utf-8"))) for path in folder.glob("*.json")]
        return sorted((each for each in found if each.key.startswith(prefix)), key=lambda each: each.key)

    def delete(self, bucket: str, key: str) -> None:
        """Forget an object; nothing happens when it is not there, as S3 has it."""
        for path in self.require_bucket(bucket).glob(f"{_stem(key)}.*"):
            path.unlink(missing_ok=True)


def _stem(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()[:32]
