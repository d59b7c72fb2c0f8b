"""SUBSCRIBE and UNSUBSCRIBE of a connection: what is granted, what is refused, and what ends it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tools.cloud import packets, presence
from tools.cloud.mqtt5 import INVALID_FILTER, NOT_AUTHORISED
from tools.cloud.packets import PacketError
from tools.cloud.reserved import check_subscribe
from tools.cloud.shares import share_of

if TYPE_CHECKING:
    from tools.cloud.connection import Connection

_WITHOUT_EFFECT = 0x0C  # No Local and Retain As Published of MQTT 5


def subscribe(connection: Connection, body: bytes) -> None:
    packet_id, asked = connection.dialect.decode_subscribe(body)
    if len(asked) > connection.limits.filters_per_subscribe:
        raise PacketError(f"{len(asked)} filters in one SUBSCRIBE; at most {connection.limits.filters_per_subscribe}")
    of_qos_2 = [topic_filter for topic_filter, options in asked if options & 3 == 2]
    if of_qos_2 and not connection.dialect.answers_refusals:
        connection.broker.log("qos_2_unanswered", client_id=connection.client_id, subscribe=of_qos_2)
        return
    refusals = [_refuse(connection, topic_filter) for topic_filter, _ in asked]
    if connection.closing_at is not None:
        return
    granted, accepted, retained = [], [], []
    for (topic_filter, options), refusal_code in zip(asked, refusals, strict=True):
        is_new = topic_filter not in connection.session.subscriptions
        granted.append(refusal_code or _subscribe(connection, topic_filter, min(options & 3, 1)))
        if options & _WITHOUT_EFFECT:
            connection.broker.log("options_ignored", client_id=connection.client_id, filter=topic_filter)
        if granted[-1] < packets.SUBSCRIPTION_REFUSED:
            accepted.append(topic_filter)
            if connection.dialect.wants_retained(options, is_new):
                retained.append(topic_filter)
    if not connection.faults.strikes("no_suback", connection.number, connection.client_id):
        connection.send(connection.dialect.suback(packet_id, granted))
    connection.broker.subscribed(connection, accepted, retained)


def _refuse(connection: Connection, topic_filter: str) -> int:
    """The reason code that refuses it, 0: it may be. In MQTT 3.1.1 there is none: the connection ends."""
    try:
        shared = share_of(topic_filter)
        check_subscribe(shared[1] if shared else topic_filter, connection.limits)
    except PacketError:
        if not connection.dialect.answers_refusals:
            raise
        return INVALID_FILTER
    decision = connection.permissions.decide("iot:Subscribe", topic_filter)
    if decision.allowed:
        return 0
    if not connection.dialect.answers_refusals:
        connection.end(presence.FORBIDDEN_ACCESS, decision.reason)
    return NOT_AUTHORISED


def _subscribe(connection: Connection, topic_filter: str, qos: int) -> int:
    session = connection.session
    if topic_filter not in session.subscriptions and len(session.subscriptions) >= connection.limits.subscriptions:
        connection.broker.log(
            "subscription_refused", client_id=connection.client_id, filter=topic_filter, reason="too many"
        )
        return packets.SUBSCRIPTION_REFUSED
    session.subscriptions[topic_filter] = qos
    connection.broker.subscriptions.add(topic_filter, session, qos)
    return qos


def unsubscribe(connection: Connection, body: bytes) -> None:
    packet_id, filters = connection.dialect.decode_unsubscribe(body)
    existed = [connection.session.subscriptions.pop(topic_filter, None) is not None for topic_filter in filters]
    for topic_filter, was_there in zip(filters, existed, strict=True):
        if was_there:
            connection.broker.subscriptions.remove(topic_filter, connection.session)
    connection.send(connection.dialect.unsuback(packet_id, existed))
    connection.broker.unsubscribed(connection, filters)
