"""The properties of MQTT 5: what a packet may say beside its fields (OASIS MQTT Version 5.0, 2.2.2).

    asked = read(fields, CONNECT)              # {"session_expiry": 300, "user": [("key", "value")]}
    write({"content_type": "text/plain"})      # bytes, their length in front; `encode` is without

Whatever a peer sends, this file raises nothing but `PacketError`.
"""

from __future__ import annotations

from tools.cloud.fields import Fields, PacketError
from tools.cloud.packets import CONNECT, DISCONNECT, PUBLISH, encode_length, encode_text

WILL, ACKNOWLEDGEMENT, SUBSCRIBE, UNSUBSCRIBE = "will", "acknowledgement", "subscribe", "unsubscribe"
Values = dict[str, object]

_BYTE, _U16, _U32, _VARIABLE, _BINARY, _TEXT, _PAIR = range(7)
_PLAIN = (PUBLISH, WILL)
_KNOWN = {  # identifier: name, type, packets of a client that may have it
    0x01: ("payload_format", _BYTE, _PLAIN),
    0x02: ("message_expiry", _U32, _PLAIN),
    0x03: ("content_type", _TEXT, _PLAIN),
    0x08: ("response_topic", _TEXT, _PLAIN),
    0x09: ("correlation_data", _BINARY, _PLAIN),
    0x0B: ("subscription_identifier", _VARIABLE, (SUBSCRIBE,)),
    0x11: ("session_expiry", _U32, (CONNECT, DISCONNECT)),
    0x12: ("assigned_client_id", _TEXT, ()),
    0x13: ("server_keep_alive", _U16, ()),
    0x15: ("authentication_method", _TEXT, (CONNECT,)),
    0x16: ("authentication_data", _BINARY, (CONNECT,)),
    0x17: ("problem_information", _BYTE, (CONNECT,)),
    0x18: ("will_delay", _U32, (WILL,)),
    0x19: ("response_information_asked", _BYTE, (CONNECT,)),
    0x1F: ("reason", _TEXT, (ACKNOWLEDGEMENT, DISCONNECT)),
    0x21: ("receive_maximum", _U16, (CONNECT,)),
    0x22: ("topic_alias_maximum", _U16, (CONNECT,)),
    0x23: ("topic_alias", _U16, (PUBLISH,)),
    0x24: ("maximum_qos", _BYTE, ()),
    0x26: ("user", _PAIR, (CONNECT, PUBLISH, WILL, ACKNOWLEDGEMENT, SUBSCRIBE, UNSUBSCRIBE, DISCONNECT)),
    0x27: ("maximum_packet_size", _U32, (CONNECT,)),
    0x29: ("subscription_identifiers", _BYTE, ()),
    0x2A: ("shared_subscriptions", _BYTE, ()),
}
_IDENTIFIERS = {name: (identifier, kind) for identifier, (name, kind, _) in _KNOWN.items()}
_NOT_ZERO = ("receive_maximum", "maximum_packet_size", "topic_alias", "subscription_identifier")
_FLAGS = ("payload_format", "problem_information", "response_information_asked")


def read(fields: Fields, where: int | str) -> Values:
    """The properties that come next; `where` is the packet they belong to."""
    inside = fields.part(fields.variable())
    found: Values = {}
    while inside.more():
        identifier = inside.byte()
        name, kind, packets = _KNOWN.get(identifier, ("", 0, ()))
        if where not in packets:
            raise PacketError(f"property 0x{identifier:02x} does not belong here")
        value = _read_value(inside, kind)
        if kind == _PAIR:
            found.setdefault(name, []).append(value)
        elif name in found:
            raise PacketError(f"property 0x{identifier:02x} twice")
        elif (name in _NOT_ZERO and not value) or (name in _FLAGS and value > 1):
            raise PacketError(f"property 0x{identifier:02x} cannot be {value}")
        else:
            found[name] = value
    return found


def _read_value(fields: Fields, kind: int) -> object:
    if kind == _PAIR:
        return fields.text(), fields.text()
    readers = (fields.byte, fields.u16, fields.u32, fields.variable, fields.binary, fields.text)
    return readers[kind]()


def write(values: Values) -> bytes:
    """Properties as they stand in a packet; those that are None are left out."""
    encoded = encode(values)
    return encode_length(len(encoded)) + encoded


def decode(carried: bytes) -> Values:
    """What `encode` made of the properties of a message."""
    return read(Fields(encode_length(len(carried)) + carried), PUBLISH)


def encode(values: Values) -> bytes:
    """The same without their length."""
    return b"".join(_encode_value(name, value) for name, value in values.items() if value is not None)


def _encode_value(name: str, value: object) -> bytes:
    identifier, kind = _IDENTIFIERS[name]
    if kind == _PAIR:
        return b"".join(bytes((identifier,)) + encode_text(key) + encode_text(text) for key, text in value)
    if kind == _TEXT:
        body = encode_text(value)
    elif kind == _BINARY:
        body = len(value).to_bytes(2, "big") + value
    elif kind == _VARIABLE:
        body = encode_length(value)
    else:
        body = value.to_bytes((1, 2, 4)[kind], "big")
    return bytes((identifier,)) + body
