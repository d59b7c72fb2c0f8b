"""The data plane over HTTP (`iot-data`): publish, retained messages."""

from __future__ import annotations

import base64
import json

from tools.cloud import properties
from tools.cloud.aws_errors import InvalidRequest, NotImplementedHere, RequestTooLarge, ResourceNotFound
from tools.cloud.limits import Limits
from tools.cloud.operations.catalog import operation
from tools.cloud.operations.desk import Desk
from tools.cloud.pages import page
from tools.cloud.reserved import check_publish
from tools.cloud.retained import Kept
from tools.cloud.session import Message
from tools.cloud.topics import TopicError

_LIMITS = Limits()
_LONGEST_EXPIRY_S = 0xFFFFFFFF  # as MQTT 5 writes it, in four bytes


class _OverHttp:
    """Who publishes over HTTP, as a service sees it: answers that are for one connection reach nobody."""

    client_id = "http"

    def reply(self, topic: str, payload: bytes) -> bool:
        return False


@operation("iot-data", "Publish")
async def publish(desk: Desk, request: dict) -> None:
    topic, payload = request["topic"], request.get("payload", b"")
    try:
        check_publish(topic, request.get("retain", False), _LIMITS)
    except TopicError as error:
        raise InvalidRequest(str(error)) from None
    if len(payload) > _LIMITS.payload_bytes:
        raise RequestTooLarge(f"The payload has {len(payload)} bytes; at most {_LIMITS.payload_bytes}")
    if not 0 <= request.get("messageExpiry", 0) <= _LONGEST_EXPIRY_S:
        raise InvalidRequest(f"messageExpiry must be between 0 and {_LONGEST_EXPIRY_S} seconds")
    if topic.startswith("$"):
        await _ask_service(desk, topic, payload, request.get("qos", 0))
    else:
        message = Message(topic, payload, request.get("qos", 0), carried=_carried(request))
        if "messageExpiry" in request:
            message.expire_in(request["messageExpiry"])
        desk.broker.route(message, request.get("retain", False))


def _carried(request: dict) -> bytes:
    """The properties of MQTT 5 in a request, as a client of MQTT 5 would have sent them."""
    formats = {"UNSPECIFIED_BYTES": 0, "UTF8_DATA": 1}
    return properties.encode(
        {
            "payload_format": formats.get(request.get("payloadFormatIndicator")),
            "content_type": request.get("contentType"),
            "response_topic": request.get("responseTopic"),
            "correlation_data": _correlation(request.get("correlationData")),
            "user": _user_properties(request.get("userProperties")),
        }
    )


def _correlation(text: str | None) -> bytes | None:
    try:
        return None if text is None else base64.b64decode(text, validate=True)
    except ValueError:
        raise InvalidRequest("correlationData is not base64") from None


def _user_properties(header: str | None) -> list[tuple[str, str]] | None:
    """JSON in base64, `[{"name": "value"}, ...]`, as pairs."""
    if header is None:
        return None
    try:
        listed = json.loads(base64.b64decode(header, validate=True))
        listed = json.loads(listed) if isinstance(listed, str) else listed  # boto3 was given a text
        pairs = [pair for each in listed for pair in each.items()]
    except (ValueError, TypeError, AttributeError):
        pairs = [("", None)]
    if not all(isinstance(text, str) for _, text in pairs):
        raise InvalidRequest('userProperties must be a list of objects: [{"name": "value"}]')
    return pairs


async def _ask_service(desk: Desk, topic: str, payload: bytes, qos: int) -> None:
    service = next((each for each in desk.broker.services if each.claims(topic)), None)
    if service is None or service.name != "shadow":
        raise NotImplementedHere(f"Publishing to {topic} over HTTP is not part of the local AWS IoT")
    desk.broker.route(Message(topic, payload, qos), False)  # shadow requests are heard by who subscribes to them
    await service.handle(_OverHttp(), topic, payload)


@operation("iot-data", "GetRetainedMessage")
def get_retained_message(desk: Desk, request: dict) -> dict:
    topic = request["topic"]
    kept = desk.broker.retained.topics().get(topic)
    if kept is None:
        raise ResourceNotFound(f"No retained message for topic {topic}")
    users = properties.decode(kept.message.carried).get("user")
    listed = json.dumps([{name: value} for name, value in users]).encode() if users else None
    return {"topic": topic, "payload": kept.payload, "userProperties": listed, **_described(kept)}


@operation("iot-data", "ListRetainedMessages")
def list_retained_messages(desk: Desk, request: dict) -> dict:
    kept = desk.broker.retained.topics()
    topics, token = page(sorted(kept), lambda topic: topic, request.get("maxResults"), request.get("nextToken"))
    listed = [{"topic": each, "payloadSize": len(kept[each].payload), **_described(kept[each])} for each in topics]
    return {"retainedTopics": listed, "nextToken": token}


def _described(kept: Kept) -> dict:
    return {"qos": kept.qos, "lastModifiedTime": int(kept.changed_at * 1000)}
