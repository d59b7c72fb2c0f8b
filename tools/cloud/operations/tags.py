"""Tags of resources."""

from __future__ import annotations

from tools.cloud.aws_errors import InvalidRequest
from tools.cloud.operations.catalog import operation
from tools.cloud.operations.desk import Desk
from tools.cloud.pages import page
from tools.cloud.tags import check


@operation("iot", "TagResource")
def tag_resource(desk: Desk, request: dict) -> None:
    desk.registry.tags.put(_existing(desk, request), request["tags"])


@operation("iot", "UntagResource")
def untag_resource(desk: Desk, request: dict) -> None:
    desk.registry.tags.remove(_existing(desk, request), request["tagKeys"])


@operation("iot", "ListTagsForResource")
def list_tags_for_resource(desk: Desk, request: dict) -> dict:
    tags = desk.registry.tags.of(_existing(desk, request))
    chosen, token = page(tags, lambda tag: tag["Key"], None, request.get("nextToken"))
    return {"tags": chosen, "nextToken": token}


def wanted(request: dict) -> list[dict]:
    """The tags that a resource is created with."""
    tags = request.get("tags", [])
    check(tags)
    return tags


def _existing(desk: Desk, request: dict) -> str:
    """The ARN in a request, of a resource that there is and that can have tags: things and certificates cannot."""
    arn, registry = request["resourceArn"], desk.registry
    names = registry.names
    kinds = (
        (names.policy, registry.policies.get),
        (names.thing_group, registry.thing_groups.get),
        (names.thing_type, registry.thing_types.get),
        (names.template, registry.templates.get),
        (names.job, registry.jobs.ledger.get),
        (names.job_template, registry.job_templates.get),
    )
    for named, get in kinds:
        prefix = named("")
        if arn.startswith(prefix) and len(arn) > len(prefix):
            get(arn.removeprefix(prefix))
            return arn
    raise InvalidRequest(f"Not the ARN of a resource that can be tagged: {arn}")
