"""Which events of registry and jobs are published."""

from __future__ import annotations

from tools.cloud.operations.catalog import operation
from tools.cloud.operations.desk import Desk


@operation("iot", "DescribeEventConfigurations")
def describe_event_configurations(desk: Desk, request: dict) -> dict:
    every = desk.registry.events.configurations()
    return {"eventConfigurations": {kind: {"Enabled": is_on} for kind, is_on in every.items()}}


@operation("iot", "UpdateEventConfigurations")
def update_event_configurations(desk: Desk, request: dict) -> None:
    wanted = request.get("eventConfigurations", {})
    desk.registry.events.configure({kind: each.get("Enabled", False) for kind, each in wanted.items()})
