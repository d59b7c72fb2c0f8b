"""MQTT 3.1.1 packets: what is sent, as bytes. Pure; the other direction is receiver.py.

PUBLISH is written into a buffer that is kept, because it is sent often; the others are made when they are needed.
"""

import struct

CONNECT = 0x10
CONNACK = 0x20
PUBLISH = 0x30
PUBACK = 0x40
SUBSCRIBE = 0x82
SUBACK = 0x90
UNSUBSCRIBE = 0xA2
UNSUBACK = 0xB0
PINGRESP = 0xD0

DUP = 0x08
QOS1 = 0x02
RETAIN = 0x01

PINGREQ_PACKET = b"\xc0\x00"
DISCONNECT_PACKET = b"\xe0\x00"

LARGEST_REMAINING = 268435455


def publish_head(buffer, first, topic, packet_id, payload_size):
    """Write all of a PUBLISH but its payload to the start of `buffer` (bytearray); returns how many bytes that is.

    `first` is the first byte with its flags, `topic` bytes; `packet_id` is left out where the flags say QoS 0. The
    buffer must have room for `len(topic) + 9` bytes.
    """
    size = len(topic)
    remaining = 2 + size + payload_size
    if first & 6:
        remaining += 2
    buffer[0] = first
    at = 1
    while remaining > 127:
        buffer[at] = remaining & 127 | 128
        remaining >>= 7
        at += 1
    buffer[at] = remaining
    buffer[at + 1] = size >> 8
    buffer[at + 2] = size & 255
    at += 3
    buffer[at : at + size] = topic
    at += size
    if first & 6:
        buffer[at] = packet_id >> 8
        buffer[at + 1] = packet_id & 255
        at += 2
    return at


def connect(client_id, keepalive, clean_session, user, password, will):
    """The CONNECT packet. Texts are str or bytes; `keepalive` in seconds; `will` is None or (topic, payload, qos,
    retain)."""
    flags = 2 if clean_session else 0
    fields = [client_id]
    if will is not None:
        topic, payload, qos, retain = will
        flags |= 4 | qos << 3 | (32 if retain else 0)
        fields.append(topic)
        fields.append(payload)
    if user is not None:
        flags |= 128
        fields.append(user)
        if password is not None:
            flags |= 64
            fields.append(password)
    body = struct.pack("!H4sBBH", 4, b"MQTT", 4, flags, keepalive)
    return _packet(CONNECT, body + b"".join([_field(field) for field in fields]))


def subscribe(packet_id, filters, qos):
    """The SUBSCRIBE packet for `filters` (list of bytes), all with the same `qos`."""
    body = b"".join([_field(name) + bytes((qos,)) for name in filters])
    return _packet(SUBSCRIBE, struct.pack("!H", packet_id) + body)


def unsubscribe(packet_id, filters):
    """The UNSUBSCRIBE packet for `filters` (list of bytes)."""
    return _packet(UNSUBSCRIBE, struct.pack("!H", packet_id) + b"".join([_field(name) for name in filters]))


def _field(value):
    data = value.encode() if isinstance(value, str) else bytes(value)
    if len(data) > 65535:
        raise ValueError("MQTT fields hold at most 65535 bytes")
    return struct.pack("!H", len(data)) + data


def _packet(first, body):
    head = bytearray((first,))
    remaining = len(body)
    while remaining > 127:
        head.append(remaining & 127 | 128)
        remaining >>= 7
    head.append(remaining)
    return bytes(head) + body
