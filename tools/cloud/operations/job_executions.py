"""Executions of jobs, as an operator sees them: describe, list, cancel, delete."""

from __future__ import annotations

import json

from tools.cloud.jobs import forms
from tools.cloud.operations.catalog import operation, refuse
from tools.cloud.operations.desk import Desk
from tools.cloud.pages import page


@operation("iot", "DescribeJobExecution")
def describe_job_execution(desk: Desk, request: dict) -> dict:
    executions = desk.registry.jobs.executions
    row = executions.get(request["jobId"], request["thingName"], request.get("executionNumber"))
    described = {
        **_summary(row),
        "jobId": row["job"],
        "thingArn": desk.registry.names.thing(row["thing"]),
        "statusDetails": {"detailsMap": json.loads(row["details"])},
        "forceCanceled": bool(row["force_canceled"]) or None,
        "versionNumber": row["version"],
        "approximateSecondsBeforeTimedOut": forms.seconds_left(row, desk.registry.names.now()),
    }
    described.pop("retryAttempt")
    return {"execution": described}


@operation("iot", "ListJobExecutionsForJob")
def list_job_executions_for_job(desk: Desk, request: dict) -> dict:
    desk.registry.jobs.ledger.get(request["jobId"])
    rows, token = _page(desk.registry.jobs.executions.of_job(request["jobId"]), request)
    summaries = [
        {"thingArn": desk.registry.names.thing(row["thing"]), "jobExecutionSummary": _summary(row)} for row in rows
    ]
    return {"executionSummaries": summaries, "nextToken": token}


@operation("iot", "ListJobExecutionsForThing")
def list_job_executions_for_thing(desk: Desk, request: dict) -> dict:
    refuse(request, "namespaceId")
    desk.registry.things.get(request["thingName"])
    every = desk.registry.jobs.executions.of_thing(request["thingName"])
    rows, token = _page([row for row in every if request.get("jobId") in (None, row["job"])], request)
    summaries = [{"jobId": row["job"], "jobExecutionSummary": _summary(row)} for row in rows]
    return {"executionSummaries": summaries, "nextToken": token}


@operation("iot", "CancelJobExecution")
def cancel_job_execution(desk: Desk, request: dict) -> None:
    desk.registry.jobs.executions.cancel(
        request["jobId"],
        request["thingName"],
        request.get("force", False),
        request.get("expectedVersion"),
        request.get("statusDetails"),
    )


@operation("iot", "DeleteJobExecution")
def delete_job_execution(desk: Desk, request: dict) -> None:
    refuse(request, "namespaceId")
    desk.registry.jobs.executions.delete(
        request["jobId"], request["thingName"], request["executionNumber"], request.get("force", False)
    )


def _page(rows: list, request: dict) -> tuple[list, str | None]:
    wanted = [row for row in rows if request.get("status") in (None, row["status"])]
    return page(wanted, lambda row: f"{row['sequence']:012}", request.get("maxResults"), request.get("nextToken"))


def _summary(row) -> dict:
    return {
        "status": row["status"],
        "queuedAt": row["queued_at"],
        "startedAt": row["started_at"],
        "lastUpdatedAt": row["changed_at"],
        "executionNumber": row["number"],
        "retryAttempt": row["retry"],
    }
