"""Job templates, of this account and of AWS."""

from __future__ import annotations

import json

from tools.cloud.aws_errors import InvalidRequest
from tools.cloud.jobs import managed
from tools.cloud.operations.catalog import operation, refuse
from tools.cloud.operations.desk import Desk
from tools.cloud.operations.jobs import job_document
from tools.cloud.operations.tags import wanted
from tools.cloud.pages import page

_CONFIGS = (
    *("presignedUrlConfig", "jobExecutionsRolloutConfig", "abortConfig", "timeoutConfig"),
    *("jobExecutionsRetryConfig", "documentSource"),
)


@operation("iot", "CreateJobTemplate")
def create_job_template(desk: Desk, request: dict) -> dict:
    tags = wanted(request)
    refuse(request, "maintenanceWindows", "destinationPackageVersions")
    configs = {name: request[name] for name in _CONFIGS if name in request}
    if "jobArn" in request:
        document, configs = _of_job(desk, request["jobArn"], configs)
    else:
        document = job_document(desk, request)
    configs["description"] = request["description"]
    desk.registry.job_templates.create(request["jobTemplateId"], document, configs)
    desk.registry.tags.begin(desk.registry.names.job_template(request["jobTemplateId"]), tags)
    return _identified(desk, request["jobTemplateId"])


@operation("iot", "DescribeJobTemplate")
def describe_job_template(desk: Desk, request: dict) -> dict:
    row = desk.registry.job_templates.get(request["jobTemplateId"])
    configs = json.loads(row["config"])
    return {**_identified(desk, row["id"]), **configs, "document": row["document"], "createdAt": row["created_at"]}


@operation("iot", "ListJobTemplates")
def list_job_templates(desk: Desk, request: dict) -> dict:
    rows, token = page(
        desk.registry.job_templates.every(), lambda row: row["id"], request.get("maxResults"), request.get("nextToken")
    )
    listed = [
        {
            **_identified(desk, row["id"]),
            "description": json.loads(row["config"])["description"],
            "createdAt": row["created_at"],
        }
        for row in rows
    ]
    return {"jobTemplates": listed, "nextToken": token}


@operation("iot", "DeleteJobTemplate")
def delete_job_template(desk: Desk, request: dict) -> None:
    desk.registry.job_templates.delete(request["jobTemplateId"])


@operation("iot", "ListManagedJobTemplates")
def list_managed_job_templates(desk: Desk, request: dict) -> dict:
    every = [each for each in managed.TEMPLATES.values() if request.get("templateName") in (None, each.name)]
    chosen, token = page(every, lambda each: each.name, request.get("maxResults"), request.get("nextToken"))
    return {"managedJobTemplates": [_managed(desk, each) for each in chosen], "nextToken": token}


@operation("iot", "DescribeManagedJobTemplate")
def describe_managed_job_template(desk: Desk, request: dict) -> dict:
    template = managed.find(request["templateName"], request.get("templateVersion"))
    parameters = template.document_parameters()
    return {**_managed(desk, template), "documentParameters": parameters, "document": template.document()}


def _identified(desk: Desk, template_id: str) -> dict:
    return {"jobTemplateArn": desk.registry.names.job_template(template_id), "jobTemplateId": template_id}


def _managed(desk: Desk, template: managed.ManagedTemplate) -> dict:
    return {
        "templateName": template.name,
        "templateArn": desk.registry.names.managed_job_template(template.name, managed.VERSION),
        "description": template.description,
        "templateVersion": managed.VERSION,
        "environments": managed.ENVIRONMENTS,
    }


def _of_job(desk: Desk, arn: str, given: dict) -> tuple[str, dict]:
    """Document and configurations of a job that is there already; what is given goes first."""
    prefix = desk.registry.names.job("")
    if not arn.startswith(prefix):
        raise InvalidRequest(f"Not the ARN of a job of this account: {arn}")
    row = desk.registry.jobs.ledger.get(arn.removeprefix(prefix))
    configs = json.loads(row["config"])
    return configs["documentBefore"], {name: configs[name] for name in _CONFIGS if name in configs} | given
