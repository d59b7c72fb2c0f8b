"""The rows of jobs: what they are, and how far each has come."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping

from tools.cloud.aws_errors import InvalidRequest, ResourceAlreadyExists, ResourceNotFound
from tools.cloud.jobs.states import JOB_ACTIVE
from tools.cloud.names import Names
from tools.cloud.store import Store


class Ledger:
    def __init__(self, store: Store, names: Names):
        self._store = store
        self._names = names

    def get(self, job_id: str) -> sqlite3.Row:
        row = self._store.row("SELECT * FROM jobs WHERE id = ?", job_id)
        if row is None:
            raise ResourceNotFound(f"Job {job_id} cannot be found.")
        return row

    def every(self) -> list[sqlite3.Row]:
        """All, by id."""
        return self._store.rows("SELECT * FROM jobs ORDER BY id")

    def active(self) -> list[sqlite3.Row]:
        """Those that have not ended."""
        return [row for row in self.every() if row["status"] in JOB_ACTIVE]

    def expect_active(self, job_id: str) -> sqlite3.Row:
        row = self.get(job_id)
        if row["status"] not in JOB_ACTIVE:
            raise InvalidRequest(f"Job {job_id} is {row['status']}: it cannot be changed any more")
        return row

    def counts(self, job_id: str) -> dict[str, int]:
        """How many things are in each state, by the latest execution of each."""
        sql = (
            "SELECT status, count(*) AS n FROM job_executions AS one WHERE job = ? AND number ="
            " (SELECT max(number) FROM job_executions WHERE job = one.job AND thing = one.thing) GROUP BY status"
        )
        return {row["status"]: row["n"] for row in self._store.rows(sql, job_id)}

    def add(self, job_id: str, document: str, selection: str, status: str, configs: Mapping[str, object]) -> None:
        if self._store.row("SELECT 1 FROM jobs WHERE id = ?", job_id):
            raise ResourceAlreadyExists(f"Job {job_id} already exists.", job_id, self._names.job(job_id))
        now = self._names.now()
        columns = "id, document, selection, status, config, created_at, changed_at"
        values = (job_id, document, selection, status, json.dumps(configs), now, now)
        self._store.execute(f"INSERT INTO jobs ({columns}) VALUES (?, ?, ?, ?, ?, ?, ?)", *values)

    def set(self, job_id: str, **columns: object) -> None:
        """Change columns of a job."""
        for column, value in {**columns, "changed_at": self._names.now()}.items():
            self._store.execute(f"UPDATE jobs SET {column} = ? WHERE id = ?", value, job_id)

    def remove(self, job_id: str) -> None:
        self._store.execute("DELETE FROM jobs WHERE id = ?", job_id)


def config(row: sqlite3.Row, name: str) -> dict:
    """One of a job's configurations that are structures; empty when it was not given."""
    return json.loads(row["config"]).get(name) or {}
