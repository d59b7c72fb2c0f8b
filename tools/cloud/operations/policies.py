"""Policies, their versions, and what they are attached to: certificates and thing groups."""

from __future__ import annotations

from tools.cloud.aws_errors import ResourceNotFound
from tools.cloud.operations.catalog import operation, refuse
from tools.cloud.operations.desk import Desk
from tools.cloud.operations.tags import wanted
from tools.cloud.pages import page, page_by_age

_MAX_DIGITS = 18  # of a version: more than any policy gets to, and what the store can hold


@operation("iot", "CreatePolicy")
def create_policy(desk: Desk, request: dict) -> dict:
    document, tags = request["policyDocument"], wanted(request)
    row = desk.registry.policies.create(request["policyName"], document)
    desk.registry.tags.begin(desk.registry.names.policy(row["name"]), tags)
    return {**_identifiers(desk, row["name"]), "policyDocument": document, "policyVersionId": "1"}


@operation("iot", "GetPolicy")
def get_policy(desk: Desk, request: dict) -> dict:
    row = desk.registry.policies.get(request["policyName"])
    return {
        **_identifiers(desk, row["name"]),
        "policyDocument": desk.registry.policies.document(row["name"]),
        "defaultVersionId": str(row["default_version"]),
        "creationDate": row["created_at"],
        "lastModifiedDate": row["changed_at"],
        "generationId": str(row["default_version"]),
    }


@operation("iot", "ListPolicies")
def list_policies(desk: Desk, request: dict) -> dict:
    return _policies_by_age(desk, [row["name"] for row in desk.registry.policies.every()], request)


@operation("iot", "DeletePolicy")
def delete_policy(desk: Desk, request: dict) -> None:
    desk.registry.policies.delete(request["policyName"])


@operation("iot", "CreatePolicyVersion")
def create_policy_version(desk: Desk, request: dict) -> dict:
    name, document, default = request["policyName"], request["policyDocument"], request.get("setAsDefault", False)
    row = desk.registry.policies.add_version(name, document, default)
    return {
        "policyArn": desk.registry.names.policy(name),
        "policyDocument": document,
        "policyVersionId": str(row["version"]),
        "isDefaultVersion": default,
    }


@operation("iot", "GetPolicyVersion")
def get_policy_version(desk: Desk, request: dict) -> dict:
    name, number = request["policyName"], _version(request)
    row = desk.registry.policies.version(name, number)
    return {
        **_identifiers(desk, name),
        "policyDocument": row["document"],
        "policyVersionId": str(number),
        "isDefaultVersion": desk.registry.policies.get(name)["default_version"] == number,
        "creationDate": row["created_at"],
        "lastModifiedDate": row["created_at"],
        "generationId": str(number),
    }


@operation("iot", "ListPolicyVersions")
def list_policy_versions(desk: Desk, request: dict) -> dict:
    name = request["policyName"]
    default = desk.registry.policies.get(name)["default_version"]
    versions = [
        {
            "versionId": str(row["version"]),
            "isDefaultVersion": row["version"] == default,
            "createDate": row["created_at"],
        }
        for row in desk.registry.policies.versions(name)
    ]
    return {"policyVersions": versions}


@operation("iot", "SetDefaultPolicyVersion")
def set_default_policy_version(desk: Desk, request: dict) -> None:
    desk.registry.policies.set_default(request["policyName"], _version(request))


@operation("iot", "DeletePolicyVersion")
def delete_policy_version(desk: Desk, request: dict) -> None:
    desk.registry.policies.delete_version(request["policyName"], _version(request))


# ---- attachments; AWS has each under two names, the older one with "Principal" ----


@operation("iot", "AttachPolicy")
def attach_policy(desk: Desk, request: dict) -> None:
    group = _group(desk, request)
    if group is not None:
        desk.registry.policies.attach_to_group(request["policyName"], group)
    else:
        desk.registry.policies.attach(request["policyName"], _target(desk, request))


@operation("iot", "AttachPrincipalPolicy")
def attach_principal_policy(desk: Desk, request: dict) -> None:
    desk.registry.policies.attach(request["policyName"], _principal(desk, request))


