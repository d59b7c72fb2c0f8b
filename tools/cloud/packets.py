"""MQTT packets, those of 3.1.1 and what MQTT 5 shares with them: bytes to values and values to bytes, nothing else.

OASIS MQTT Version 3.1.1, chapters 2 and 3.

    for first, body in splitter.feed(data):            # `first` is the packet's first byte: type and flags
        publish = decode_publish(first, body)

Whatever a peer sends, this file raises nothing but `PacketError` (and `ProtocolVersionError`, which is one).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from tools.cloud.fields import MAX_LENGTH_BYTES, Fields, PacketError, decode_text

CONNECT, CONNACK, PUBLISH, PUBACK = 0x10, 0x20, 0x30, 0x40
SUBSCRIBE, SUBACK, UNSUBSCRIBE, UNSUBACK = 0x82, 0x90, 0xA2, 0xB0
PINGREQ, PINGRESP, DISCONNECT = 0xC0, 0xD0, 0xE0

ACCEPTED, UNACCEPTABLE_PROTOCOL, IDENTIFIER_REJECTED, SERVER_UNAVAILABLE, NOT_AUTHORISED = 0, 1, 2, 3, 5

PINGREQ_PACKET, PINGRESP_PACKET, DISCONNECT_PACKET = b"\xc0\x00", b"\xd0\x00", b"\xe0\x00"
SUBSCRIPTION_REFUSED = 0x80
DUP, RETAIN = 0x08, 0x01

# First bytes a client may send. QoS 2's PUBREC, PUBREL and PUBCOMP are missing: AWS IoT has no QoS 2, so they can
# only be a mistake. PUBLISH with both QoS bits set is forbidden by the standard [MQTT-3.3.1-4].
_FROM_CLIENT = frozenset(
    [CONNECT, PUBACK, SUBSCRIBE, UNSUBSCRIBE, PINGREQ, DISCONNECT]
    + [PUBLISH | flags for flags in range(16) if flags & 0x06 != 0x06]
)


class ProtocolVersionError(PacketError):
    """A CONNECT of another MQTT version: answered with CONNACK 1."""


@dataclass(frozen=True)
class Will:
    topic: str
    payload: bytes
    qos: int = 0
    retain: bool = False
    carried: bytes = b""  # as in Publish
    expiry_s: int | None = None


@dataclass(frozen=True)
class Connect:
    """What follows the password is MQTT 5's; `session_expiry_s` is None in MQTT 3.1.1."""

    client_id: str
    clean_session: bool = True
    keepalive_s: int = 0
    will: Will | None = None
    username: str | None = None
    password: bytes | None = None
    session_expiry_s: float | None = None
    receive_maximum: int = 65535
    packet_maximum: int | None = None
    assigned: bool = False  # the client id is the broker's choice

    @property
    def keeps_session(self) -> bool:
        return not self.clean_session if self.session_expiry_s is None else self.session_expiry_s > 0


class Publish:
    """A PUBLISH. A plain class with slots: one is made for every message, so its cost counts.

    `carried` are properties of MQTT 5 that go with it to its subscribers, encoded; `expiry_s` is one, too.
    """

    __slots__ = ("carried", "dup", "expiry_s", "packet_id", "payload", "qos", "retain", "topic")

    def __init__(self, topic, payload, qos=0, retain=False, dup=False, packet_id=0):
        self.topic, self.payload, self.qos = topic, payload, qos
        self.retain, self.dup, self.packet_id = retain, dup, packet_id
        self.carried, self.expiry_s = b"", None


class Splitter:
    """Cuts a byte stream, however it arrives, into packets of at most `limit` bytes after their header.

    `allowed` are the first bytes that may occur; None allows all.
    """

    def __init__(self, limit: int, allowed: frozenset[int] | None = _FROM_CLIENT):
        self._limit = limit
        self._allowed = allowed
        self._rest = bytearray()
        self._needed = 0

    def feed(self, data: bytes) -> Iterator[tuple[int, bytes]]:
        """Yield (first byte, body) of every packet that is now complete. Consume it fully before the next call."""
        if self._rest:
            self._rest += data
            if len(self._rest) < self._needed:
                return
            data = bytes(self._rest)
            self._rest.clear()
        position, end = 0, len(data)
        self._needed = 0
        while position < end:
            start, length = self._header(data, position, end)
            if not start:
                break
            if start + length > end:
                self._needed = start + length - position
                break
            yield data[position], data[start : start + length]
            position = start + length
        self._rest += data[position:]

    def _header(self, data: bytes, position: int, end: int) -> tuple[int, int]:
        """Where the body starts (0: not known yet) and how long it is."""
        if self._allowed is not None and data[position] not in self._allowed:
            raise PacketError(f"packet of type and flags 0x{data[position]:02x}")
        length = shift = 0
        for at in range(position + 1, min(end, position + 1 + MAX_LENGTH_BYTES)):
            length |= (data[at] & 0x7F) << shift
            if data[at] < 0x80:
                if length > self._limit:
                    raise PacketError(f"packet of {length} bytes, the limit is {self._limit}")
                return at + 1, length
            shift += 7
        if end - position > MAX_LENGTH_BYTES:
            raise PacketError("remaining length of more than 4 bytes")
        return 0, 0


