"""The data plane over HTTP (`iot-data`): publish, retained messages."""

from __future__ import annotations

from tools.cloud.aws_errors import InvalidRequest, RequestTooLarge, ResourceNotFound
from tools.cloud.limits import Limits
from tools.cloud.operations.catalog import operation, refuse
from tools.cloud.operations.desk import Desk
from tools.cloud.pages import page
from tools.cloud.retained import Kept
from tools.cloud.topics import TopicError, check_name

_LIMITS = Limits()


@operation("iot-data", "Publish")
def publish(desk: Desk, request: dict) -> None:
    refuse(request, "userProperties", "payloadFormatIndicator", "contentType", "responseTopic", "correlationData")
    refuse(request, "messageExpiry")  # these are MQTT 5's
    topic, payload = request["topic"], request.get("payload", b"")
    try:
        check_name(topic, _LIMITS)
    except TopicError as error:
        raise InvalidRequest(str(error)) from None
    if len(payload) > _LIMITS.payload_bytes:
        raise RequestTooLarge(f"The payload has {len(payload)} bytes; at most {_LIMITS.payload_bytes}")
    desk.broker.publish(topic, payload, request.get("qos", 0), request.get("retain", False))


@operation("iot-data", "GetRetainedMessage")
def get_retained_message(desk: Desk, request: dict) -> dict:
    topic = request["topic"]
    kept = desk.broker.retained.topics().get(topic)
    if kept is None:
        raise ResourceNotFound(f"No retained message for topic {topic}")
    return {"topic": topic, "payload": kept.payload, **_described(kept)}


@operation("iot-data", "ListRetainedMessages")
def list_retained_messages(desk: Desk, request: dict) -> dict:
    kept = desk.broker.retained.topics()
    topics, token = page(sorted(kept), lambda topic: topic, request.get("maxResults"), request.get("nextToken"))
    listed = [{"topic": each, "payloadSize": len(kept[each].payload), **_described(kept[each])} for each in topics]
    return {"retainedTopics": listed, "nextToken": token}


def _described(kept: Kept) -> dict:
    return {"qos": kept.qos, "lastModifiedTime": int(kept.changed_at * 1000)}
