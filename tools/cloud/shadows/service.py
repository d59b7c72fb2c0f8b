"""Shadows over MQTT: `$aws/things/THING/shadow[/name/NAME]/get|update|delete`, answered on `/accepted`, `/rejected`.

As with AWS, answers are ordinary messages: whoever subscribed and may receive them gets them, which is what the client
token is for. ("Device Shadow MQTT topics", AWS IoT Core developer guide)
"""

from __future__ import annotations

import json
import re

from tools.cloud.aws_errors import AwsError
from tools.cloud.interfaces import Client, Log
from tools.cloud.shadows import updates
from tools.cloud.shadows.shadows import Shadows
from tools.cloud.shadows.state import Json
from tools.cloud.watching import Watchers

_TOPIC = re.compile(r"\$aws/things/([^/]+)/shadow(?:/name/([^/]+))?/(get|update|delete)")


class ShadowService:
    """`interfaces.Service` of the topics above."""

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
            self._log("shadow_rejected", client_id=client.client_id, topic=topic, code=error.status, reason=str(error))
            answer = {"code": error.status, "message": error.message, "timestamp": self._shadows.now()}
            self._tell(f"{topic}/rejected", answer, token)

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
        self._watchers.publish(topic, json.dumps(answer, separators=(",", ":")).encode())
