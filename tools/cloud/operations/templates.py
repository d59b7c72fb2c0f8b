"""Provisioning templates, and claim certificates for them."""

from __future__ import annotations

import asyncio

from tools.cloud import authority
from tools.cloud.aws_errors import InvalidRequest, NotImplementedHere
from tools.cloud.certificates import ACTIVE
from tools.cloud.operations.catalog import operation
from tools.cloud.operations.desk import Desk
from tools.cloud.operations.tags import wanted
from tools.cloud.pages import page
from tools.cloud.provisioning_templates import FLEET_PROVISIONING

_HOOK_VERSION = "2020-04-01"
_CLAIM_LIFETIME_S = 300.0  # AWS: "The certificate expires five minutes after it is created"


@operation("iot", "CreateProvisioningTemplate")
def create_provisioning_template(desk: Desk, request: dict) -> dict:
    tags = wanted(request)
    if request.get("type", FLEET_PROVISIONING) != FLEET_PROVISIONING:
        raise NotImplementedHere(f"Templates of type {request['type']} are not part of the local AWS IoT")
    row = desk.registry.templates.create(
        request["templateName"],
        request["templateBody"],
        request["provisioningRoleArn"],
        description=request.get("description", ""),
        enabled=request.get("enabled", False),
        hook=request.get("preProvisioningHook", {}).get("targetArn"),
    )
    desk.registry.tags.begin(desk.registry.names.template(row["name"]), tags)
    return {**_identifiers(desk, row["name"]), "defaultVersionId": row["default_version"]}


@operation("iot", "DescribeProvisioningTemplate")
def describe_provisioning_template(desk: Desk, request: dict) -> dict:
    row = desk.registry.templates.get(request["templateName"])
    return {
        **_summary(desk, row),
        "defaultVersionId": row["default_version"],
        "templateBody": desk.registry.templates.body(row["name"]),
        "provisioningRoleArn": row["role"],
        "preProvisioningHook": {"payloadVersion": _HOOK_VERSION, "targetArn": row["hook"]} if row["hook"] else None,
    }


@operation("iot", "ListProvisioningTemplates")
def list_provisioning_templates(desk: Desk, request: dict) -> dict:
    rows, token = page(
        desk.registry.templates.every(), lambda row: row["name"], request.get("maxResults"), request.get("nextToken")
    )
    return {"templates": [_summary(desk, row) for row in rows], "nextToken": token}


@operation("iot", "UpdateProvisioningTemplate")
def update_provisioning_template(desk: Desk, request: dict) -> None:
    columns = {
        "description": "description",
        "enabled": "enabled",
        "provisioningRoleArn": "role",
        "defaultVersionId": "default_version",
    }
    changes = {column: request[name] for name, column in columns.items() if name in request}
    if "preProvisioningHook" in request:
        changes["hook"] = request["preProvisioningHook"]["targetArn"]
    elif request.get("removePreProvisioningHook"):
        changes["hook"] = None
    desk.registry.templates.update(request["templateName"], changes)


@operation("iot", "DeleteProvisioningTemplate")
def delete_provisioning_template(desk: Desk, request: dict) -> None:
    desk.registry.templates.delete(request["templateName"])


@operation("iot", "CreateProvisioningTemplateVersion")
def create_provisioning_template_version(desk: Desk, request: dict) -> dict:
    name, default = request["templateName"], request.get("setAsDefault", False)
    row = desk.registry.templates.add_version(name, request["templateBody"], default)
    return {**_identifiers(desk, name), "versionId": row["version"], "isDefaultVersion": default}


@operation("iot", "DescribeProvisioningTemplateVersion")
def describe_provisioning_template_version(desk: Desk, request: dict) -> dict:
    row = desk.registry.templates.version(request["templateName"], request["versionId"])
    return {**_version(desk, row), "templateBody": row["body"]}


@operation("iot", "ListProvisioningTemplateVersions")
def list_provisioning_template_versions(desk: Desk, request: dict) -> dict:
    rows, token = page(
        desk.registry.templates.versions(request["templateName"]),
        lambda row: f"{row['version']:09}",
        request.get("maxResults"),
        request.get("nextToken"),
    )
    return {"versions": [_version(desk, row) for row in rows], "nextToken": token}


@operation("iot", "DeleteProvisioningTemplateVersion")
def delete_provisioning_template_version(desk: Desk, request: dict) -> None:
    desk.registry.templates.delete_version(request["templateName"], request["versionId"])


@operation("iot", "CreateProvisioningClaim")
async def create_provisioning_claim(desk: Desk, request: dict) -> dict:
    registry, name = desk.registry, request["templateName"]
    if not registry.templates.get(name)["enabled"]:
        raise InvalidRequest(f"Provisioning template {name} is not enabled")
    key = await asyncio.get_running_loop().run_in_executor(None, authority.new_device_key, desk.fast_keys)
    expires_at = registry.names.now() + _CLAIM_LIFETIME_S
    with registry.store.transaction():
        row = registry.certificates.create(key.public_key(), ACTIVE)
        registry.certificates.mark_as_claim(row["id"], name, expires_at)
    pair = {"PublicKey": authority.public_pem(key.public_key()), "PrivateKey": authority.key_pem(key)}
    return {"certificateId": row["id"], "certificatePem": row["pem"], "keyPair": pair, "expiration": expires_at}


def _identifiers(desk: Desk, name: str) -> dict:
    return {"templateArn": desk.registry.names.template(name), "templateName": name}


def _summary(desk: Desk, row) -> dict:
    return {
        **_identifiers(desk, row["name"]),
        "description": row["description"],
        "creationDate": row["created_at"],
        "lastModifiedDate": row["changed_at"],
        "enabled": bool(row["enabled"]),
        "type": row["type"],
    }


def _version(desk: Desk, row) -> dict:
    default = desk.registry.templates.get(row["template"])["default_version"]
    return {
        "versionId": row["version"],
        "creationDate": row["created_at"],
        "isDefaultVersion": row["version"] == default,
    }