def is_mqtt_5(body: bytes) -> bool:
    """Does this CONNECT ask for MQTT 5?"""
    return body[:7] == b"\0\4MQTT\5"


def decode_connect(body: bytes) -> Connect:
    """Raises ProtocolVersionError for other versions than 3.1.1, PacketError for everything else."""
    fields = Fields(body)
    protocol, level = fields.text(), fields.byte()
    if protocol not in ("MQTT", "MQIsdp"):
        raise PacketError(f"protocol name {protocol[:20]!r}")
    if (protocol, level) != ("MQTT", 4):
        raise ProtocolVersionError(f"{protocol} level {level}; this broker speaks MQTT 3.1.1 (level 4) and 5")
    return read_connect(fields)


def read_connect(fields: Fields, read_properties=None, read_will_properties=None) -> Connect:
    """What follows the level. MQTT 5 has properties: the first reads those of CONNECT, the other gives `carried` and
    `expiry_s` of the last will."""
    flags, keepalive_s = fields.byte(), fields.u16()
    if flags & 0x01:
        raise PacketError("reserved flag of CONNECT is set")
    if read_properties is not None:
        read_properties(fields)
    elif flags & 0x40 and not flags & 0x80:
        raise PacketError("password without user name")
    client_id = fields.text()
    will = _read_will(fields, flags, read_will_properties)
    username = fields.text() if flags & 0x80 else None
    password = fields.binary() if flags & 0x40 else None
    fields.finish()
    return Connect(client_id, bool(flags & 0x02), keepalive_s, will, username, password)


def _read_will(fields: Fields, flags: int, read_properties) -> Will | None:
    qos, retain = flags >> 3 & 3, bool(flags & 0x20)
    if not flags & 0x04:
        if qos or retain:
            raise PacketError("flags of a last will without a last will")
        return None
    if qos == 3:
        raise PacketError("last will of QoS 3")
    more = read_properties(fields) if read_properties else ()
    return Will(fields.text(), fields.binary(), qos, retain, *more)


def decode_publish(first: int, body: bytes) -> Publish:
    qos = first >> 1 & 3
    start = 2 + int.from_bytes(body[:2], "big")
    payload = start + 2 if qos else start
    if len(body) < 2 or payload > len(body):
        raise PacketError("PUBLISH ends in the middle of a field")
    packet_id = int.from_bytes(body[start:payload], "big")
    if qos and not packet_id:
        raise PacketError("packet identifier 0")
    return Publish(decode_text(body[2:start]), body[payload:], qos, first & 1 == 1, first & DUP == DUP, packet_id)


def decode_packet_id(body: bytes) -> int:
    """The identifier of a PUBACK or UNSUBACK, which have nothing else in them."""
    fields = Fields(body)
    packet_id = read_packet_id(fields)
    fields.finish()
    return packet_id


def decode_subscribe(body: bytes) -> tuple[int, list[tuple[str, int]]]:
    """The packet identifier and the (topic filter, QoS) asked for; at least one."""
    fields = Fields(body)
    packet_id, filters = read_packet_id(fields), []
    while fields.more() or not filters:
        topic_filter, qos = fields.text(), fields.byte()
        if qos > 2:
            raise PacketError(f"subscription with QoS byte {qos}")
        filters.append((topic_filter, qos))
    return packet_id, filters


def decode_unsubscribe(body: bytes) -> tuple[int, list[str]]:
    fields = Fields(body)
    packet_id, filters = read_packet_id(fields), []
    while fields.more() or not filters:
        filters.append(fields.text())
    return packet_id, filters


def read_packet_id(fields: Fields) -> int:
    packet_id = fields.u16()
    if not packet_id:
        raise PacketError("packet identifier 0")
    return packet_id


# ---- what a broker sends ----


def puback(packet_id: int) -> bytes:
    return b"\x40\x02" + packet_id.to_bytes(2, "big")


def publish_head(topic: str, payload_size: int, qos: int, retain: bool = False) -> bytes:
    """A PUBLISH up to where the packet identifier (QoS 1) or the payload (QoS 0) follows.

    Split so, one message to many subscribers is encoded once.
    """
    raw = topic.encode()
    length = encode_length(2 + len(raw) + (2 if qos else 0) + payload_size)
    return bytes((PUBLISH | qos << 1 | retain,)) + length + len(raw).to_bytes(2, "big") + raw


def encode_length(length: int) -> bytes:
    """The remaining length: seven bits a byte, the lowest first."""
    encoded = bytearray()
    while True:
        encoded.append(length & 0x7F | (0x80 if length > 0x7F else 0))
        length >>= 7
        if not length:
            return bytes(encoded)


def encode_text(text: str) -> bytes:
    """A string as MQTT sends it: its length in two bytes, then UTF-8."""
    raw = text.encode()
    return len(raw).to_bytes(2, "big") + raw


def packet(first: int, body: bytes) -> bytes:
    """A whole packet: its first byte, the length of the body, the body."""
    return bytes((first,)) + encode_length(len(body)) + body
