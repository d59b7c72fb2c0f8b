"""The list of pending executions of a thing, and what the thing is told when that list changes.

$aws/things/THING/jobs/notify        an execution was added to the list, or has left it
$aws/things/THING/jobs/notify-next   another one is the first
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Callable, Iterator

from tools.cloud import strict_json
from tools.cloud.jobs import forms
from tools.cloud.jobs.states import IN_PROGRESS, QUEUED
from tools.cloud.names import Names
from tools.cloud.store import Store
from tools.cloud.watching import Watchers

LISTED = 10  # AWS lists no more of them
_ORDER = "ORDER BY status = 'QUEUED', queued_at, sequence"  # those in progress first

Document = Callable[[sqlite3.Row], object]  # the job document of an execution, as its device gets it


class Pending:
    def __init__(self, store: Store, names: Names, watchers: Watchers, document: Document):
        self._store = store
        self._names = names
        self._watchers = watchers
        self._document = document
        self._watched: set[str] = set()

    def of(self, thing: str) -> list[sqlite3.Row]:
        """Those in progress, then those queued, each in the order in which they were queued."""
        sql = f"SELECT * FROM job_executions WHERE thing = ? AND status IN (?, ?) {_ORDER}"
        return self._store.rows(sql, thing, QUEUED, IN_PROGRESS)

    def next(self, thing: str) -> sqlite3.Row | None:
        return next(iter(self.of(thing)), None)

    @contextlib.contextmanager
    def watched(self, thing: str) -> Iterator[None]:
        """Changes to a thing's executions belong in here, inside a transaction: the thing is told of them after it."""
        if thing in self._watched:
            yield
            return
        before = self.of(thing)
        self._watched.add(thing)
        try:
            yield
        finally:
            self._watched.discard(thing)
        after = self.of(thing)
        if {each["sequence"] for each in before} != {each["sequence"] for each in after}:
            self._tell(thing, "notify", {"jobs": _by_status(after)})
        if _first(before) != _first(after):
            self._tell(thing, "notify-next", self._next_form(after))

    def _next_form(self, after: list[sqlite3.Row]) -> dict:
        if not after:
            return {}
        form = forms.execution(after[0], self._names.now())
        del form["thingName"]
        return {"execution": {**form, "jobDocument": self._document(after[0])}}

    def _tell(self, thing: str, what: str, news: dict) -> None:
        payload = strict_json.encode({"timestamp": int(self._names.now()), **news})
        self._store.afterwards(lambda: self._watchers.publish(f"$aws/things/{thing}/jobs/{what}", payload))


def _first(rows: list[sqlite3.Row]) -> int | None:
    return rows[0]["sequence"] if rows else None


def _by_status(rows: list[sqlite3.Row]) -> dict[str, list[dict]]:
    listed: dict[str, list[dict]] = {}
    for row in rows[:LISTED]:
        listed.setdefault(row["status"], []).append(forms.summary(row))
    return listed
