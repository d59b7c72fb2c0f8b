"""Shadows over MQTT: `$aws/things/THING/shadow[/name/NAME]/get|update|delete`, answered on `/accepted`, `/rejected`.

As with AWS, answers are ordinary messages: whoever subscribed and may receive them gets them, which is what the client
token is for. ("Device Shadow MQTT topics", AWS IoT Core developer guide)
"""

from __future__ import annotations

import re

from tools.cloud import strict_json
from tools.cloud.aws_errors import AwsError
from tools.cloud.interfaces import Client, Log
from tools.cloud.shadows import updates
from tools.cloud.shadows.shadows import Shadows
from tools.cloud.shadows.state import Json
from tools.cloud.watching import Watchers

_TOPIC = re.compile(r"\$aws/things/([^/]+)/shadow(?:/name/([^/]+))?/(get|update|delete)")
_REASONS = {429: "Too many requests", 500: "Internal service failure"}


class ShadowService:
    """`interfaces.Service` of the topics above."""

    name = "shadow"
    in_flight = 10  # AWS: more than 10 in-flight requests on a connection are rejected with 429

    def __init__(self, shadows: Shadows, watchers: Watchers, log: Log):
        self._shadows = shadows
        self._watchers = watchers
        self._log = log

    def claims(self, topic: str) -> bool:
        return _TOPIC.fullmatch(topic) is not None

    async def handle(self, client: Client, topic: str, payload: bytes) -> None:
        token = None
        try:
            request = updates.read(payload)
            token = updates.client_token(request)
            self._carry_out(topic, request, token)
        except AwsError as error:
            self._reject(client, topic, error.status, error.message, token)

    def refuse(self, client: Client, topic: str, payload: bytes, status: int) -> None:
        try:
            token = updates.client_token(updates.read(payload))
        except AwsError:
            token = None
        self._reject(client, topic, status, _REASONS[status], token)

    def _reject(self, client: Client, topic: str, code: int, message: str, token: str | None) -> None:
        self._log("shadow_rejected", client_id=client.client_id, topic=topic, code=code, reason=message)
        self._tell(f"{topic}/rejected", {"code": code, "message": message, "timestamp": self._shadows.now()}, token)

    def _carry_out(self, topic: str, request: Json, token: str | None) -> None:
        thing, name, verb = _TOPIC.fullmatch(topic).groups()
        name = name or ""
        if verb == "update":
            self._shadows.update(thing, name, request)
        elif verb == "delete":
            self._shadows.delete(thing, name, request)
        else:
            self._tell(f"{topic}/accepted", self._shadows.get(thing, name), token)

    def _tell(self, topic: str, answer: Json, token: str | None) -> None:
        if token is not None:
            answer["clientToken"] = token
        self._watchers.publish(topic, strict_json.encode(answer))
