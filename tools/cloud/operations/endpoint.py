"""Where devices connect to, and what an account has of itself."""

from __future__ import annotations

from tools.cloud.aws_errors import InvalidRequest, NotImplementedHere
from tools.cloud.operations.catalog import operation
from tools.cloud.operations.desk import Desk

_DATA, _JOBS = ("iot:Data", "iot:Data-ATS"), "iot:Jobs"
_NOT_HERE = ("iot:CredentialProvider", "iot:DeviceAdvisor")
_MQTT_PORT = 8883


@operation("iot", "DescribeEndpoint")
def describe_endpoint(desk: Desk, request: dict) -> dict:
    kind = request.get("endpointType", "iot:Data")
    if kind == _JOBS:  # the API of `iot-jobs-data`
        return {"endpointAddress": desk.control_url().removeprefix("http://")}
    if kind in _NOT_HERE:
        raise NotImplementedHere(f"What is at an endpoint of type {kind} is not part of the local AWS IoT")
    if kind not in _DATA:
        raise InvalidRequest(f"Endpoint type {kind} not recognized; known: {', '.join((*_DATA, _JOBS, *_NOT_HERE))}")
    # AWS's answer has no port, because there it is always 8883; here it may be another.
    port = desk.mqtt_port
    return {"endpointAddress": desk.endpoint if port == _MQTT_PORT else f"{desk.endpoint}:{port}"}


@operation("iot", "GetRegistrationCode")
def get_registration_code(desk: Desk, request: dict) -> dict:
    return {"registrationCode": desk.registry.registration_code}
