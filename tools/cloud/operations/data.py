"""The data plane over HTTP (`iot-data`): publish, retained messages."""

from __future__ import annotations

from tools.cloud.aws_errors import InvalidRequest, NotImplementedHere, RequestTooLarge, ResourceNotFound
from tools.cloud.limits import Limits
from tools.cloud.operations.catalog import operation, refuse
from tools.cloud.operations.desk import Desk
from tools.cloud.pages import page
from tools.cloud.reserved import check_publish
from tools.cloud.retained import Kept
from tools.cloud.topics import TopicError

_LIMITS = Limits()


class _OverHttp:
    """Who publishes over HTTP, as a service sees it: answers that are for one connection reach nobody."""

    client_id = "http"

    def reply(self, topic: str, payload: bytes) -> bool:
        return False


@operation("iot-data", "Publish")
async def publish(desk: Desk, request: dict) -> None:
    refuse(request, "userProperties", "payloadFormatIndicator", "contentType", "responseTopic", "correlationData")
    refuse(request, "messageExpiry")  # these are MQTT 5's
    topic, payload = request["topic"], request.get("payload", b"")
    try:
        check_publish(topic, request.get("retain", False), _LIMITS)
    except TopicError as error:
        raise InvalidRequest(str(error)) from None
    if len(payload) > _LIMITS.payload_bytes:
        raise RequestTooLarge(f"The payload has {len(payload)} bytes; at most {_LIMITS.payload_bytes}")
    if topic.startswith("$"):
        await _ask_service(desk, topic, payload)
    else:
        desk.broker.publish(topic, payload, request.get("qos", 0), request.get("retain", False))


async def _ask_service(desk: Desk, topic: str, payload: bytes) -> None:
    service = next((each for each in desk.broker.services if each.claims(topic)), None)
    if service is None or service.name != "shadow":
        raise NotImplementedHere(f"Publishing to {topic} over HTTP is not part of the local AWS IoT")
    await service.handle(_OverHttp(), topic, payload)


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
