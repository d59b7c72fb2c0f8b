"""What an MQTT client sends, as bytes: for the tests and benchmarks that talk to a broker without a client library."""

from __future__ import annotations

from tools.cloud.packets import CONNECT, SUBSCRIBE, UNSUBSCRIBE, Will, encode_text, packet, publish_head


def connect(client_id: str, clean_session: bool = True, keepalive_s: int = 60, will: Will | None = None) -> bytes:
    flags = 0x02 if clean_session else 0
    tail = encode_text(client_id)
    if will is not None:
        flags |= 0x04 | will.qos << 3 | (0x20 if will.retain else 0)
        tail += encode_text(will.topic) + len(will.payload).to_bytes(2, "big") + will.payload
    return packet(CONNECT, encode_text("MQTT") + bytes((4, flags)) + keepalive_s.to_bytes(2, "big") + tail)


def publish(topic: str, payload: bytes, qos: int = 0, packet_id: int = 0, retain: bool = False) -> bytes:
    head = publish_head(topic, len(payload), qos, retain)
    return head + (packet_id.to_bytes(2, "big") if qos else b"") + payload


def subscribe(packet_id: int, *filters: tuple[str, int]) -> bytes:
    body = b"".join(encode_text(topic_filter) + bytes((qos,)) for topic_filter, qos in filters)
    return packet(SUBSCRIBE, packet_id.to_bytes(2, "big") + body)


def unsubscribe(packet_id: int, *filters: str) -> bytes:
    return packet(UNSUBSCRIBE, packet_id.to_bytes(2, "big") + b"".join(encode_text(each) for each in filters))
