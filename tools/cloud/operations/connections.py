"""Who is connected, over HTTP (`iot-data`)."""

from __future__ import annotations

from tools.cloud import presence
from tools.cloud.aws_errors import ResourceNotFound
from tools.cloud.operations.catalog import operation, refuse
from tools.cloud.operations.desk import Desk
from tools.cloud.pages import page
from tools.cloud.session import Session


@operation("iot-data", "GetConnection")
def get_connection(desk: Desk, request: dict) -> dict:
    session = _session(desk, request)
    answer = {"clientId": session.client_id, "connected": session.outlet is not None, "cleanSession": session.clean}
    if session.outlet is not None and request.get("includeSocketInformation"):
        answer["sourceIp"] = session.outlet.source_ip
    return answer


@operation("iot-data", "DeleteConnection")
def delete_connection(desk: Desk, request: dict) -> None:
    """Close a client's connection, as AWS does: it may connect again at once."""
    refuse(request, "cleanSession", "preventWillMessage")
    session = _session(desk, request)
    if session.outlet is None:
        raise ResourceNotFound(f"Client {session.client_id} is not connected")
    session.outlet.end(presence.API_INITIATED, "DeleteConnection")


@operation("iot-data", "ListSubscriptions")
def list_subscriptions(desk: Desk, request: dict) -> dict:
    subscriptions = _session(desk, request).subscriptions
    chosen, token = page(sorted(subscriptions), lambda each: each, request.get("maxResults"), request.get("nextToken"))
    return {"subscriptions": [{"topicFilter": each, "qos": subscriptions[each]} for each in chosen], "nextToken": token}


def _session(desk: Desk, request: dict) -> Session:
    session = desk.broker.sessions.get(request["clientId"])
    if session is None:
        raise ResourceNotFound(f"Client {request['clientId']} has no session")
    return session
