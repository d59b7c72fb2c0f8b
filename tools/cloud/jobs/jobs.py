"""Jobs: a document for things, and how far it has come. Raises `aws_errors`."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping, Sequence

from tools.cloud.aws_errors import (
    InvalidRequest,
    InvalidStateTransition,
    NotImplementedHere,
    ResourceAlreadyExists,
    ResourceNotFound,
)
from tools.cloud.jobs import documents
from tools.cloud.jobs.executions import Executions
from tools.cloud.jobs.pending import Pending
from tools.cloud.jobs.states import (
    CANCELED,
    IN_PROGRESS,
    JOB_CANCELED,
    JOB_COMPLETED,
    JOB_IN_PROGRESS,
    PENDING,
    SNAPSHOT,
)
from tools.cloud.names import Names
from tools.cloud.store import Store
from tools.cloud.things import Things
from tools.cloud.watching import Watchers

CONFIGS = (
    *("description", "documentSource", "presignedUrlConfig", "jobExecutionsRolloutConfig", "abortConfig"),
    *("timeoutConfig", "jobExecutionsRetryConfig", "documentParameters", "jobTemplateArn", "namespaceId"),
)
_MAX_TIMEOUT_MINUTES = 10_080


class Jobs:
    """`pending` and `executions` are for what concerns one thing."""

    def __init__(self, store: Store, names: Names, watchers: Watchers, things: Things):
        self._store = store
        self._names = names
        self._watchers = watchers
        self._things = things
        self.presign: documents.Presign | None = None  # given by who serves files
        self.pending = Pending(store, names, watchers, lambda row: json.loads(self.document_for(row)))
        self.executions = Executions(store, names, self.pending, self._ended, self._timeout_s)

    # ---- look ----

    def get(self, job_id: str) -> sqlite3.Row:
        row = self._store.row("SELECT * FROM jobs WHERE id = ?", job_id)
        if row is None:
            raise ResourceNotFound(f"Job {job_id} cannot be found.")
        return row

    def every(self) -> list[sqlite3.Row]:
        """All, the newest first."""
        return self._store.rows("SELECT * FROM jobs ORDER BY created_at DESC, rowid DESC")

    def targets(self, job_id: str) -> list[str]:
        return [row["arn"] for row in self._store.rows("SELECT arn FROM job_targets WHERE job = ?", job_id)]

    def counts(self, job_id: str) -> dict[str, int]:
        """How many things are in each state, by the latest execution of each."""
        sql = (
            "SELECT status, count(*) AS n FROM job_executions AS one WHERE job = ? AND number ="
            " (SELECT max(number) FROM job_executions WHERE job = one.job AND thing = one.thing) GROUP BY status"
        )
        return {row["status"]: row["n"] for row in self._store.rows(sql, job_id)}

    def document_for(self, execution: sqlite3.Row) -> str:
        """The job document as the execution's device gets it now."""
        row = self.get(execution["job"])
        if not documents.has_links(row["document"]):
            return row["document"]
        expires_s = config(row, "presignedUrlConfig").get("expiresInSec", documents.DEFAULT_LINK_S)
        return documents.delivered(row["document"], self._presign, expires_s)

    # ---- change ----

    def create(
        self, job_id: str, targets: Sequence[str], document: str, selection: str, configs: Mapping[str, object]
    ) -> sqlite3.Row:
        """A new job, and executions for its targets. `configs` are those of `CONFIGS` that were given."""
        self._check(document, configs)
        now = self._names.now()
        with self._store.transaction():
            if self._store.row("SELECT 1 FROM jobs WHERE id = ?", job_id):
                raise ResourceAlreadyExists(f"Job {job_id} already exists.")
            things = self._resolve(targets)
            values = (job_id, document, selection, JOB_IN_PROGRESS, json.dumps(configs), now, now)
            columns = "id, document, selection, status, config, created_at, changed_at"
            self._store.execute(f"INSERT INTO jobs ({columns}) VALUES (?, ?, ?, ?, ?, ?, ?)", *values)
            for arn in targets:
                self._store.execute("INSERT OR IGNORE INTO job_targets VALUES (?, ?)", job_id, arn)
            for thing in things:
                self.executions.queue(job_id, thing)
        return self.get(job_id)

    def cancel(self, job_id: str, force: bool, reason_code: str | None, comment: str | None) -> None:
        """No execution starts any more; by force those in progress end, too."""
        with self._store.transaction():
            row = self.get(job_id)
            if row["status"] != JOB_IN_PROGRESS:
                raise InvalidRequest(f"Job {job_id} is {row['status']} and cannot be cancelled")
            self._store.execute(
                "UPDATE jobs SET status = ?, force_canceled = ?, reason_code = ?, comment = ?, changed_at = ?,"
                " completed_at = ? WHERE id = ?",
                *(JOB_CANCELED, force, reason_code, comment, self._names.now(), self._names.now(), job_id),
            )
            for execution in self.executions.of_job(job_id):
                if execution["status"] in PENDING and (force or execution["status"] != IN_PROGRESS):
                    self.executions.end(execution, CANCELED, force=force)

    def delete(self, job_id: str, force: bool) -> None:
        """One that is still going on, or has executions in progress, goes by force only."""
        with self._store.transaction():
            row = self.get(job_id)
            executions = self.executions.of_job(job_id)
            is_active = row["status"] == JOB_IN_PROGRESS or any(each["status"] == IN_PROGRESS for each in executions)
            if is_active and not force:
                raise InvalidStateTransition(f"Job {job_id} is {row['status']}; cancel it, or set force")
            for thing in {each["thing"] for each in executions}:
                with self.pending.watched(thing):
                    self._store.execute("DELETE FROM job_executions WHERE job = ? AND thing = ?", job_id, thing)
            self._store.execute("DELETE FROM jobs WHERE id = ?", job_id)

    # ---- inside ----

    def _ended(self, execution: sqlite3.Row) -> None:
        row = self.get(execution["job"])
        if row["status"] == JOB_IN_PROGRESS and row["selection"] == SNAPSHOT:
            sql = "SELECT 1 FROM job_executions WHERE job = ? AND status IN (?, ?)"
            if not self._store.row(sql, row["id"], *PENDING):
                now = self._names.now()
                sql = "UPDATE jobs SET status = ?, changed_at = ?, completed_at = ? WHERE id = ?"
                self._store.execute(sql, JOB_COMPLETED, now, now, row["id"])

    def _timeout_s(self, job_id: str) -> float | None:
        minutes = config(self.get(job_id), "timeoutConfig").get("inProgressTimeoutInMinutes")
        return None if minutes is None else 60.0 * minutes

    def _resolve(self, targets: Sequence[str]) -> list[str]:
        """The things that targets are."""
        found: dict[str, None] = {}
        for arn in targets:
            name = self._names.thing_name(arn)
            if name is None:
                raise InvalidRequest(f"Not the ARN of a thing of this account: {arn}")
            self._things.get(name)
            found[name] = None
        return list(found)

    def _check(self, document: str, configs: Mapping[str, object]) -> None:
        documents.check(document)
        minutes = configs.get("timeoutConfig", {}).get("inProgressTimeoutInMinutes")
        if minutes is not None and not 1 <= minutes <= _MAX_TIMEOUT_MINUTES:
            raise InvalidRequest(f"inProgressTimeoutInMinutes must be between 1 and {_MAX_TIMEOUT_MINUTES}")
        if documents.has_links(document) and not configs.get("presignedUrlConfig", {}).get("roleArn"):
            raise InvalidRequest("A document with presigned links needs presignedUrlConfig with a roleArn")

    def _presign(self, bucket: str, key: str, expires_s: int) -> str:
        if self.presign is None:
            raise NotImplementedHere("This local AWS IoT serves no files: presigned links cannot be made")
        return self.presign(bucket, key, expires_s)


def config(row: sqlite3.Row, name: str) -> dict:
    """One of a job's `CONFIGS` that are structures; empty when it was not given."""
    return json.loads(row["config"]).get(name) or {}
