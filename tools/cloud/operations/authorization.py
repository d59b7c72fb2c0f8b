"""What a certificate may do, asked without connecting: which policies allow it, which deny it."""

from __future__ import annotations

import json
import ssl

from tools.cloud.aws_errors import InvalidRequest
from tools.cloud.operations.catalog import operation, refuse
from tools.cloud.operations.desk import Desk
from tools.cloud.packets import Connect
from tools.cloud.policy import Authority
from tools.cloud.policy_variables import ConnectionVariables

_SOURCE_IP = "127.0.0.1"
_ALLOWED, _EXPLICIT, _IMPLICIT = "ALLOWED", "EXPLICIT_DENY", "IMPLICIT_DENY"


@operation("iot", "TestAuthorization")
def test_authorization(desk: Desk, request: dict) -> dict:
    refuse(request, "cognitoIdentityPoolId")
    if "principal" not in request:
        raise InvalidRequest("The principal, the ARN of a certificate, is needed")
    if not all("actionType" in each for each in request["authInfos"]):
        raise InvalidRequest("The actionType of each of authInfos is needed")
    authorities = _authorities(desk, request)
    return {"authResults": [_result(desk, authorities, each) for each in request["authInfos"]]}


def _authorities(desk: Desk, request: dict) -> dict[str, Authority]:
    """What each policy says of the certificate, by the policy's name."""
    registry = desk.registry
    certificate = registry.certificates.get(registry.names.certificate_id(request["principal"]))
    der = ssl.PEM_cert_to_DER_cert(certificate["pem"])
    connect = Connect(request.get("clientId", ""))
    variables = ConnectionVariables(registry.connection(der), connect, _SOURCE_IP, der)
    skipped = request.get("policyNamesToSkip", ())
    names = [name for name in registry.policies_of(certificate["id"]) if name not in skipped]
    names += [name for name in request.get("policyNamesToAdd", ()) if name not in names]
    return {name: Authority((json.loads(registry.policies.document(name)),), variables) for name in names}


def _result(desk: Desk, authorities: dict[str, Authority], asked: dict) -> dict:
    action = f"iot:{asked['actionType'].capitalize()}"
    said: dict[str, set[str]] = {_ALLOWED: set(), _EXPLICIT: set(), _IMPLICIT: set()}
    verdicts = []
    for resource in asked["resources"]:
        found = {name: authority.decide(action, resource) for name, authority in authorities.items()}
        kinds = {
            name: _ALLOWED if each.allowed else _EXPLICIT if each.is_explicit else _IMPLICIT
            for name, each in found.items()
        }
        for name, kind in kinds.items():
            said[kind].add(name)
        verdicts.append(next((kind for kind in (_EXPLICIT, _ALLOWED) if kind in kinds.values()), _IMPLICIT))
    listed = {kind: {"policies": [_named(desk, name) for name in sorted(names)]} for kind, names in said.items()}
    return {
        "authInfo": asked,
        "allowed": listed[_ALLOWED],
        "denied": {"implicitDeny": listed[_IMPLICIT], "explicitDeny": listed[_EXPLICIT]},
        "authDecision": next((each for each in (_EXPLICIT, _IMPLICIT) if each in verdicts), _ALLOWED),
        "missingContextValues": [],
    }


def _named(desk: Desk, name: str) -> dict:
    return {"policyName": name, "policyArn": desk.registry.names.policy(name)}
