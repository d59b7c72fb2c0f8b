"""Things: make, describe, list, change, delete."""

from __future__ import annotations

import json

from tools.cloud.operations.catalog import operation, refuse
from tools.cloud.operations.desk import Desk
from tools.cloud.pages import page


@operation("iot", "CreateThing")
def create_thing(desk: Desk, request: dict) -> dict:
    refuse(request, "billingGroupName")
    attributes = request.get("attributePayload", {}).get("attributes", {})
    row = desk.registry.things.create(request["thingName"], request.get("thingTypeName"), attributes)
    return {"thingName": row["name"], "thingArn": desk.registry.names.thing(row["name"]), "thingId": row["id"]}


@operation("iot", "DescribeThing")
def describe_thing(desk: Desk, request: dict) -> dict:
    row = desk.registry.things.get(request["thingName"])
    return {"defaultClientId": row["name"], "thingId": row["id"], **_described(desk, row)}


@operation("iot", "ListThings")
def list_things(desk: Desk, request: dict) -> dict:
    wanted = [row for row in desk.registry.things.every() if _is_wanted(row, request)]
    rows, token = page(wanted, lambda row: row["name"], request.get("maxResults"), request.get("nextToken"))
    return {"things": [_described(desk, row) for row in rows], "nextToken": token}


@operation("iot", "UpdateThing")
def update_thing(desk: Desk, request: dict) -> None:
    payload = request.get("attributePayload", {})
    desk.registry.things.update(
        request["thingName"],
        type_name=request.get("thingTypeName"),
        remove_type=request.get("removeThingType", False),
        attributes=payload.get("attributes"),
        merge=payload.get("merge", False),
        expected_version=request.get("expectedVersion"),
    )


@operation("iot", "DeleteThing")
def delete_thing(desk: Desk, request: dict) -> None:
    desk.registry.things.delete(request["thingName"], request.get("expectedVersion"))


def _described(desk: Desk, row) -> dict:
    return {
        "thingName": row["name"],
        "thingArn": desk.registry.names.thing(row["name"]),
        "thingTypeName": row["type_name"],
        "attributes": json.loads(row["attributes"]),
        "version": row["version"],
    }


def _is_wanted(row, request: dict) -> bool:
    if request.get("thingTypeName") not in (None, row["type_name"]):
        return False
    name, value = request.get("attributeName"), request.get("attributeValue")
    if name is None:
        return True
    own = json.loads(row["attributes"]).get(name)
    if own is None or value is None:
        return own is not None
    return own.startswith(value) if request.get("usePrefixAttributeValue") else own == value
