"""MQTT 3.1.1 packets that are sent now and then, as bytes. Pure. Loaded for one, then unloaded."""

import struct


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
    return _packet(0x10, body + b"".join([_field(field) for field in fields]))


def subscribe(packet_id, filters, qos):
    """The SUBSCRIBE packet for `filters` (list of bytes), all with the same `qos`."""
    body = b"".join([_field(name) + bytes((qos,)) for name in filters])
    return _packet(0x82, struct.pack("!H", packet_id) + body)


def unsubscribe(packet_id, filters):
    """The UNSUBSCRIBE packet for `filters` (list of bytes)."""
    return _packet(0xA2, struct.pack("!H", packet_id) + b"".join([_field(name) for name in filters]))


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
