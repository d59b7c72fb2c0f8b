"""How jobs go on by themselves: by the clock, when executions end, when things join and leave groups."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

from tools.cloud.events import Events
from tools.cloud.jobs import checks, failures, forms
from tools.cloud.jobs.executions import Executions
from tools.cloud.jobs.ledger import Ledger, config
from tools.cloud.jobs.rollout import Rollout
from tools.cloud.jobs.states import (
    CANCELED,
    IN_PROGRESS,
    JOB_CANCELED,
    JOB_COMPLETED,
    JOB_IN_PROGRESS,
    JOB_SCHEDULED,
    PENDING,
    REMOVED,
    SNAPSHOT,
)
from tools.cloud.jobs.targets import Targets
from tools.cloud.names import Names
from tools.cloud.store import Store


class Progress:
    """Its `execution_ended` is to be called for each execution that has come to its end."""

    def __init__(
        self, store: Store, names: Names, ledger: Ledger, executions: Executions, targets: Targets, events: Events
    ):
        self._events = events
        self._store = store
        self._names = names
        self._ledger = ledger
        self._executions = executions
        self._targets = targets
        self._rollout = Rollout(store, names, executions)

    def is_rolling_out(self, job_id: str) -> bool:
        return bool(self._rollout.waiting(job_id))

    def start(self, job_id: str) -> None:
        """The job's targets are to have it, from now on."""
        self._ledger.set(job_id, status=JOB_IN_PROGRESS)
        self._rollout.add(job_id, self._targets.things_of(job_id))
        self._roll_out(self._ledger.get(job_id))
        self._settle(job_id)

    def admit(self, row: sqlite3.Row, things: Sequence[str]) -> None:
        """Executions for those that have none yet, or whose last one was removed with them.

        A job that is yet to start finds them by itself when it does; one whose endTime has come takes nobody more.
        """
        if row["status"] == JOB_IN_PROGRESS and not _is_at_its_end(row, self._names.now()):
            self._rollout.add(row["id"], [thing for thing in things if self._lacks(row["id"], thing)])
            self._roll_out(row)

    def _lacks(self, job_id: str, thing: str) -> bool:
        executions = self._executions.of_both(job_id, thing)
        return not executions or executions[-1]["status"] == REMOVED

    def cancel(self, job_id: str, force: bool, reason_code: str | None, comment: str | None) -> None:
        """No execution starts any more; by force those in progress end, too."""
        with self._store.transaction():
            self._tell(job_id, "cancellation_in_progress")
            why = {"force_canceled": force, "reason_code": reason_code, "comment": comment}
            self._ledger.set(job_id, status=JOB_CANCELED, completed_at=self._names.now(), **why)
            self._rollout.remove(job_id)
            for execution in self._executions.of_job(job_id):
                if execution["status"] in PENDING and (force or execution["status"] != IN_PROGRESS):
                    self._executions.end(execution, CANCELED, force=force)
            self._tell(job_id, "canceled")

    def sweep(self) -> None:
        """Everything that is due: time-outs, scheduled starts and ends, further roll-out."""
        now = self._names.now()
        self._executions.time_out(now)
        for row in self._ledger.active():
            self._keep_schedule(row, now)
        for row in map(self._ledger.get, self._rollout.jobs()):
            if row["status"] == JOB_IN_PROGRESS:
                self._roll_out(row)

    def membership_changed(self, thing: str) -> None:
        """A thing joined or left groups, or is no more."""
        with self._store.transaction():
            for row in self._ledger.active():
                if self._targets.include(row["id"], thing):
                    if row["selection"] != SNAPSHOT:
                        self.admit(row, [thing])
                elif row["selection"] != SNAPSHOT or not self._targets.exists(thing):
                    self._drop(row["id"], thing)

    def execution_ended(self, execution: sqlite3.Row) -> None:
        """Try again, give the job up, or notice that it is complete."""
        row = self._ledger.get(execution["job"])
        if row["status"] != JOB_IN_PROGRESS:
            return
        tries = [each["status"] for each in self._executions.of_both(row["id"], execution["thing"])]
        if execution["status"] not in PENDING and failures.may_retry(config(row, "jobExecutionsRetryConfig"), tries):
            self._executions.queue(row["id"], execution["thing"], retry=execution["retry"] + 1)
            return
        criteria = config(row, "abortConfig")
        reason = failures.abort_reason(criteria, self._ledger.counts(row["id"])) if criteria else None
        if reason is not None:
            self.cancel(row["id"], False, None, f"Aborted: {reason}")
        else:
            self._settle(row["id"])

    def _keep_schedule(self, row: sqlite3.Row, now: float) -> None:
        schedule = config(row, "schedulingConfig")
        if row["status"] == JOB_SCHEDULED and now >= checks.seconds(schedule["startTime"]):
            with self._store.transaction():
                self.start(row["id"])
        elif _is_at_its_end(row, now):
            behaviour = schedule.get("endBehavior", "STOP_ROLLOUT")
            if behaviour == "STOP_ROLLOUT":
                self._rollout.remove(row["id"])
                self._settle(row["id"])
            else:
                self.cancel(row["id"], behaviour == "FORCE_CANCEL", None, "The job's endTime has come")

    def _roll_out(self, row: sqlite3.Row) -> None:
        self._rollout.advance(row["id"], config(row, "jobExecutionsRolloutConfig"))

    def _drop(self, job_id: str, thing: str) -> None:
        """The thing is none of the job's any more."""
        self._rollout.remove(job_id, thing)
        for execution in self._executions.of_both(job_id, thing):
            if execution["status"] in PENDING:
                self._executions.end(execution, REMOVED)
        self._settle(job_id)

    def _settle(self, job_id: str) -> None:
        """A snapshot is complete when nobody waits and nothing is pending."""
        row = self._ledger.get(job_id)
        if row["selection"] != SNAPSHOT or row["status"] != JOB_IN_PROGRESS or self.is_rolling_out(job_id):
            return
        if not self._executions.is_pending(job_id):
            self._ledger.set(job_id, status=JOB_COMPLETED, completed_at=self._names.now())
            details = forms.process_details(self._ledger.counts(job_id))
            self._tell(job_id, "completed", completedAt=int(self._names.now() * 1000), jobProcessDetails=details)

    def _tell(self, job_id: str, operation: str, **more: object) -> None:
        self._events.job(self._ledger.get(job_id), self._targets.of(job_id), operation, **more)


def _is_at_its_end(row: sqlite3.Row, now: float) -> bool:
    ends_at = config(row, "schedulingConfig").get("endTime")
    return ends_at is not None and now >= checks.seconds(ends_at)
