"""Thing groups: make, describe, list, change, delete, and their members."""

from __future__ import annotations

import json

from tools.cloud.aws_errors import InvalidRequest
from tools.cloud.operations.catalog import operation, refuse
from tools.cloud.operations.desk import Desk
from tools.cloud.operations.tags import wanted
from tools.cloud.pages import page


@operation("iot", "CreateThingGroup")
def create_thing_group(desk: Desk, request: dict) -> dict:
    tags = wanted(request)
    properties = request.get("thingGroupProperties", {})
    row = desk.registry.thing_groups.create(
        request["thingGroupName"],
        request.get("parentGroupName"),
        properties.get("thingGroupDescription"),
        properties.get("attributePayload", {}).get("attributes", {}),
    )
    arn = desk.registry.names.thing_group(row["name"])
    desk.registry.tags.begin(arn, tags)
    return {"thingGroupName": row["name"], "thingGroupArn": arn, "thingGroupId": row["id"]}


@operation("iot", "DescribeThingGroup")
def describe_thing_group(desk: Desk, request: dict) -> dict:
    groups = desk.registry.thing_groups
    row = groups.get(request["thingGroupName"])
    attributes = json.loads(row["attributes"])
    return {
        "thingGroupName": row["name"],
        "thingGroupId": row["id"],
        "thingGroupArn": desk.registry.names.thing_group(row["name"]),
        "version": row["version"],
        "thingGroupProperties": {
            "thingGroupDescription": row["description"],
            "attributePayload": {"attributes": attributes} if attributes else None,
        },
        "thingGroupMetadata": {
            "parentGroupName": row["parent"],
            "rootToParentThingGroups": [_named(desk, name) for name in groups.ancestors(row["name"])] or None,
            "creationDate": row["created_at"],
        },
    }


@operation("iot", "ListThingGroups")
def list_thing_groups(desk: Desk, request: dict) -> dict:
    groups = desk.registry.thing_groups
    parent, prefix = request.get("parentGroup"), request.get("namePrefixFilter", "")
    if parent is not None:
        groups.get(parent)

    def is_wanted(row) -> bool:
        above = [None, *groups.ancestors(row["name"])] if request.get("recursive", True) else [row["parent"]]
        return row["name"].startswith(prefix) and parent in above

    return _page_of_groups(desk, [row["name"] for row in groups.every() if is_wanted(row)], request)


@operation("iot", "UpdateThingGroup")
def update_thing_group(desk: Desk, request: dict) -> dict:
    properties = request["thingGroupProperties"]
    payload = properties.get("attributePayload", {})
    version = desk.registry.thing_groups.update(
        request["thingGroupName"],
        description=properties.get("thingGroupDescription"),
        attributes=payload.get("attributes"),
        merge=payload.get("merge", False),
        expected_version=request.get("expectedVersion"),
    )
    return {"version": version}


@operation("iot", "DeleteThingGroup")
def delete_thing_group(desk: Desk, request: dict) -> None:
    desk.registry.thing_groups.delete(request["thingGroupName"], request.get("expectedVersion"))


@operation("iot", "AddThingToThingGroup")
def add_thing_to_thing_group(desk: Desk, request: dict) -> None:
    refuse(request, "overrideDynamicGroups")
    thing, group = _addressed(desk, request)
    desk.registry.thing_groups.change(thing, join=[group])


@operation("iot", "RemoveThingFromThingGroup")
def remove_thing_from_thing_group(desk: Desk, request: dict) -> None:
    thing, group = _addressed(desk, request)
    desk.registry.thing_groups.change(thing, leave=[group])


@operation("iot", "UpdateThingGroupsForThing")
def update_thing_groups_for_thing(desk: Desk, request: dict) -> None:
    refuse(request, "overrideDynamicGroups")
    join, leave = request.get("thingGroupsToAdd", ()), request.get("thingGroupsToRemove", ())
    if "thingName" not in request:
        raise InvalidRequest("thingName is needed")
    desk.registry.thing_groups.change(request["thingName"], join, leave)


@operation("iot", "ListThingsInThingGroup")
def list_things_in_thing_group(desk: Desk, request: dict) -> dict:
    things = desk.registry.thing_groups.members(request["thingGroupName"], request.get("recursive", False))
    chosen, token = page(things, lambda name: name, request.get("maxResults"), request.get("nextToken"))
    return {"things": chosen, "nextToken": token}


@operation("iot", "ListThingGroupsForThing")
def list_thing_groups_for_thing(desk: Desk, request: dict) -> dict:
    desk.registry.things.get(request["thingName"])
    return _page_of_groups(desk, desk.registry.thing_groups.of_thing(request["thingName"]), request)


def _addressed(desk: Desk, request: dict) -> tuple[str, str]:
    """Thing and group, each by its name or its ARN."""
    names = desk.registry.names
    thing = request.get("thingName") or names.thing_name(request.get("thingArn", ""))
    group = request.get("thingGroupName") or names.thing_group_name(request.get("thingGroupArn", ""))
    if thing is None or group is None:
        raise InvalidRequest("A thing and a thing group are needed, each by its name or its ARN in this account")
    return thing, group


def _named(desk: Desk, name: str) -> dict:
    return {"groupName": name, "groupArn": desk.registry.names.thing_group(name)}


def _page_of_groups(desk: Desk, names: list[str], request: dict) -> dict:
    chosen, token = page(names, lambda name: name, request.get("maxResults"), request.get("nextToken"))
    return {"thingGroups": [_named(desk, name) for name in chosen], "nextToken": token}
