"""MQTT 5 as AWS IoT has it: its packets and reason codes (OASIS MQTT Version 5.0; "MQTT" in AWS's developer guide).

A connection speaks one of two dialects, this one or `mqtt311`; both give the same functions. What MQTT 5 adds and the
local AWS IoT has not is refused by name: no subscription identifiers, no authentication of its own. No Local and Retain
As Published have no effect, as with AWS, which takes such subscriptions.
"""

from __future__ import annotations

import time
import uuid
from dataclasses import replace

from tools.cloud import presence, properties
from tools.cloud.fields import Fields, PacketError
from tools.cloud.limits import Limits
from tools.cloud.packets import (
    CONNACK,
    CONNECT,
    DISCONNECT,
    DUP,
    PUBACK,
    PUBLISH,
    SUBACK,
    UNSUBACK,
    Connect,
    Publish,
    encode_length,
    encode_text,
    packet,
    read_connect,
    read_packet_id,
)
from tools.cloud.session import Message

ALIASES = 8
_TO_FLAGS = 7  # protocol name and level
NOT_AUTHORISED, INVALID_FILTER, QUOTA, NO_QOS_2 = 0x87, 0x8F, 0x97, 0x9B
_NO_SUBSCRIPTION, _NO_SUCH_ALIAS, _NO_IDENTIFIERS = 0x11, 0x94, 0xA1
_REFUSALS = {1: 0x84, 2: 0x85, 3: 0x89, 5: NOT_AUTHORISED}  # CONNACK of 3.1.1: of 5
_WITH_WILL = 0x04
_ENDS = {
    presence.API_INITIATED: 0x98,
    presence.AUTH_ERROR: NOT_AUTHORISED,
    presence.CLIENT_ERROR: 0x82,
    presence.DUPLICATE_CLIENT_ID: 0x8E,
    presence.FORBIDDEN_ACCESS: NOT_AUTHORISED,
    presence.KEEP_ALIVE_TIMEOUT: 0x8D,
    presence.SERVER_ERROR: 0x80,
    presence.SERVER_INITIATED: 0x98,
    presence.THROTTLED: QUOTA,
    presence.WEBSOCKET_TTL: 0x98,
}
_LARGEST_PACKET = 149504  # AWS's
_LONGEST_REASON = 256  # characters: a topic in it may be long
_CARRIED = ("payload_format", "content_type", "response_topic", "correlation_data", "user")


