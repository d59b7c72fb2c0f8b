"""Fleet provisioning by claim: AWS's MQTT API for a device that wants a certificate and a name of its own.

    $aws/certificates/create/json                      keys and certificate, made here
    $aws/certificates/create-from-csr/json             a certificate for the device's own key
    $aws/provisioning-templates/TEMPLATE/provision/json    the thing, by template

Answers go to the asking connection only, on TOPIC/accepted or TOPIC/rejected. ("Device provisioning MQTT API", AWS IoT
Core developer guide.) On the topics that end in /cbor all of it is said in CBOR.
"""

from __future__ import annotations

import asyncio
import json
import re
import sqlite3
from collections.abc import Awaitable, Callable, Mapping

from tools.cloud import authority, cbor, strict_json
from tools.cloud.aws_errors import AwsError, ResourceNotFound
from tools.cloud.certificates import PENDING_ACTIVATION
from tools.cloud.cloud_faults import CloudFaults
from tools.cloud.hooks import Hook, HookRefused, ask
from tools.cloud.interfaces import Client, Log
from tools.cloud.registering import ResourceConflict, carry_out
from tools.cloud.registry import Registry
from tools.cloud.templates import TemplateError, parse
from tools.cloud.tokens import TokenError

_CREATE = "$aws/certificates/create/"
_CREATE_FROM_CSR = "$aws/certificates/create-from-csr/"
_PROVISION = re.compile(r"\$aws/provisioning-templates/([^/]+)/provision/")


class Rejection(Exception):
    """What the device is told instead."""

    def __init__(self, status: int, code: str, message: str):
        super().__init__(message)
        self.answer = {"statusCode": status, "errorCode": code, "errorMessage": message}


_REASONS = {429: ("Throttled", "Rate exceeded"), 500: ("InternalFailure", "Internal service failure")}


class Provisioning:
    """`interfaces.Service` of the topics above. `hooks` are the functions that templates name, see `hooks`."""

    name = "provisioning"
    in_flight = None

    def __init__(
        self,
        registry: Registry,
        faults: CloudFaults,
        log: Log,
        fast_keys: bool = False,
        hooks: Mapping[str, Hook] | None = None,
    ):
        self._registry = registry
        self._hooks = {} if hooks is None else hooks
        self._faults = faults
        self._log = log
        self._fast_keys = fast_keys

    def claims(self, topic: str) -> bool:
        return topic.startswith((_CREATE, _CREATE_FROM_CSR)) or _PROVISION.match(topic) is not None

    async def handle(self, client: Client, topic: str, payload: bytes) -> None:
        try:
            answer = await self._answer(client, topic, payload)
        except Rejection as rejection:
            self._reject(client, topic, rejection)
            return
        client.reply(f"{topic}/accepted", _encoded(topic, answer))

    def refuse(self, client: Client, topic: str, payload: bytes, status: int) -> None:
        self._reject(client, topic, Rejection(status, *_REASONS[status]))

    def _reject(self, client: Client, topic: str, rejection: Rejection) -> None:
        code = rejection.answer["errorCode"]
        self._log("provisioning_rejected", client_id=client.client_id, topic=topic, code=code, reason=str(rejection))
        client.reply(f"{topic}/rejected", _encoded(topic, rejection.answer))

    async def _answer(self, client: Client, topic: str, payload: bytes) -> dict:
        if self._faults.takes_throttle():
            raise Rejection(429, *_REASONS[429])
        request = _read(topic, payload)
        operation = self._operation(client, topic)
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

    def _operation(self, client: Client, topic: str) -> Callable[[dict], Awaitable[dict]]:
        if topic.startswith(_CREATE):
            return self._create_keys
        if topic.startswith(_CREATE_FROM_CSR):
            return self._create_from_csr
        template = _PROVISION.match(topic).group(1)
        return lambda request: self._provision(client, template, request)

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

    async def _provision(self, client: Client, name: str, request: dict) -> dict:
        token, parameters = request.get("certificateOwnershipToken", ""), request.get("parameters") or {}
        if not isinstance(token, str) or not _are_strings(parameters):
            raise Rejection(400, "InvalidParameters", "parameters must be strings by name, the token a string")
        registry = self._registry
        template = registry.templates.get(name)
        if not template["enabled"]:
            raise ResourceNotFound(f"Provisioning template is not enabled: {name}")
        if template["hook"] is not None:
            event = self._event(client, template, registry.tokens.certificate(token), parameters)
            parameters = parameters | await self._ask_hook(client, template["hook"], event)
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

    def _event(self, client: Client, template: sqlite3.Row, certificate_id: str, parameters: dict) -> dict:
        registry = self._registry
        return {
            "claimCertificateId": client.identity.certificate_id,
            "certificateId": certificate_id,
            "certificatePem": registry.certificates.get(certificate_id)["pem"],
            "templateArn": registry.names.template(template["name"]),
            "clientId": client.client_id,
            "parameters": parameters,
        }

    async def _ask_hook(self, client: Client, arn: str, event: dict) -> dict[str, str]:
        try:
            return await ask(self._hooks, arn, event)
        except HookRefused as refused:
            self._log("hook_refused", client_id=client.client_id, reason=str(refused))
            raise Rejection(403, "AccessDenied", "The pre-provisioning hook does not allow it") from None


def _encoded(topic: str, answer: dict) -> bytes:
    return cbor.encode(answer) if topic.endswith("/cbor") else json.dumps(answer).encode()


def _read(topic: str, payload: bytes) -> dict:
    form, read = ("Cbor", cbor.decode) if topic.endswith("/cbor") else ("Json", strict_json.loads)
    try:
        request = read(payload) if payload else {}
    except ValueError:
        raise Rejection(400, f"Invalid{form}", f"The payload is not valid {form.upper()}") from None
    if not isinstance(request, dict):
        raise Rejection(400, f"Invalid{form}", f"The payload is not a {form.upper()} object")
    return request


def _are_strings(parameters: object) -> bool:
    return isinstance(parameters, dict) and all(isinstance(value, str) for value in parameters.values())
