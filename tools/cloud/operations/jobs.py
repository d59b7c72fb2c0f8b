"""Jobs: create, describe, list, change, cancel, delete."""

from __future__ import annotations

import json

from tools.cloud.aws_errors import InvalidRequest
from tools.cloud.jobs import documents, forms, states
from tools.cloud.operations.catalog import operation, refuse
from tools.cloud.operations.desk import Desk
from tools.cloud.operations.tags import wanted
from tools.cloud.pages import page

_CONFIGS = (
    *("description", "documentSource", "presignedUrlConfig", "jobExecutionsRolloutConfig", "abortConfig"),
    *("timeoutConfig", "jobExecutionsRetryConfig", "documentParameters", "jobTemplateArn", "schedulingConfig"),
)
# In AWS's description of every job, empty where nothing was given.
_ALWAYS_THERE = {"presignedUrlConfig": {}, "jobExecutionsRolloutConfig": {}, "timeoutConfig": {}}


@operation("iot", "CreateJob")
def create_job(desk: Desk, request: dict) -> dict:
    refuse(request, "destinationPackageVersions", "namespaceId")
    registry, tags = desk.registry, wanted(request)
    parameters = request.get("documentParameters", {})
    configs = {}
    if "jobTemplateArn" in request:
        document, configs, parameters = registry.job_templates.resolve(request["jobTemplateArn"], parameters)
    else:
        document = job_document(desk, request)
    configs |= {name: request[name] for name in _CONFIGS if name in request}
    configs["documentBefore"] = document
    selection = request.get("targetSelection", states.SNAPSHOT)
    document = documents.with_parameters(document, parameters)
    row = registry.jobs.create(request["jobId"], request["targets"], document, selection, configs)
    registry.tags.begin(registry.names.job(request["jobId"]), tags)
    return _identified(desk, row)


def job_document(desk: Desk, request: dict) -> str:
    """The document that a request gives or points to."""
    document, source = request.get("document"), request.get("documentSource")
    if (document is None) == (source is None):
        raise InvalidRequest("Either document or documentSource is needed")
    return desk.registry.jobs.fetch_document(source) if document is None else document


@operation("iot", "DescribeJob")
def describe_job(desk: Desk, request: dict) -> dict:
    refuse(request, "beforeSubstitution")
    jobs = desk.registry.jobs
    row = jobs.ledger.get(request["jobId"])
    configs = json.loads(row["config"])
    counts, targets = jobs.ledger.counts(row["id"]), jobs.targets.of(row["id"])
    source = configs.pop("documentSource", None)
    configs.pop("documentBefore")
    rolling_out = jobs.progress.is_rolling_out(row["id"])
    described = {
        **_summary(desk, row),
        **_ALWAYS_THERE,
        **configs,
        "targets": targets,
        "forceCanceled": bool(row["force_canceled"]) or None,
        "reasonCode": row["reason_code"],
        "comment": row["comment"],
        "jobProcessDetails": {
            **forms.process_details(counts),
            "processingTargets": targets if rolling_out else None,
        },
    }
    return {"job": described, "documentSource": source}


@operation("iot", "GetJobDocument")
def get_job_document(desk: Desk, request: dict) -> dict:
    row = desk.registry.jobs.ledger.get(request["jobId"])
    if request.get("beforeSubstitution"):
        return {"document": json.loads(row["config"])["documentBefore"]}
    return {"document": row["document"]}


@operation("iot", "ListJobs")
def list_jobs(desk: Desk, request: dict) -> dict:
    refuse(request, "namespaceId")
    wanted = [row for row in desk.registry.jobs.ledger.every() if _is_wanted(desk, row, request)]
    rows, token = page(wanted, lambda row: row["id"], request.get("maxResults"), request.get("nextToken"))
    return {"jobs": [_summary(desk, row) for row in rows], "nextToken": token}


@operation("iot", "UpdateJob")
def update_job(desk: Desk, request: dict) -> None:
    refuse(request, "namespaceId")
    desk.registry.jobs.update(request["jobId"], {name: request[name] for name in _CONFIGS if name in request})


@operation("iot", "AssociateTargetsWithJob")
def associate_targets_with_job(desk: Desk, request: dict) -> dict:
    refuse(request, "namespaceId")
    desk.registry.jobs.associate(request["jobId"], request["targets"], request.get("comment"))
    return _identified(desk, desk.registry.jobs.ledger.get(request["jobId"]))


@operation("iot", "CancelJob")
def cancel_job(desk: Desk, request: dict) -> dict:
    jobs = desk.registry.jobs
    jobs.cancel(request["jobId"], request.get("force", False), request.get("reasonCode"), request.get("comment"))
    return _identified(desk, jobs.ledger.get(request["jobId"]))


@operation("iot", "DeleteJob")
def delete_job(desk: Desk, request: dict) -> None:
    refuse(request, "namespaceId")
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
        "isConcurrent": desk.registry.jobs.progress.is_rolling_out(row["id"]),
    }


def _is_wanted(desk: Desk, row, request: dict) -> bool:
    targets = desk.registry.jobs.targets.of(row["id"])
    groups = [request["thingGroupName"]] if "thingGroupName" in request else []
    if "thingGroupId" in request:
        groups.append(desk.registry.thing_groups.name_of(request["thingGroupId"]))
    if any(group is None or desk.registry.names.thing_group(group) not in targets for group in groups):
        return False
    return request.get("status") in (None, row["status"]) and request.get("targetSelection") in (None, row["selection"])
