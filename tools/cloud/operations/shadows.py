"""Shadows over HTTP (`iot-data`)."""

from __future__ import annotations

from tools.cloud import strict_json
from tools.cloud.operations.catalog import operation
from tools.cloud.operations.desk import Desk
from tools.cloud.pages import page
from tools.cloud.shadows import updates


@operation("iot-data", "GetThingShadow")
def get_thing_shadow(desk: Desk, request: dict) -> dict:
    return _payload(desk.registry.shadows.get(request["thingName"], request.get("shadowName", "")))


@operation("iot-data", "UpdateThingShadow")
def update_thing_shadow(desk: Desk, request: dict) -> dict:
    document = updates.read(request["payload"])
    return _payload(desk.registry.shadows.update(request["thingName"], request.get("shadowName", ""), document))


@operation("iot-data", "DeleteThingShadow")
def delete_thing_shadow(desk: Desk, request: dict) -> dict:
    return _payload(desk.registry.shadows.delete(request["thingName"], request.get("shadowName", ""), {}))


@operation("iot-data", "ListNamedShadowsForThing")
def list_named_shadows_for_thing(desk: Desk, request: dict) -> dict:
    names = desk.registry.shadows.named(request["thingName"])
    chosen, token = page(names, lambda name: name, request.get("pageSize"), request.get("nextToken"))
    return {"results": chosen, "nextToken": token, "timestamp": int(desk.registry.names.now())}


def _payload(document: dict) -> dict:
    return {"payload": strict_json.encode(document)}
