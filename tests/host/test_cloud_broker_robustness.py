"""Bad peers harm only themselves: rubbish, half packets, slow consumers, floods, connections that do nothing."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.host.cloud_desk import Clock, Desk, RawClient
from tools.cloud import client_packets
from tools.cloud.limits import Limits
from tools.cloud.open_broker import open_broker
from tools.cloud.packets import PINGREQ_PACKET, PINGRESP, PUBACK, decode_publish, puback

NO_RATES = Limits().without_rates()


@pytest.fixture(scope="module")
def desk():
    with Desk(limits=NO_RATES) as desk:
        yield desk


@pytest.fixture(scope="module")
def bystander(desk):
    client = desk.client("bystander", keepalive_s=1200)
    client.subscribe(("bystander", 1))
    return client


def unharmed(client):
    """Does this client still send, receive and get its acknowledgements?"""
    client.publish("bystander", b"x", 1, 1)
    arrived = sorted([client.packet(), client.packet()])
    message = decode_publish(*arrived[0])
    client.send(puback(message.packet_id), PINGREQ_PACKET)
    return arrived[1] == (PUBACK, b"\x00\x01") and client.packet() == (PINGRESP, b"")


PACKETS = st.sampled_from(
    [
        client_packets.publish("a", b"payload", 1, 3),
        client_packets.publish("$aws/things/t/shadow/get", b"{}"),
        client_packets.subscribe(4, ("a/+", 1), ("b", 0)),
        client_packets.unsubscribe(5, "a/+"),
        client_packets.connect("again"),
        PINGREQ_PACKET,
        puback(1),
    ]
)


@given(
    st.booleans(),
    st.lists(PACKETS, max_size=4).map(b"".join),
    st.lists(st.tuples(st.integers(0, 200), st.integers(0, 255)), max_size=5),
    st.binary(max_size=60),
)
@settings(max_examples=150)
def test_rubbish_ends_at_most_the_connection_it_came_on(desk, bystander, greets, stream, damages, tail):
    damaged = bytearray(stream)
    for position, value in damages:
        if damaged:
            damaged[position % len(damaged)] = value
    with RawClient(desk.port) as vandal:
        if greets:
            vandal.send(client_packets.connect("vandal"))
        vandal.send(bytes(damaged), tail)
        assert unharmed(bystander)


def test_packets_in_single_bytes(desk, bystander):
    client = desk.client()
    for byte in client_packets.connect("drip") + client_packets.publish("bystander", b"drip") + PINGREQ_PACKET:
        client.send(bytes((byte,)))
    assert client.packet() == (0x20, b"\0\0")
    assert client.packet() == (PINGRESP, b"")
    assert bystander.message().payload == b"drip"
    assert unharmed(bystander)


def test_a_packet_that_never_ends_blocks_nobody(desk, bystander):
    with desk.client("half") as half:
        half.send(client_packets.publish("bystander", bytes(1000))[:-1])
        assert unharmed(bystander)


def test_a_packet_of_256_mb_is_refused_by_its_header(desk, bystander):
    greedy = desk.client("greedy")
    greedy.send(b"\x30\xff\xff\xff\x7f")
    assert greedy.is_closed()
    assert unharmed(bystander)


def test_a_port_that_is_taken_is_an_error_to_who_starts(desk):
    with pytest.raises(OSError, match="in use"), open_broker(port=desk.port):
        pass


# ---- slow consumers: they subscribe and do not read ----

SMALL = replace(NO_RATES, write_buffer_bytes=64 * 1024, waiting_messages=50)
FLOOD = 400
PAYLOAD = bytes(100_000)


def flood(desk, qos):
    """Publish 40 MB, more than socket buffers take, and wait until the broker has dealt with all of it."""
    speaker = desk.client("speaker")
    for number in range(1, FLOOD + 1):
        speaker.publish("flood", PAYLOAD, qos, number)
    speaker.send(PINGREQ_PACKET)
    for _ in range(FLOOD if qos else 0):
        assert speaker.packet()[0] == PUBACK
    assert speaker.packet() == (PINGRESP, b"")


def test_a_client_that_is_too_slow_for_what_is_retained_is_closed_as_such():
    with Desk(limits=replace(NO_RATES, unacknowledged=1, waiting_messages=1)) as desk:
        slow = desk.client("slow")
        slow.subscribe(("flood", 1))
        for topic, retain in (("first", True), ("second", True), ("flood", False), ("flood", False)):
            desk.call(desk.broker.publish, topic, b"x", 1, retain)
        slow.send(client_packets.subscribe(2, ("first", 1), ("second", 1)))
        assert "slow consumer" in desk.why("disconnected")
        assert ["first", "second"] in [each["filters"] for name, each in desk.events if name == "subscribed"]
        bystander = desk.client("bystander")
        bystander.subscribe(("bystander", 1))
        assert unharmed(bystander)


def test_a_slow_consumer_of_qos_0_loses_messages_and_stays():
    with Desk(limits=SMALL) as desk:
        slow, quick = desk.client("slow"), desk.client("quick")
        slow.subscribe(("flood", 0), ("after", 0))
        quick.subscribe(("after", 0))
        flood(desk, 0)
        desk.call(desk.broker.publish, "after", b"")
        assert quick.message().topic == "after"
        dropped = desk.call(lambda: desk.broker.sessions["slow"].dropped)
        assert 0 < dropped < FLOOD
        received = [slow.message().payload for _ in range(FLOOD - dropped)]
        assert all(payload == PAYLOAD for payload in received)


def test_a_slow_consumer_of_qos_1_is_disconnected_others_get_everything():
    with Desk(limits=SMALL) as desk:
        slow = desk.client("slow")
        slow.subscribe(("flood", 1))
        flood(desk, 1)
        assert "slow consumer" in desk.why("disconnected")
        assert desk.wait_for("disconnected")["client_id"] == "slow"
        assert "slow" not in desk.call(lambda: list(desk.broker.sessions))


def test_a_slow_consumer_that_reads_on_gets_what_has_waited():
    with Desk(limits=replace(SMALL, waiting_messages=FLOOD, waiting_bytes=1 << 30)) as desk:
        slow = desk.client("slow")
        slow.subscribe(("flood", 1))
        flood(desk, 1)
        assert [slow.message().payload == PAYLOAD for _ in range(FLOOD)] == [True] * FLOOD


def test_a_peer_that_does_not_take_its_last_bytes_is_cut_off():
    with Desk(limits=SMALL, clock=Clock()) as desk:
        slow = desk.client("slow")
        slow.subscribe(("flood", 0))
        flood(desk, 0)
        slow.send(client_packets.publish("a/#", b""))  # the answer is a close, behind what it does not read
        desk.wait_for("disconnected")
        desk.pass_time(SMALL.close_timeout_s)
        desk.pass_time(SMALL.close_timeout_s)
        assert desk.call(lambda: "slow" in [each.client_id for each in desk.broker.connections.values()]) is False


def test_stopping_closes_everybody_also_who_does_not_read():
    with Desk(limits=replace(SMALL, close_timeout_s=0.2)) as desk:
        slow, idle = desk.client("slow"), desk.client("idle")
        slow.subscribe(("flood", 0))
        flood(desk, 0)
        desk.restart()
        assert idle.is_closed()
        assert desk.call(lambda: len(desk.broker.connections)) == 0