class Mqtt5:
    """The dialect of one connection: it knows the topic aliases of its client."""

    answers_refusals = True  # of what is forbidden, with a reason code

    def __init__(self, limits: Limits):
        self._limits = limits
        self._aliases: dict[int, str] = {}

    # ---- what a client sends ----

    def decode_connect(self, body: bytes) -> Connect:
        asked: properties.Values = {}

        def read_will(fields: Fields) -> tuple:
            found = properties.read(fields, properties.WILL)
            return _carried(found), found.get("message_expiry")

        fields = Fields(body)
        fields.part(_TO_FLAGS)
        connect = read_connect(fields, lambda fields: asked.update(properties.read(fields, CONNECT)), read_will)
        if "authentication_method" in asked or "authentication_data" in asked:
            raise PacketError("authentication of MQTT 5 is not part of AWS IoT")
        return replace(
            connect,
            client_id=connect.client_id or f"$GEN/{uuid.uuid4()}",
            assigned=not connect.client_id,
            session_expiry_s=self._expiry_s(asked.get("session_expiry", 0)),
            receive_maximum=asked.get("receive_maximum", 65535),
            packet_maximum=asked.get("maximum_packet_size"),
        )

    def decode_publish(self, first: int, body: bytes) -> Publish:
        fields = Fields(body)
        topic, qos = fields.text(), first >> 1 & 3
        packet_id = read_packet_id(fields) if qos else 0
        publish = Publish(topic, b"", qos, first & 1 == 1, bool(first & DUP), packet_id)
        found = properties.read(fields, PUBLISH)
        alias = found.get("topic_alias")
        if alias is not None:
            publish.topic = self._aliased(alias, publish.topic)
        elif not publish.topic:
            raise PacketError("a topic must not be empty")
        publish.payload, publish.carried, publish.expiry_s = fields.rest(), _carried(found), found.get("message_expiry")
        return publish

    def _aliased(self, alias: int, topic: str) -> str:
        if alias > ALIASES:
            raise PacketError(f"topic alias {alias}, the maximum is {ALIASES}", _NO_SUCH_ALIAS)
        if topic:
            self._aliases[alias] = topic
        elif alias not in self._aliases:
            raise PacketError(f"topic alias {alias} was never given a topic")
        return self._aliases[alias]

    def decode_acknowledgement(self, body: bytes) -> int:
        """The packet identifier of a PUBACK."""
        fields = Fields(body)
        packet_id = read_packet_id(fields)
        if fields.more():
            fields.byte()
        if fields.more():
            properties.read(fields, properties.ACKNOWLEDGEMENT)
        fields.finish()
        return packet_id

    def decode_subscribe(self, body: bytes) -> tuple[int, list[tuple[str, int]]]:
        """Filters with their options: bits 0 and 1 are the QoS."""
        fields = Fields(body)
        packet_id, asked = read_packet_id(fields), []
        if "subscription_identifier" in properties.read(fields, properties.SUBSCRIBE):
            raise PacketError("subscription identifiers are not part of AWS IoT", _NO_IDENTIFIERS)
        while fields.more() or not asked:
            topic_filter, options = fields.text(), fields.byte()
            if options & 3 == 3 or options & 0x30 == 0x30 or options & 0xC0:
                raise PacketError(f"subscription with options 0x{options:02x}")
            asked.append((topic_filter, options))
        return packet_id, asked

    def decode_unsubscribe(self, body: bytes) -> tuple[int, list[str]]:
        fields = Fields(body)
        packet_id, filters = read_packet_id(fields), []
        properties.read(fields, properties.UNSUBSCRIBE)
        while fields.more() or not filters:
            filters.append(fields.text())
        return packet_id, filters

    def decode_disconnect(self, body: bytes) -> tuple[bool, float | None]:
        """Whether the client wants its last will published, and a new expiry of its session in seconds."""
        fields = Fields(body)
        reason = fields.byte() if fields.more() else 0
        found = properties.read(fields, DISCONNECT) if fields.more() else {}
        fields.finish()
        expiry_s = found.get("session_expiry")
        return reason == _WITH_WILL, None if expiry_s is None else self._expiry_s(expiry_s)

    def _expiry_s(self, asked_s: int) -> float:
        """No longer than a session of MQTT 3.1.1 is kept: AWS has one quota for both, which CONNACK tells."""
        return min(float(asked_s), self._limits.session_expiry_s)

    def wants_retained(self, options: int, is_new: bool) -> bool:
        """Retain Handling: whether a subscription with these options gets what is retained."""
        handling = options >> 4 & 3
        return handling == 0 or (handling == 1 and is_new)

    # ---- what a broker sends ----

    def connack(self, code: int, present: bool = False, connect: Connect | None = None, reason: str = "") -> bytes:
        if code:
            return packet(CONNACK, bytes((0, _REFUSALS.get(code, code))) + _in_words(reason))
        limits = self._limits
        keepalive_s = int(limits.keepalive(connect.keepalive_s))
        told = {
            "session_expiry": int(connect.session_expiry_s),
            "receive_maximum": limits.unacknowledged,
            "maximum_qos": 1,
            "maximum_packet_size": _LARGEST_PACKET,
            "assigned_client_id": connect.client_id if connect.assigned else None,
            "topic_alias_maximum": ALIASES,
            "subscription_identifiers": 0,
            "server_keep_alive": keepalive_s if keepalive_s != connect.keepalive_s else None,
        }
        return packet(CONNACK, bytes((present, 0)) + properties.write(told))

    def puback(self, packet_id: int, code: int = 0) -> bytes:
        return packet(PUBACK, packet_id.to_bytes(2, "big") + (bytes((code, 0)) if code else b""))

    def suback(self, packet_id: int, granted: list[int]) -> bytes:
        return packet(SUBACK, packet_id.to_bytes(2, "big") + b"\0" + bytes(QUOTA if x == 0x80 else x for x in granted))

    def unsuback(self, packet_id: int, existed: list[bool]) -> bytes:
        codes = bytes(0 if was_there else _NO_SUBSCRIPTION for was_there in existed)
        return packet(UNSUBACK, packet_id.to_bytes(2, "big") + b"\0" + codes)

    def farewell(self, reason: str, detail: str, code: int | None) -> bytes:
        """The DISCONNECT for one of `presence`'s reasons, or with a better `code`; empty where the client knows."""
        if reason not in _ENDS:
            return b""
        return packet(DISCONNECT, bytes((code or _ENDS[reason],)) + _in_words(detail))

    def publish(self, message: Message, packet_id: int = 0) -> bytes:
        """A message on its way to this client; of QoS 1 with a packet identifier."""
        expiry = b""
        if message.expires_at is not None:
            left_s = max(1, round(message.expires_at - time.monotonic()))
            expiry = properties.encode({"message_expiry": left_s})
        carried = expiry + message.carried
        head = PUBLISH | (2 if packet_id else 0) | message.retain
        identifier = packet_id.to_bytes(2, "big") if packet_id else b""
        return packet(
            head, encode_text(message.topic) + identifier + encode_length(len(carried)) + carried + message.payload
        )


def _in_words(reason: str) -> bytes:
    return properties.write({"reason": reason[:_LONGEST_REASON] or None})


def _carried(found: properties.Values) -> bytes:
    """The properties that go with a message to its subscribers."""
    return properties.encode({name: found[name] for name in _CARRIED if name in found})
