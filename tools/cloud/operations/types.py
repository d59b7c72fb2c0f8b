"""Thing types."""

from __future__ import annotations

import json

from tools.cloud.operations.catalog import operation, refuse
from tools.cloud.operations.desk import Desk
from tools.cloud.operations.tags import wanted
from tools.cloud.pages import page


@operation("iot", "CreateThingType")
def create_thing_type(desk: Desk, request: dict) -> dict:
    tags = wanted(request)
    refuse(request.get("thingTypeProperties", {}), "mqtt5Configuration")
    row = desk.registry.thing_types.create(request["thingTypeName"], request.get("thingTypeProperties", {}))
    desk.registry.tags.begin(desk.registry.names.thing_type(row["name"]), tags)
    return {**_identifiers(desk, row), "thingTypeId": row["id"]}


@operation("iot", "DescribeThingType")
def describe_thing_type(desk: Desk, request: dict) -> dict:
    row = desk.registry.thing_types.get(request["thingTypeName"])
    return {"thingTypeId": row["id"], **_described(desk, row)}


@operation("iot", "ListThingTypes")
def list_thing_types(desk: Desk, request: dict) -> dict:
    wanted = [row for row in desk.registry.thing_types.every() if request.get("thingTypeName") in (None, row["name"])]
    rows, token = page(wanted, lambda row: row["name"], request.get("maxResults"), request.get("nextToken"))
    return {"thingTypes": [_described(desk, row) for row in rows], "nextToken": token}


@operation("iot", "UpdateThingType")
def update_thing_type(desk: Desk, request: dict) -> None:
    refuse(request.get("thingTypeProperties", {}), "mqtt5Configuration")
    desk.registry.thing_types.update(request["thingTypeName"], request.get("thingTypeProperties", {}))


@operation("iot", "DeprecateThingType")
def deprecate_thing_type(desk: Desk, request: dict) -> None:
    desk.registry.thing_types.deprecate(request["thingTypeName"], request.get("undoDeprecate", False))


@operation("iot", "DeleteThingType")
def delete_thing_type(desk: Desk, request: dict) -> None:
    desk.registry.thing_types.delete(request["thingTypeName"])


def _identifiers(desk: Desk, row) -> dict:
    return {"thingTypeName": row["name"], "thingTypeArn": desk.registry.names.thing_type(row["name"])}


def _described(desk: Desk, row) -> dict:
    return {
        **_identifiers(desk, row),
        "thingTypeProperties": json.loads(row["properties"]),
        "thingTypeMetadata": {
            "deprecated": row["deprecated_at"] is not None,
            "deprecationDate": row["deprecated_at"],
            "creationDate": row["created_at"],
        },
    }
