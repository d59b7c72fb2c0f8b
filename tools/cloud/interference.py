"""What AWS does to a client for its own reasons: for `LocalCloud.interfere`, which calls it in the cloud's loop."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tools.cloud import presence

if TYPE_CHECKING:
    from tools.cloud.broker import Broker


def disconnect(broker: Broker, client_id: str) -> int:
    """End the connections of a client; returns how many there were."""
    found = [connection for connection in broker.connections.values() if connection.client_id == client_id]
    for connection in found:
        connection.end(presence.SERVER_INITIATED, "asked for")
    return len(found)


def expire_session(broker: Broker, client_id: str) -> bool:
    """Let a persistent session of a client that is away end before its time; whether there was one."""
    session = broker.sessions.get(client_id)
    if session is None or session.outlet is not None:
        return False
    broker.forget(session)
    broker.log("session_expired", client_id=client_id)
    return True