@operation("iot", "DetachPolicy")
def detach_policy(desk: Desk, request: dict) -> None:
    group = _group(desk, request)
    if group is not None:
        desk.registry.policies.detach_from_group(request["policyName"], group)
    else:
        desk.registry.policies.detach(request["policyName"], _target(desk, request))


@operation("iot", "DetachPrincipalPolicy")
def detach_principal_policy(desk: Desk, request: dict) -> None:
    desk.registry.policies.detach(request["policyName"], _principal(desk, request))


@operation("iot", "ListAttachedPolicies")
def list_attached_policies(desk: Desk, request: dict) -> dict:
    group = _group(desk, request)
    if group is None:
        return _policy_page(desk, _attached(desk, _target(desk, request)), request)
    above = desk.registry.thing_groups.ancestors(group) if request.get("recursive") else []
    return _policy_page(desk, desk.registry.policies.of_groups([group, *above]), request)


@operation("iot", "ListPrincipalPolicies")
def list_principal_policies(desk: Desk, request: dict) -> dict:
    return _policies_by_age(desk, _attached(desk, _principal(desk, request)), request)


@operation("iot", "ListTargetsForPolicy")
def list_targets_for_policy(desk: Desk, request: dict) -> dict:
    arn = desk.registry.names.thing_group
    groups = [arn(name) for name in desk.registry.policies.groups(request["policyName"])]
    certificates = map(desk.registry.names.certificate, desk.registry.policies.targets(request["policyName"]))
    every = [*certificates, *groups]
    targets, marker = page(every, lambda each: each, request.get("pageSize"), request.get("marker"))
    return {"targets": targets, "nextMarker": marker}


@operation("iot", "ListPolicyPrincipals")
def list_policy_principals(desk: Desk, request: dict) -> dict:
    certificates, arn = desk.registry.certificates, desk.registry.names.certificate
    ids = desk.registry.policies.targets(request["policyName"])
    made = {arn(each): certificates.get(each)["created_at"] for each in ids}
    principals, marker = page_by_age(made, request)
    return {"principals": principals, "nextMarker": marker}


@operation("iot", "GetEffectivePolicies")
def get_effective_policies(desk: Desk, request: dict) -> dict:
    refuse(request, "cognitoIdentityPoolId")
    names = _attached(desk, _principal(desk, request)) if "principal" in request else []
    if "thingName" in request:
        thing = desk.registry.things.get(request["thingName"])["name"]
        names = list(
            dict.fromkeys((*names, *desk.registry.policies.of_groups(desk.registry.thing_groups.around(thing))))
        )
    document = desk.registry.policies.document
    return {"effectivePolicies": [{**_identifiers(desk, name), "policyDocument": document(name)} for name in names]}


def _version(request: dict) -> int:
    text = request["policyVersionId"].lstrip("0")
    if len(text) > _MAX_DIGITS:
        raise ResourceNotFound(f"Policy version not found. policyName={request['policyName']}, policyVersionId={text}")
    return int(text or 0)


def _identifiers(desk: Desk, name: str) -> dict:
    return {"policyName": name, "policyArn": desk.registry.names.policy(name)}


def _policy_page(desk: Desk, names: list[str], request: dict) -> dict:
    chosen, marker = page(names, lambda name: name, request.get("pageSize"), request.get("marker"))
    return {"policies": [_identifiers(desk, name) for name in chosen], "nextMarker": marker}


def _policies_by_age(desk: Desk, names: list[str], request: dict) -> dict:
    made = {name: desk.registry.policies.get(name)["created_at"] for name in names}
    chosen, marker = page_by_age(made, request)
    return {"policies": [_identifiers(desk, name) for name in chosen], "nextMarker": marker}


def _attached(desk: Desk, certificate_id: str) -> list[str]:
    desk.registry.certificates.get(certificate_id)
    return desk.registry.policies.of_certificate(certificate_id)


def _group(desk: Desk, request: dict) -> str | None:
    """The name of the thing group that is the target; None: it is none."""
    name = desk.registry.names.thing_group_name(request["target"])
    return None if name is None else desk.registry.thing_groups.get(name)["name"]


def _target(desk: Desk, request: dict) -> str:
    return desk.registry.names.certificate_id(request["target"])


def _principal(desk: Desk, request: dict) -> str:
    return desk.registry.names.certificate_id(request["principal"])
