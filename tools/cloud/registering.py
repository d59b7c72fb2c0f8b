"""Carries out what a provisioning template asks for: the thing, its certificate's status, its policies."""

from __future__ import annotations

import json

from tools.cloud.aws_errors import InvalidRequest
from tools.cloud.registry import Registry
from tools.cloud.templates import Plan, PlannedPolicy, PlannedThing


class ResourceConflict(Exception):
    """Something is there already that the template says must not be, or must be another."""


def carry_out(registry: Registry, plan: Plan) -> None:
    """All of the plan. To be called in a transaction: what fails half-way leaves nothing behind.

    Raises AwsError and ResourceConflict.
    """
    if plan.certificate_status not in ("ACTIVE", "INACTIVE"):
        raise InvalidRequest(f"The template sets the certificate to {plan.certificate_status}; Active or Inactive")
    registry.certificates.set_status(plan.certificate_id, plan.certificate_status)
    for policy in plan.policies:
        _ensure_policy(registry, policy)
        registry.policies.attach(policy.name, plan.certificate_id)
    if plan.thing is not None:
        _ensure_thing(registry, plan.thing)
        registry.things.attach(plan.thing.name, plan.certificate_id)


def _ensure_policy(registry: Registry, policy: PlannedPolicy) -> None:
    if policy.document is None:
        registry.policies.get(policy.name)
    elif registry.policies.find(policy.name) is None:
        registry.policies.create(policy.name, policy.document)
    elif json.loads(registry.policies.document(policy.name)) != json.loads(policy.document):
        raise ResourceConflict(f"Policy {policy.name} exists with another document")


def _ensure_thing(registry: Registry, thing: PlannedThing) -> None:
    existing = registry.things.find(thing.name)
    if existing is None:
        registry.things.create(thing.name, thing.type_name, thing.attributes)
        registry.thing_groups.change(thing.name, join=thing.groups or ())
        return
    _ensure_groups(registry, thing)
    attributes, merge = _decided(thing, "AttributePayload", thing.attributes, json.loads(existing["attributes"]))
    type_name, _ = _decided(thing, "ThingTypeName", thing.type_name, existing["type_name"])
    if attributes is not None or type_name is not None:
        registry.things.update(thing.name, type_name=type_name, attributes=attributes, merge=merge)


def _ensure_groups(registry: Registry, thing: PlannedThing) -> None:
    if thing.groups is None:
        return
    existing = registry.thing_groups.of_thing(thing.name)
    groups, merge = _decided(thing, "ThingGroups", sorted(thing.groups), existing)
    if groups is not None:
        leave = () if merge else [name for name in existing if name not in groups]
        registry.thing_groups.change(thing.name, join=groups, leave=leave)


def _decided(thing: PlannedThing, setting: str, wanted: object, existing: object) -> tuple[object, bool]:
    """What to set on a thing that exists (None: leave it), and whether to merge it. The default is to replace."""
    decision = thing.overrides.get(setting, "REPLACE")
    if decision == "FAIL" and wanted != existing:
        raise ResourceConflict(f"Thing {thing.name} exists with another {setting}")
    return (wanted if decision in ("REPLACE", "MERGE") else None), decision == "MERGE"
