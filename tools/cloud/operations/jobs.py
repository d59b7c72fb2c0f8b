"""Jobs: create, describe, list, cancel, delete."""

from __future__ import annotations

import json

from tools.cloud.aws_errors import InvalidRequest
from tools.cloud.jobs import states
from tools.cloud.jobs.jobs import CONFIGS
from tools.cloud.operations.catalog import operation, refuse
from tools.cloud.operations.desk import Desk
from tools.cloud.pages import page

# State of an execution -> what jobProcessDetails calls its number.
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


@operation("iot", "CreateJob")
def create_job(desk: Desk, request: dict) -> dict:
    refuse(request, "tags", "schedulingConfig", "destinationPackageVersions", "jobTemplateArn", "documentSource")
    refuse(request, "jobExecutionsRolloutConfig", "abortConfig", "jobExecutionsRetryConfig", "documentParameters")
    document = request.get("document")
    if document is None:
        raise InvalidRequest("A job needs a document")
    configs = {name: request[name] for name in CONFIGS if name in request}
    selection = request.get("targetSelection", states.SNAPSHOT)
    row = desk.registry.jobs.create(request["jobId"], request["targets"], document, selection, configs)
    return _identified(desk, row)


@operation("iot", "DescribeJob")
def describe_job(desk: Desk, request: dict) -> dict:
    jobs = desk.registry.jobs
    row = jobs.get(request["jobId"])
    configs = json.loads(row["config"])
    counts = jobs.counts(row["id"])
    described = {
        **_summary(desk, row),
        **configs,
        "targets": jobs.targets(row["id"]),
        "forceCanceled": bool(row["force_canceled"]) or None,
        "reasonCode": row["reason_code"],
        "comment": row["comment"],
        "jobProcessDetails": {name: counts.get(state, 0) for state, name in _COUNTED.items()},
    }
    return {"job": described, "documentSource": described.pop("documentSource", None)}


@operation("iot", "GetJobDocument")
def get_job_document(desk: Desk, request: dict) -> dict:
    return {"document": desk.registry.jobs.get(request["jobId"])["document"]}


@operation("iot", "ListJobs")
def list_jobs(desk: Desk, request: dict) -> dict:
    refuse(request, "thingGroupName", "thingGroupId")
    wanted = [row for row in desk.registry.jobs.every() if _is_wanted(row, request)]
    wanted.sort(key=lambda row: row["id"])
    rows, token = page(wanted, lambda row: row["id"], request.get("maxResults"), request.get("nextToken"))
    return {"jobs": [_summary(desk, row) for row in rows], "nextToken": token}


@operation("iot", "CancelJob")
def cancel_job(desk: Desk, request: dict) -> dict:
    jobs = desk.registry.jobs
    jobs.cancel(request["jobId"], request.get("force", False), request.get("reasonCode"), request.get("comment"))
    return _identified(desk, jobs.get(request["jobId"]))


@operation("iot", "DeleteJob")
def delete_job(desk: Desk, request: dict) -> None:
    desk.registry.jobs.delete(request["jobId"], request.get("force", False))


def _identified(desk: Desk, row) -> dict:
    description = json.loads(row["config"]).get("description")
    return {"jobArn": desk.registry.names.job(row["id"]), "jobId": row["id"], "description": description}


def _summary(desk: Desk, row) -> dict:
    return {
        "jobArn": desk.registry.names.job(row["id"]),
        "jobId": row["id"],
        "targetSelection": row["selection"],
        "status": row["status"],
        "createdAt": row["created_at"],
        "lastUpdatedAt": row["changed_at"],
        "completedAt": row["completed_at"],
        "isConcurrent": False,
    }


def _is_wanted(row, request: dict) -> bool:
    return request.get("status") in (None, row["status"]) and request.get("targetSelection") in (None, row["selection"])
