"""What the local AWS IoT remembers: one SQLite file, which survives a restart and a kill at any moment.

Used from one thread, the one of the event loop. Every change is inside `with store.transaction():`, so what belongs
together happens together or not at all. Private keys of devices never come here: AWS does not keep them either.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path

from tools.cloud.schema import STEPS

FILE_NAME = "iot.sqlite3"


class StoreError(Exception):
    """The folder cannot be used; the message says why and what to do."""


class Store:
    def __init__(self, folder: Path):
        """Open the store in `folder`, which must exist. Raises StoreError."""
        self._lock = _lock(folder)
        self._afterwards: list[Callable[[], object]] = []
        path = folder / FILE_NAME
        try:
            # isolation_level=None: transactions begin and end only where this file says so.
            self._database = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
            self._prepare(path)
        except sqlite3.DatabaseError as error:
            self._unlock()
            raise StoreError(f"{path} is not readable ({error}): move it away to start over") from error
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
        if version > len(STEPS):
            raise StoreError(f"{path} was written by a newer version of these tools (schema {version})")
        for number, step in enumerate(STEPS[version:], version + 1):
            self._database.executescript(f"BEGIN; {step} PRAGMA user_version = {number}; COMMIT;")

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
            self._afterwards.clear()
            raise
        self._database.execute("COMMIT")
        told, self._afterwards = self._afterwards, []
        for tell in told:
            tell()

    def afterwards(self, tell: Callable[[], object]) -> None:
        """Call this once the change is stored, and not at all when it is not: for what the world is told of it."""
        if self._database.in_transaction:
            self._afterwards.append(tell)
        else:
            tell()

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
    import fcntl  # not on Windows, where `--help` and what needs no cloud must still work

    handle = os.open(folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(handle)
        raise StoreError(f"another local AWS IoT is running in {folder}: end it, or say --folder OTHER") from None
    return handle
