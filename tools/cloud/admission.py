"""Whether a client may connect, by AWS IoT's rules and its certificate's policies."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tools.cloud import packets
from tools.cloud.interfaces import Identity
from tools.cloud.mqtt5 import NO_QOS_2
from tools.cloud.packets import Connect, PacketError
from tools.cloud.permissions import Permissions, refusal
from tools.cloud.reserved import check_publish

if TYPE_CHECKING:
    from tools.cloud.connection import Connection


def refuse(connection: Connection, connect: Connect, identity: Identity | None) -> tuple[int, str]:
    """The CONNACK code that refuses, and why; 0: welcome, and the connection has its permissions.

    Raises PacketError for a last will that AWS IoT does not take.
    """
    client_id, limits = connect.client_id, connection.limits
    if not client_id or (client_id.startswith("$") and not connect.assigned):
        return packets.IDENTIFIER_REJECTED, "the client id must not be empty or begin with $"
    if len(client_id.encode()) > limits.client_id_bytes:
        return packets.IDENTIFIER_REJECTED, f"the client id is longer than {limits.client_id_bytes} bytes"
    reason = refusal(identity)
    if reason:
        return packets.NOT_AUTHORISED, reason
    if connect.will is not None:
        if connect.will.qos == 2:
            raise PacketError("last will of QoS 2, which AWS IoT does not have", NO_QOS_2)
        check_publish(connect.will.topic, connect.will.retain, limits)
    broker = connection.broker
    connection.permissions = Permissions(
        connection.registered, connection.certificate_der, connect, connection.source_ip
    )
    decision = connection.permissions.decide("iot:Connect", client_id)
    if not decision.allowed:
        return packets.NOT_AUTHORISED, decision.reason
    if connect.will is not None:
        decision = connection.permissions.decide_publish(connect.will.topic, connect.will.retain)
        if not decision.allowed:
            return packets.NOT_AUTHORISED, f"its last will: {decision.reason}"
    reason = broker.too_busy_for(client_id)
    return (packets.SERVER_UNAVAILABLE, reason) if reason else (packets.ACCEPTED, "")
