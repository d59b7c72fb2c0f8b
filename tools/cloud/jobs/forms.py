"""Jobs and executions in the forms that AWS gives them: to devices and to `iot-jobs-data`, whole seconds in both."""

from __future__ import annotations

import json
import math
import sqlite3
from collections.abc import Mapping

from tools.cloud.jobs import states

# State of an execution -> what jobProcessDetails calls the number of things in it.
_COUNTED = {
    states.CANCELED: "numberOfCanceledThings",
    states.SUCCEEDED: "numberOfSucceededThings",
    states.FAILED: "numberOfFailedThings",
    states.REJECTED: "numberOfRejectedThings",
    states.QUEUED: "numberOfQueuedThings",
    states.IN_PROGRESS: "numberOfInProgressThings",
    states.REMOVED: "numberOfRemovedThings",
    states.TIMED_OUT: "numberOfTimedOutThings",
}


def process_details(counts: Mapping[str, int]) -> dict[str, int]:
    """The numbers of JobProcessDetails."""
    return {name: counts.get(state, 0) for state, name in _COUNTED.items()}


def summary(row: sqlite3.Row) -> dict:
    """JobExecutionSummary."""
    return _without_none(
        {
            "jobId": row["job"],
            "queuedAt": _seconds(row["queued_at"]),
            "startedAt": _seconds(row["started_at"]),
            "lastUpdatedAt": _seconds(row["changed_at"]),
            "versionNumber": row["version"],
            "executionNumber": row["number"],
        }
    )


def state(row: sqlite3.Row) -> dict:
    """JobExecutionState."""
    return {"status": row["status"], "statusDetails": json.loads(row["details"]), "versionNumber": row["version"]}


def execution(row: sqlite3.Row, now: float) -> dict:
    """JobExecution without its document."""
    details = json.loads(row["details"])
    return _without_none(
        {
            **summary(row),
            "thingName": row["thing"],
            "status": row["status"],
            "statusDetails": details if details or row["status"] != states.QUEUED else None,
            "approximateSecondsBeforeTimedOut": seconds_left(row, now),
        }
    )


def seconds_left(row: sqlite3.Row, now: float) -> int | None:
    """Until an execution times out by whichever of its clocks is first; None: it does not."""
    ends = [at for at in (row["times_out_at"], row["step_times_out_at"]) if at is not None]
    return max(0, math.ceil(min(ends) - now)) if ends else None


def _seconds(at: float | None) -> int | None:
    return None if at is None else int(at)


def _without_none(form: dict) -> dict:
    return {key: value for key, value in form.items() if value is not None}
