"""Fleet provisioning by claim: AWS's MQTT API for a device that wants a certificate and a name of its own.

    $aws/certificates/create/json                      keys and certificate, made here
    $aws/certificates/create-from-csr/json             a certificate for the device's own key
    $aws/provisioning-templates/TEMPLATE/provision/json    the thing, by template

Answers go to the asking connection only, on TOPIC/accepted or TOPIC/rejected. ("Device provisioning MQTT API", AWS IoT
Core developer guide. Payloads in CBOR are rejected.)
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Awaitable, Callable

from tools.cloud import authority, strict_json
from tools.cloud.aws_errors import AwsError, ResourceNotFound
from tools.cloud.certificates import PENDING_ACTIVATION
from tools.cloud.cloud_faults import CloudFaults
from tools.cloud.interfaces import Client, Log
from tools.cloud.registering import ResourceConflict, carry_out
from tools.cloud.registry import Registry
from tools.cloud.templates import TemplateError, parse
from tools.cloud.tokens import TokenError

_CREATE = "$aws/certificates/create/"
_CREATE_FROM_CSR = "$aws/certificates/create-from-csr/"
_PROVISION = re.compile(r"\$aws/provisioning-templates/([^/]+)/provision/")
# {"statusCode": 400, "errorCode": "InvalidCbor"} with its message, in CBOR: a client that speaks it understands this.
_CBOR_MESSAGE = b"The local AWS IoT speaks JSON: use the topics that end in /json"
_CBOR_REJECTION = (
    b"\xa3\x6astatusCode\x19\x01\x90\x69errorCode\x6eUnsupportedCbor\x6cerrorMessage\x78"
    + bytes([len(_CBOR_MESSAGE)])
    + _CBOR_MESSAGE
)


class Rejection(Exception):
    """What the device is told instead."""

    def __init__(self, status: int, code: str, message: str):
        super().__init__(message)
        self.answer = {"statusCode": status, "errorCode": code, "errorMessage": message}


class Provisioning:
    """`interfaces.Service` of the topics above."""

    def __init__(self, registry: Registry, faults: CloudFaults, log: Log, fast_keys: bool = False):
        self._registry = registry
        self._faults = faults
        self._log = log
        self._fast_keys = fast_keys

    def claims(self, topic: str) -> bool:
        return topic.startswith((_CREATE, _CREATE_FROM_CSR)) or _PROVISION.match(topic) is not None

    async def handle(self, client: Client, topic: str, payload: bytes) -> None:
        if topic.endswith("/cbor"):
            client.reply(f"{topic}/rejected", _CBOR_REJECTION)
            return
        try:
            answer = await self._answer(topic, payload)
        except Rejection as rejection:
            code = rejection.answer["errorCode"]
            self._log(
                "provisioning_rejected", client_id=client.client_id, topic=topic, code=code, reason=str(rejection)
            )
            client.reply(f"{topic}/rejected", json.dumps(rejection.answer).encode())
            return
        client.reply(f"{topic}/accepted", json.dumps(answer).encode())

    async def _answer(self, topic: str, payload: bytes) -> dict:
        if self._faults.takes_throttle():
            raise Rejection(429, "Throttled", "Rate exceeded")
        request = _read(payload)
        operation = self._operation(topic)
        try:
            return await operation(request)
        except AwsError as error:
            raise Rejection(error.status, error.code.removesuffix("Exception"), error.message) from None
        except TokenError as error:
            raise Rejection(400, "InvalidCertificateOwnershipToken", str(error)) from None
        except TemplateError as error:
            raise Rejection(400, "InvalidParameters", str(error)) from None
        except ResourceConflict as error:
            raise Rejection(409, "ResourceConflicts", str(error)) from None

    def _operation(self, topic: str) -> Callable[[dict], Awaitable[dict]]:
        if topic.startswith(_CREATE):
            return self._create_keys
        if topic.startswith(_CREATE_FROM_CSR):
            return self._create_from_csr
        template = _PROVISION.match(topic).group(1)
        return lambda request: self._provision(template, request)

    async def _create_keys(self, request: dict) -> dict:
        # An RSA key takes some 20 to 300 ms: not in the event loop.
        key = await asyncio.get_running_loop().run_in_executor(None, authority.new_device_key, self._fast_keys)
        registry = self._registry
        with registry.store.transaction():
            row = registry.certificates.create(key.public_key(), PENDING_ACTIVATION)
            token = registry.tokens.issue(row["id"])
        self._log("certificate_created", certificate=row["id"])
        return {
            "certificateId": row["id"],
            "certificatePem": row["pem"],
            "privateKey": authority.key_pem(key),
            "certificateOwnershipToken": token,
        }

    async def _create_from_csr(self, request: dict) -> dict:
        csr = request.get("certificateSigningRequest")
        if not isinstance(csr, str) or not csr:
            raise Rejection(400, "InvalidParameters", "certificateSigningRequest cannot be empty.")
        registry = self._registry
        with registry.store.transaction():
            row = registry.certificates.create_from_request(csr, PENDING_ACTIVATION)
            token = registry.tokens.issue(row["id"])
        self._log("certificate_created", certificate=row["id"])
        return {"certificateId": row["id"], "certificatePem": row["pem"], "certificateOwnershipToken": token}

    async def _provision(self, name: str, request: dict) -> dict:
        token, parameters = request.get("certificateOwnershipToken", ""), request.get("parameters") or {}
        if not isinstance(token, str) or not _are_strings(parameters):
            raise Rejection(400, "InvalidParameters", "parameters must be strings by name, the token a string")
        registry = self._registry
        template = registry.templates.get(name)
        if not template["enabled"]:
            raise ResourceNotFound(f"Provisioning template is not enabled: {name}")
        with registry.store.transaction():
            certificate_id = registry.tokens.certificate(token)
            plan = parse(registry.templates.body(name)).evaluate(parameters, certificate_id)
            if plan.certificate_id != certificate_id:
                raise Rejection(403, "AccessDenied", "The template names a certificate that the token is not for")
            carry_out(registry, plan)
            registry.tokens.spend(token)
        thing = plan.thing.name if plan.thing else None
        self._log("provisioned", thing=thing, certificate=certificate_id, template=name)
        return {"deviceConfiguration": dict(plan.device_configuration), "thingName": thing}


def _read(payload: bytes) -> dict:
    try:
        request = strict_json.loads(payload or b"{}")
    except ValueError:
        raise Rejection(400, "InvalidJson", "The payload is not valid JSON") from None
    if not isinstance(request, dict):
        raise Rejection(400, "InvalidJson", "The payload is not a JSON object")
    return request


def _are_strings(parameters: object) -> bool:
    return isinstance(parameters, dict) and all(isinstance(value, str) for value in parameters.values())
