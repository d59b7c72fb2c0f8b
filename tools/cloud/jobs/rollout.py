"""Roll-out: things that a job is for wait here until its rate lets them have their executions.

Without a configuration all have them at once. A rate is of the last 60 seconds, so as many as it says go first.
"""

from __future__ import annotations

import math
import sqlite3
from collections.abc import Iterable, Mapping

from tools.cloud.jobs.executions import Executions
from tools.cloud.jobs.states import SUCCEEDED
from tools.cloud.names import Names
from tools.cloud.store import Store

_MINUTE_S = 60.0
_MAX_PER_MINUTE = 1000
_MOST_INCREASES = 73  # by the least factor, 1.1, from 1 to the maximum


def rate(config: Mapping, notified: int, succeeded: int) -> int | None:
    """How many executions a minute a jobExecutionsRolloutConfig allows by now; None: as many as there are."""
    exponential = config.get("exponentialRate")
    if exponential is None:
        return config.get("maximumPerMinute")
    criteria = exponential["rateIncreaseCriteria"]
    counted, step = (
        (notified, criteria["numberOfNotifiedThings"])
        if "numberOfNotifiedThings" in criteria
        else (succeeded, criteria["numberOfSucceededThings"])
    )
    ceiling = config.get("maximumPerMinute", _MAX_PER_MINUTE)
    increases = min(counted // step, _MOST_INCREASES)
    return min(ceiling, math.floor(exponential["baseRatePerMinute"] * exponential["incrementFactor"] ** increases))


class Rollout:
    def __init__(self, store: Store, names: Names, executions: Executions):
        self._store = store
        self._names = names
        self._executions = executions

    def add(self, job: str, things: Iterable[str]) -> None:
        """These wait for an execution now."""
        for thing in things:
            self._store.execute("INSERT OR IGNORE INTO job_waiting (job, thing) VALUES (?, ?)", job, thing)

    def waiting(self, job: str) -> list[str]:
        rows = self._store.rows("SELECT thing FROM job_waiting WHERE job = ? ORDER BY sequence", job)
        return [row["thing"] for row in rows]

    def remove(self, job: str, thing: str | None = None) -> None:
        """This thing, or none any more, waits."""
        self._store.execute("DELETE FROM job_waiting WHERE job = ? AND ? IN (thing, '')", job, thing or "")

    def jobs(self) -> list[str]:
        """The jobs that things wait for."""
        return [row["job"] for row in self._store.rows("SELECT DISTINCT job FROM job_waiting")]

    def advance(self, job: str, config: Mapping) -> None:
        """Give executions to as many as may have them now."""
        with self._store.transaction():
            things = self.waiting(job)
            allowed = rate(config, *self._counts(job))
            if allowed is not None:
                things = things[: max(0, allowed - self._in_the_last_minute(job))]
            for thing in things:
                self.remove(job, thing)
                self._executions.queue(job, thing)

    def _counts(self, job: str) -> tuple[int, int]:
        """How many things were notified, and how many of them succeeded."""
        sql = (
            "SELECT count(DISTINCT thing) AS notified, count(DISTINCT CASE status WHEN ? THEN thing END) AS succeeded"
            " FROM job_executions WHERE job = ?"
        )
        return tuple(self._store.row(sql, SUCCEEDED, job))

    def _in_the_last_minute(self, job: str) -> int:
        sql = "SELECT count(*) FROM job_executions WHERE job = ? AND retry = 0 AND queued_at > ?"
        row: sqlite3.Row = self._store.row(sql, job, self._names.now() - _MINUTE_S)
        return row[0]
