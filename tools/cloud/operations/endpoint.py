"""Where devices connect to, and what an account has of itself."""

from __future__ import annotations

from tools.cloud.aws_errors import InvalidRequest
from tools.cloud.operations.catalog import operation
from tools.cloud.operations.desk import Desk

_TYPES = ("iot:Data", "iot:Data-ATS", "iot:CredentialProvider", "iot:Jobs")


@operation("iot", "DescribeEndpoint")
def describe_endpoint(desk: Desk, request: dict) -> dict:
    kind = request.get("endpointType", "iot:Data")
    if kind not in _TYPES:
        raise InvalidRequest(f"Invalid endpointType {kind}; allowed: {', '.join(_TYPES)}")
    return {"endpointAddress": desk.endpoint}


@operation("iot", "GetRegistrationCode")
def get_registration_code(desk: Desk, request: dict) -> dict:
    return {"registrationCode": desk.registry.registration_code}
