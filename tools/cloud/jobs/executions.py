"""Executions: one job on one thing, from QUEUED to its end. Raises `aws_errors`."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Mapping

from tools.cloud.aws_errors import InvalidRequest, InvalidStateTransition, ResourceNotFound, VersionConflict
from tools.cloud.events import Events
from tools.cloud.jobs import forms
from tools.cloud.jobs.pending import Pending
from tools.cloud.jobs.states import CANCELED, IN_PROGRESS, PENDING, QUEUED, REPORTED, TERMINAL, TIMED_OUT
from tools.cloud.names import Names
from tools.cloud.store import Store

_MAX_DETAILS, _MAX_DETAIL = 10, 1024
_MAX_STEP_MINUTES, _NO_STEP_TIMEOUT = 10_080, -1


class Executions:
    """`ended(row)` is called for each execution that came to its end, `timeout_s(job)` gives its time in progress."""

    def __init__(
        self,
        store: Store,
        names: Names,
        pending: Pending,
        events: Events,
        ended: Callable[[sqlite3.Row], None],
        timeout_s: Callable[[str], float | None],
    ):
        self._store = store
        self._names = names
        self._pending = pending
        self._events = events
        self._ended = ended
        self._timeout_s = timeout_s

    # ---- look ----

    def get(self, job: str, thing: str, number: int | None = None) -> sqlite3.Row:
        """One execution, the latest unless a number is given."""
        sql = "SELECT * FROM job_executions WHERE job = ? AND thing = ? AND ? IN (number, -1) ORDER BY number DESC"
        row = self._store.row(sql, job, thing, -1 if number is None else number)
        if row is None:
            raise ResourceNotFound(f"Job execution of job {job} on thing {thing} cannot be found")
        return row

    def of_job(self, job: str) -> list[sqlite3.Row]:
        return self._store.rows("SELECT * FROM job_executions WHERE job = ? ORDER BY sequence", job)

    def of_both(self, job: str, thing: str) -> list[sqlite3.Row]:
        """One thing's executions of a job: first the one that it had first."""
        sql = "SELECT * FROM job_executions WHERE job = ? AND thing = ? ORDER BY number"
        return self._store.rows(sql, job, thing)

    def is_pending(self, job: str) -> bool:
        """Has any thing yet to end it?"""
        sql = "SELECT 1 FROM job_executions WHERE job = ? AND status IN (?, ?) LIMIT 1"
        return self._store.row(sql, job, *PENDING) is not None

    def of_thing(self, thing: str) -> list[sqlite3.Row]:
        return self._store.rows("SELECT * FROM job_executions WHERE thing = ? ORDER BY sequence", thing)

    # ---- what the cloud does ----

    def queue(self, job: str, thing: str, retry: int = 0) -> None:
        """A new execution; the next number when there have been others."""
        now = self._names.now()
        with self._store.transaction(), self._pending.watched(thing):
            sql = "SELECT max(number) AS last FROM job_executions WHERE job = ? AND thing = ?"
            number = (self._store.row(sql, job, thing)["last"] or 0) + 1
            self._store.execute(
                "INSERT INTO job_executions (job, thing, number, status, retry, queued_at, changed_at)"
                " VALUES (?, ?, ?, ?, ?, ?, ?)",
                *(job, thing, number, QUEUED, retry, now, now),
            )

    def end(self, row: sqlite3.Row, status: str, *, details: Mapping[str, str] | None = None, force: bool = False):
        """Bring a pending execution to its end."""
        self._write(row, status, details, force_canceled=int(force and row["status"] == IN_PROGRESS))

    def cancel(self, job: str, thing: str, force: bool, version: int | None, details: Mapping[str, str] | None) -> None:
        """One that is in progress is cancelled by force only."""
        check_details(details)
        with self._store.transaction():
            row = self.get(job, thing)
            _expect_version(row, version)
            if row["status"] in TERMINAL or (row["status"] == IN_PROGRESS and not force):
                hint = "; set force to cancel it" if row["status"] == IN_PROGRESS else ""
                raise InvalidStateTransition(f"The job execution is {row['status']}{hint}", forms.state(row))
            self.end(row, CANCELED, details=details, force=force)

    def delete(self, job: str, thing: str, number: int, force: bool) -> None:
        """Forget an execution. One that has not ended goes by force only."""
        with self._store.transaction(), self._pending.watched(thing):
            row = self.get(job, thing, number)
            if row["status"] in PENDING and not force:
                raise InvalidStateTransition(f"The job execution is {row['status']}; set force to delete it")
            self._store.execute("DELETE FROM job_executions WHERE sequence = ?", row["sequence"])
            self._events.execution(row, "deleted")
            if row["status"] in PENDING:
                self._ended(row)

    def forget(self, job: str, thing: str) -> None:
        """All executions of a job on a thing."""
        with self._store.transaction(), self._pending.watched(thing):
            self._store.execute("DELETE FROM job_executions WHERE job = ? AND thing = ?", job, thing)

    def time_out(self, now: float) -> None:
        """End those whose time in progress, or whose step's time, is over."""
        sql = "SELECT * FROM job_executions WHERE status = ? AND (times_out_at <= ? OR step_times_out_at <= ?)"
        for row in self._store.rows(sql, IN_PROGRESS, now, now):
            self.end(row, TIMED_OUT)

    # ---- what a device does ----

    def start_next(self, thing: str, request: Mapping) -> sqlite3.Row | None:
        """The next pending execution, in progress now; None when there is none. One that was so stays as it is."""
        details, step = request.get("statusDetails"), request.get("stepTimeoutInMinutes")
        check_details(details)
        _check_step(step)
        with self._store.transaction():
            row = self._pending.next(thing)
            if row is not None and row["status"] == QUEUED:
                return self._write(row, IN_PROGRESS, details, step)
            return row

    def update(self, job: str, thing: str, request: Mapping) -> sqlite3.Row:
        """UpdateJobExecution's parameters, carried out; the execution as it is then."""
        status, details, step = request["status"], request.get("statusDetails"), request.get("stepTimeoutInMinutes")
        check_details(details)
        _check_step(step)
        if status not in REPORTED:
            raise InvalidRequest(f"A device does not set the status {status}; it reports {', '.join(REPORTED)}")
        with self._store.transaction():
            row = self.get(job, thing, request.get("executionNumber"))
            _expect_version(row, request.get("expectedVersion"))
            if row["status"] in TERMINAL:
                message = f"The job execution is {row['status']} and cannot become {status}"
                raise InvalidStateTransition(message, forms.state(row))
            return self._write(row, status, details, step)

    def _write(
        self,
        row: sqlite3.Row,
        status: str,
        details: Mapping[str, str] | None,
        step_minutes: int | None = None,
        force_canceled: int = 0,
    ) -> sqlite3.Row:
        now = self._names.now()
        with self._store.transaction(), self._pending.watched(row["thing"]):
            self._store.execute(
                "UPDATE job_executions SET status = ?, details = ?, version = version + 1, changed_at = ?,"
                " started_at = ?, times_out_at = ?, step_times_out_at = ?, force_canceled = ? WHERE sequence = ?",
                *(status, row["details"] if details is None else json.dumps(details), now),
                *self._times(row, status, step_minutes, now),
                *(force_canceled, row["sequence"]),
            )
            row = self._store.row("SELECT * FROM job_executions WHERE sequence = ?", row["sequence"])
            if status in TERMINAL:
                self._events.execution(row, status.lower())
                self._ended(row)
        return row

    def _times(self, row: sqlite3.Row, status: str, step_minutes: int | None, now: float) -> tuple:
        """When it was started, when it times out, when its step does. Only what is in progress times out."""
        if status != IN_PROGRESS:
            return row["started_at"], None, None
        ends_at, step_ends_at = row["times_out_at"], row["step_times_out_at"]
        if row["status"] == QUEUED:
            timeout_s = self._timeout_s(row["job"])
            ends_at = None if timeout_s is None else now + timeout_s
        if step_minutes is not None:
            step_ends_at = None if step_minutes == _NO_STEP_TIMEOUT else now + 60 * step_minutes
        return row["started_at"] or now, ends_at, step_ends_at


def check_details(details: Mapping[str, str] | None) -> None:
    """Raise InvalidRequest for status details beyond what the service model checks."""
    if details is None:
        return
    if len(details) > _MAX_DETAILS:
        raise InvalidRequest(f"statusDetails has {len(details)} pairs; at most {_MAX_DETAILS}")
    for key, value in details.items():
        if len(value) > _MAX_DETAIL:
            raise InvalidRequest(f"statusDetails: the value of {key} is longer than {_MAX_DETAIL} characters")


def _check_step(minutes: int | None) -> None:
    if minutes is not None and minutes != _NO_STEP_TIMEOUT and not 1 <= minutes <= _MAX_STEP_MINUTES:
        raise InvalidRequest(f"stepTimeoutInMinutes must be between 1 and {_MAX_STEP_MINUTES}, or -1 for none")


def _expect_version(row: sqlite3.Row, version: int | None) -> None:
    if version is not None and version != row["version"]:
        message = f"The job execution has version {row['version']}, not the expected version {version}"
        raise VersionConflict(message, forms.state(row))
