"""Lifecycle events: what AWS IoT publishes on `$aws/events/...` when devices come, go and subscribe.

Shapes as in "Lifecycle events" of the AWS IoT Core developer guide.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tools.cloud.connection import Connection

# Disconnect reasons of AWS, as far as they occur here.
API_INITIATED = "API_INITIATED_DISCONNECT"
AUTH_ERROR = "AUTH_ERROR"
CLIENT_INITIATED = "CLIENT_INITIATED_DISCONNECT"
CLIENT_ERROR = "CLIENT_ERROR"
CONNECTION_LOST = "CONNECTION_LOST"
DUPLICATE_CLIENT_ID = "DUPLICATE_CLIENTID"
FORBIDDEN_ACCESS = "FORBIDDEN_ACCESS"
KEEP_ALIVE_TIMEOUT = "MQTT_KEEP_ALIVE_TIMEOUT"
SERVER_ERROR = "SERVER_ERROR"
SERVER_INITIATED = "SERVER_INITIATED_DISCONNECT"
THROTTLED = "THROTTLED"
WEBSOCKET_TTL = "WEBSOCKET_TTL_EXPIRATION"


def connected(client_id: str, principal: str, session: str, version: int, source_ip: str) -> tuple[str, bytes]:
    """Topic and payload; `version` counts the connections of this client, so that late events can be told."""
    event = _event(client_id, "connected", principal, session)
    return _presence("connected", client_id, event, ipAddress=source_ip, versionNumber=version)


def disconnected(client_id: str, principal: str, session: str, version: int, reason: str) -> tuple[str, bytes]:
    event = _event(client_id, "disconnected", principal, session)
    by_client = {"clientInitiatedDisconnect": reason == CLIENT_INITIATED}
    return _presence("disconnected", client_id, event, **by_client, disconnectReason=reason, versionNumber=version)


def connect_failed(client_id: str, principal: str, session: str, source_ip: str) -> tuple[str, bytes]:
    event = _event(client_id, "connect_failed", principal, session)
    return _presence(
        "connect_failed", client_id, event, connectFailureReason="AUTHORIZATION_FAILED", ipAddress=source_ip
    )


def subscribed(
    client_id: str, principal: str, session: str, topics: list[str], verb: str = "subscribed"
) -> tuple[str, bytes]:
    """`verb` is "subscribed" or "unsubscribed"."""
    event = _event(client_id, verb, principal, session)
    return f"$aws/events/subscriptions/{verb}/{client_id}", json.dumps({**event, "topics": topics}).encode()


def _event(client_id: str, kind: str, principal: str, session: str) -> dict:
    return {
        "clientId": client_id,
        "timestamp": int(time.time() * 1000),
        "eventType": kind,
        "sessionIdentifier": session,
        "principalIdentifier": principal,
    }


def _presence(kind: str, client_id: str, event: dict, **more: object) -> tuple[str, bytes]:
    return f"$aws/events/presence/{kind}/{client_id}", json.dumps({**event, **more}).encode()


class Presence:
    """Tells who comes, goes and subscribes, by `publish(topic, payload)`; remembers the versions of `limit` clients.

    A client id with a wildcard in it has no events, as with AWS: it cannot be part of a topic.
    """

    def __init__(self, publish: Callable[[str, bytes], object], limit: int):
        self._publish = publish
        self._limit = limit
        self._versions: dict[str, int] = {}

    def connected(self, connection: Connection) -> None:
        version = connection.lifecycle_version = self._next_version(connection.client_id)
        self._tell(connection, connected, version, connection.source_ip)

    def disconnected(self, connection: Connection, reason: str) -> None:
        self._tell(connection, disconnected, connection.lifecycle_version, reason)

    def connect_failed(self, connection: Connection) -> None:
        """A registered client was not authorised to connect."""
        self._tell(connection, connect_failed, connection.source_ip)

    def subscribed(self, connection: Connection, filters: list[str], verb: str = "subscribed") -> None:
        if filters:
            self._tell(connection, subscribed, filters, verb)

    def _tell(self, connection: Connection, event: Callable[..., tuple[str, bytes]], *details: object) -> None:
        client_id = connection.client_id
        if "#" not in client_id and "+" not in client_id:
            self._publish(*event(client_id, connection.identity.certificate_id, connection.session_id, *details))

    def _next_version(self, client_id: str) -> int:
        version = self._versions.pop(client_id, -1) + 1
        self._versions[client_id] = version  # at the end: whoever has been silent the longest is forgotten first
        if len(self._versions) > self._limit:
            del self._versions[next(iter(self._versions))]
        return version
