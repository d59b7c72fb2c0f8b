"""Who is connected, over HTTP (`iot-data`)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tools.cloud import presence
from tools.cloud.aws_errors import ResourceNotFound
from tools.cloud.operations.catalog import operation
from tools.cloud.operations.desk import Desk
from tools.cloud.pages import page
from tools.cloud.session import Session

if TYPE_CHECKING:
    from tools.cloud.connection import Connection

_TOLD_S = 30 * 60  # AWS: so long after a client has gone it is told when and why


@operation("iot-data", "GetConnection")
def get_connection(desk: Desk, request: dict) -> dict:
    session = _session(desk, request)
    connection = session.outlet
    answer = {
        "clientId": session.client_id,
        "connected": connection is not None,
        "cleanSession": session.clean,
        "sessionExpiry": 0 if session.clean else int(session.expiry_s),
    }
    if connection is None:
        return {**answer, **_absence(desk, session)}
    answer["thingName"] = _thing(connection)
    answer["keepAliveDuration"] = connection.connect.keepalive_s
    answer["connectedSince"] = _milliseconds(desk, connection.opened_at)
    if request.get("includeSocketInformation"):
        answer |= _socket(connection)
    return answer


@operation("iot-data", "DeleteConnection")
def delete_connection(desk: Desk, request: dict) -> None:
    """Close a client's connection, as AWS does: it may connect again at once."""
    session = _session(desk, request)
    if session.outlet is None:
        raise ResourceNotFound(f"Client {session.client_id} is not connected")
    if request.get("preventWillMessage"):
        session.outlet.withhold_will()
    session.outlet.end(presence.API_INITIATED, "DeleteConnection")
    if request.get("cleanSession"):
        desk.broker.forget(session)


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


def _absence(desk: Desk, session: Session) -> dict:
    if desk.broker.clock() - session.left_at > _TOLD_S:
        return {}
    return {"disconnectedSince": _milliseconds(desk, session.left_at), "disconnectReason": session.left_because}


def _thing(connection: Connection) -> str | None:
    """The one thing that the client's certificate is attached to, or of several the one with the client's name."""
    names = [thing.name for thing in connection.identity.things]
    return names[0] if len(names) == 1 else next((name for name in names if name == connection.client_id), None)


def _socket(connection: Connection) -> dict:
    transport = connection.transport
    own, port = transport.get_extra_info("sockname")[:2]
    source_port = (transport.get_extra_info("peername") or ("", None))[1]  # None: the peer has gone already
    return {"sourceIp": connection.source_ip, "sourcePort": source_port, "targetIp": own, "targetPort": port}


def _milliseconds(desk: Desk, at: float) -> int:
    """Unix time of a moment of the broker's clock."""
    return int(1000 * (desk.registry.names.now() - (desk.broker.clock() - at)))
