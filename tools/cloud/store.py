"""What the local AWS IoT remembers: one SQLite file, which survives a restart and a kill at any moment.

Used from one thread, the one of the event loop. Every change is inside `with store.transaction():`, so what belongs
together happens together or not at all. Private keys of devices never come here: AWS does not keep them either.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path

FILE_NAME = "iot.sqlite3"
_SCHEMA_VERSION = 1
_SCHEMA = """
CREATE TABLE thing_types (
    name TEXT PRIMARY KEY, id TEXT NOT NULL, properties TEXT NOT NULL, created_at REAL NOT NULL, deprecated_at REAL);
CREATE TABLE things (
    name TEXT PRIMARY KEY, id TEXT NOT NULL, type_name TEXT REFERENCES thing_types(name),
    attributes TEXT NOT NULL, version INTEGER NOT NULL);
CREATE TABLE certificates (
    id TEXT PRIMARY KEY, pem TEXT NOT NULL, status TEXT NOT NULL, mode TEXT NOT NULL,
    created_at REAL NOT NULL, changed_at REAL NOT NULL, version INTEGER NOT NULL,
    claim_template TEXT, claim_expires_at REAL);
CREATE TABLE policies (
    name TEXT PRIMARY KEY, default_version INTEGER NOT NULL, last_version INTEGER NOT NULL,
    created_at REAL NOT NULL, changed_at REAL NOT NULL);
CREATE TABLE policy_versions (
    policy TEXT NOT NULL REFERENCES policies(name) ON DELETE CASCADE, version INTEGER NOT NULL,
    document TEXT NOT NULL, created_at REAL NOT NULL, PRIMARY KEY (policy, version));
CREATE TABLE attached_policies (
    policy TEXT NOT NULL REFERENCES policies(name), certificate TEXT NOT NULL REFERENCES certificates(id),
    PRIMARY KEY (policy, certificate));
CREATE TABLE thing_principals (
    thing TEXT NOT NULL REFERENCES things(name), certificate TEXT NOT NULL REFERENCES certificates(id),
    type TEXT NOT NULL, PRIMARY KEY (thing, certificate));
CREATE TABLE templates (
    name TEXT PRIMARY KEY, description TEXT NOT NULL, enabled INTEGER NOT NULL, role TEXT NOT NULL,
    type TEXT NOT NULL, default_version INTEGER NOT NULL, last_version INTEGER NOT NULL,
    created_at REAL NOT NULL, changed_at REAL NOT NULL);
CREATE TABLE template_versions (
    template TEXT NOT NULL REFERENCES templates(name) ON DELETE CASCADE, version INTEGER NOT NULL,
    body TEXT NOT NULL, created_at REAL NOT NULL, PRIMARY KEY (template, version));
CREATE TABLE ownership_tokens (
    digest TEXT PRIMARY KEY, certificate TEXT NOT NULL REFERENCES certificates(id) ON DELETE CASCADE,
    expires_at REAL NOT NULL);
CREATE TABLE notes (key TEXT PRIMARY KEY, value TEXT NOT NULL);
"""


class StoreError(Exception):
    """The folder cannot be used; the message says why and what to do."""


class Store:
    def __init__(self, folder: Path):
        """Open the store in `folder`, which must exist. Raises StoreError."""
        self._lock = _lock(folder)
        path = folder / FILE_NAME
        try:
            # isolation_level=None: transactions begin and end only where this file says so.
            self._database = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
            self._prepare(path)
        except sqlite3.DatabaseError as error:
            self._unlock()
            raise StoreError(f"{path} is not readable ({error}): move it away to begin anew") from error
        except StoreError:
            self._unlock()
            raise

    def _prepare(self, path: Path) -> None:
        path.chmod(0o600)
        self._database.row_factory = sqlite3.Row
        # WAL with NORMAL: whatever was committed survives the death of this process; only a power cut of the
        # machine itself may take the last moments, never the consistency.
        self._database.execute("PRAGMA journal_mode = WAL")
        self._database.execute("PRAGMA synchronous = NORMAL")
        self._database.execute("PRAGMA foreign_keys = ON")
        version = self._database.execute("PRAGMA user_version").fetchone()[0]
        if version > _SCHEMA_VERSION:
            raise StoreError(f"{path} was written by a newer version of these tools (schema {version})")
        if version == 0:
            self._database.executescript(f"BEGIN; {_SCHEMA} PRAGMA user_version = {_SCHEMA_VERSION}; COMMIT;")

    @contextlib.contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing; one inside another belongs to the outer one."""
        if self._database.in_transaction:
            yield
            return
        self._database.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._database.execute("ROLLBACK")
            raise
        self._database.execute("COMMIT")

    def execute(self, sql: str, *values: object) -> int:
        """Change something; how many rows it touched."""
        return self._database.execute(sql, values).rowcount

    def row(self, sql: str, *values: object) -> sqlite3.Row | None:
        return self._database.execute(sql, values).fetchone()

    def rows(self, sql: str, *values: object) -> list[sqlite3.Row]:
        return self._database.execute(sql, values).fetchall()

    def note(self, key: str, make: str) -> str:
        """A value that is written once and kept: `make` the first time, what was kept afterwards."""
        with self.transaction():
            self.execute("INSERT OR IGNORE INTO notes VALUES (?, ?)", key, make)
        return self.row("SELECT value FROM notes WHERE key = ?", key)["value"]

    def close(self) -> None:
        self._database.close()
        self._unlock()

    def _unlock(self) -> None:
        os.close(self._lock)


def _lock(folder: Path) -> int:
    """A lock that the operating system takes back when the process dies, so that a kill leaves no stale one."""
    import fcntl  # not on Windows, where `--help` and what needs no cloud shall still work

    handle = os.open(folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(handle)
        raise StoreError(f"another local AWS IoT is running in {folder}: stop it, or choose another folder") from None
    return handle
