"""Where devices connect to, and what an account has of itself."""

from __future__ import annotations

from tools.cloud.aws_errors import InvalidRequest
from tools.cloud.operations.catalog import operation
from tools.cloud.operations.desk import Desk

_TYPES = ("iot:Data", "iot:Data-ATS", "iot:CredentialProvider", "iot:Jobs")
_MQTT_PORT = 8883


@operation("iot", "DescribeEndpoint")
def describe_endpoint(desk: Desk, request: dict) -> dict:
    kind = request.get("endpointType", "iot:Data")
    if kind not in _TYPES:
        raise InvalidRequest(f"Invalid endpointType {kind}; allowed: {', '.join(_TYPES)}")
    # AWS's answer has no port, because there it is always 8883; here it may be another.
    port = desk.mqtt_port
    return {"endpointAddress": desk.endpoint if port == _MQTT_PORT else f"{desk.endpoint}:{port}"}


@operation("iot", "GetRegistrationCode")
def get_registration_code(desk: Desk, request: dict) -> dict:
    return {"registrationCode": desk.registry.registration_code}
