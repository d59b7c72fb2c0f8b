"""The MQTT codec: whatever arrives, in whatever pieces, gives the packets that were sent or a PacketError."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tools.cloud import client_packets, packets
from tools.cloud.packets import PacketError, Splitter, Will

TEXT = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=40)
PACKET_ID = st.integers(1, 65535)
PAYLOAD = st.binary(max_size=300)

CONNECTS = st.builds(
    client_packets.connect,
    TEXT,
    st.booleans(),
    st.integers(0, 65535),
    st.none() | st.builds(Will, TEXT, PAYLOAD, st.integers(0, 2), st.booleans()),
)
PUBLISHES = st.builds(client_packets.publish, TEXT, PAYLOAD, st.integers(0, 1), PACKET_ID, st.booleans())
SUBSCRIBES = st.lists(st.tuples(TEXT, st.integers(0, 2)), min_size=1, max_size=8).flatmap(
    lambda filters: PACKET_ID.map(lambda packet_id: client_packets.subscribe(packet_id, *filters))
)
UNSUBSCRIBES = st.lists(TEXT, min_size=1, max_size=8).map(lambda filters: client_packets.unsubscribe(7, *filters))
FROM_CLIENT = st.one_of(
    CONNECTS,
    PUBLISHES,
    SUBSCRIBES,
    UNSUBSCRIBES,
    PACKET_ID.map(packets.puback),
    st.sampled_from([packets.PINGREQ_PACKET, packets.DISCONNECT_PACKET]),
)


def whole(first, body):
    return bytes((first,)) + packets.encode_length(len(body)) + body


def decode(first, body):
    """What the broker does with a packet of this type."""
    kind = first & 0xF0
    if kind == packets.PUBLISH:
        return packets.decode_publish(first, body)
    if kind == packets.PUBACK:
        return packets.decode_packet_id(body)
    decoders = {
        packets.CONNECT: packets.decode_connect,
        packets.SUBSCRIBE: packets.decode_subscribe,
        packets.UNSUBSCRIBE: packets.decode_unsubscribe,
    }
    return decoders.get(first, lambda body: None)(body)


@given(st.lists(FROM_CLIENT, max_size=6), st.data())
def test_packets_survive_any_cut_of_the_stream(sent, data):
    stream = b"".join(sent)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=8)))
    splitter = Splitter(10_000)
    arrived = [
        whole(first, body)
        for start, stop in zip([0, *cuts], [*cuts, len(stream)], strict=True)
        for first, body in splitter.feed(stream[start:stop])
    ]
    assert arrived == sent


@given(TEXT, st.booleans(), st.integers(0, 65535))
def test_connect_says_what_the_client_said(client_id, clean, keepalive_s):
    will = Will("a/will", b"\x00gone", 1, True)
    (first, body), *_ = Splitter(10_000).feed(client_packets.connect(client_id, clean, keepalive_s, will))
    assert decode(first, body) == packets.Connect(client_id, clean, keepalive_s, will)


@given(TEXT, PAYLOAD, st.integers(0, 1), PACKET_ID, st.booleans())
def test_publish_says_what_the_client_said(topic, payload, qos, packet_id, retain):
    (first, body), *_ = Splitter(10_000).feed(client_packets.publish(topic, payload, qos, packet_id, retain))
    publish = decode(first, body)
    assert (publish.topic, publish.payload, publish.qos, publish.retain) == (topic, payload, qos, retain)
    assert publish.packet_id == (packet_id if qos else 0)


def feed_and_decode(stream):
    try:
        for first, body in Splitter(10_000).feed(stream):
            decode(first, body)
    except PacketError:
        pass


@given(st.binary(max_size=400))
def test_rubbish_is_a_packet_error_or_a_packet(stream):
    feed_and_decode(stream)


@given(FROM_CLIENT, st.lists(st.tuples(st.integers(0, 400), st.integers(0, 255)), max_size=6))
def test_damaged_packets_are_a_packet_error_or_another_packet(packet, damages):
    damaged = bytearray(packet)
    for position, value in damages:
        damaged[position % len(damaged)] = value
    feed_and_decode(bytes(damaged))


@pytest.mark.parametrize(
    "packet",
    {
        "type 0": b"\x00\x00",
        "type 15": b"\xf0\x00",
        "a broker's CONNACK": b"\x20\x02\x00\x00",
        "QoS 3": b"\x36\x05\x00\x01a\x00\x01",
        "PUBREL: there is no QoS 2": b"\x62\x02\x00\x01",
        "SUBSCRIBE with wrong flags": b"\x80\x06\x00\x01\x00\x01a\x00",
        "length of five bytes": b"\x30\x80\x80\x80\x80\x01",
        "longer than the limit": b"\x30\xff\xff\xff\x7f",
        "PUBLISH without a topic": b"\x30\x01\x00",
        "PUBLISH with half a topic": b"\x30\x04\x00\x09ab",
        "QoS 1 without identifier": b"\x32\x03\x00\x01a",
        "QoS 1 with identifier 0": b"\x32\x05\x00\x01a\x00\x00",
        "topic that is not UTF-8": b"\x30\x03\x00\x01\xff",
        "topic with U+0000": b"\x30\x03\x00\x01\x00",
        "topic with a surrogate": b"\x30\x05\x00\x03\xed\xa0\x80",
        "PUBACK that is too long": b"\x40\x03\x00\x01\x00",
        "SUBSCRIBE to nothing": b"\x82\x02\x00\x01",
        "SUBSCRIBE with QoS 3": b"\x82\x06\x00\x01\x00\x01a\x03",
        "UNSUBSCRIBE from nothing": b"\xa2\x02\x00\x01",
        "CONNECT of another protocol": b"\x10\x0c\x00\x04HTTP\x04\x02\x00\x3c\x00\x00",
        "CONNECT with the reserved flag": b"\x10\x0c\x00\x04MQTT\x04\x03\x00\x3c\x00\x00",
        "CONNECT with will QoS, but no will": b"\x10\x0c\x00\x04MQTT\x04\x0a\x00\x3c\x00\x00",
        "CONNECT with password, but no user": b"\x10\x0e\x00\x04MQTT\x04\x42\x00\x3c\x00\x00\x00\x00",
        "CONNECT with something after it": b"\x10\x0d\x00\x04MQTT\x04\x02\x00\x3c\x00\x00\x00",
    }.items(),
    ids=lambda case: case[0],
)
def test_what_the_standard_forbids_is_a_packet_error(packet):
    with pytest.raises(PacketError):
        for first, body in Splitter(10_000).feed(packet[1]):
            decode(first, body)


@pytest.mark.parametrize(("name", "level"), [("MQTT", 3), ("MQTT", 5), ("MQIsdp", 3)])
def test_other_versions_of_mqtt_are_told_apart_from_rubbish(name, level):
    body = packets.encode_text(name) + bytes((level, 2, 0, 60)) + packets.encode_text("id")
    with pytest.raises(packets.ProtocolVersionError, match=r"speaks MQTT 3\.1\.1"):
        packets.decode_connect(body)


@pytest.mark.parametrize("length", [0, 1, 127, 128, 16383, 16384, 2097151, 2097152])
def test_lengths_at_the_borders_of_their_encoding(length):
    body = bytes(length)
    assert [(first, len(got)) for first, got in Splitter(1 << 22).feed(whole(0x30, body))] == [(0x30, length)]
