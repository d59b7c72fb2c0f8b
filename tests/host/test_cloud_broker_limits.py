"""AWS IoT's limits and prohibitions: what is refused, and whether the connection survives it."""

from dataclasses import replace

import pytest

from tests.host.cloud_desk import Clock, Desk
from tools.cloud import client_packets, packets
from tools.cloud.limits import Limits
from tools.cloud.packets import PINGREQ_PACKET, PUBACK, Will, encode_text


@pytest.fixture
def desk():
    with Desk(limits=Limits().without_rates()) as desk:
        yield desk


@pytest.mark.parametrize("client_id", ["", "$internal", "x" * 129, "ä" * 65])
def test_client_ids_aws_refuses(desk, client_id):
    client = desk.client()
    assert client.connect(client_id) == packets.IDENTIFIER_REJECTED
    assert client.is_closed()


def test_the_longest_client_id(desk):
    assert desk.client().connect("x" * 128) == 0


def test_another_version_of_mqtt_is_refused_with_code_1(desk):
    client = desk.client()
    client.send(packets.packet(packets.CONNECT, encode_text("MQTT") + bytes((6, 2, 0, 60, 0)) + encode_text("c")))
    assert client.packet() == (packets.CONNACK, b"\x00\x01")
    assert client.is_closed()


FORBIDDEN = {
    "publish to a wildcard": client_packets.publish("a/+", b""),
    "publish to an empty topic": client_packets.publish("", b""),
    "publish to 8 slashes": client_packets.publish("1/2/3/4/5/6/7/8/9", b""),
    "publish to 257 bytes": client_packets.publish("x" * 257, b""),
    "publish to an unknown reserved topic": client_packets.publish("$aws/invented", b""),
    "publish to AWS's own answers": client_packets.publish("$aws/things/t/shadow/get/accepted", b""),
    "retained on a reserved topic": client_packets.publish("$aws/things/t/shadow/get", b"", retain=True),
    "payload over 128 KB": client_packets.publish("a", bytes(128 * 1024 + 1)),
    "9 filters at once": client_packets.subscribe(1, *((f"a/{n}", 0) for n in range(9))),
    "bad filter": client_packets.subscribe(1, ("a/#/b", 0)),
    "filter of 8 slashes": client_packets.subscribe(1, ("1/2/3/4/5/6/7/8/9", 0)),
    "unknown reserved filter": client_packets.subscribe(1, ("$SYS/#", 0)),
    "second CONNECT": client_packets.connect("c"),
    "broken packet": b"\xff\xff\xff",
}


@pytest.mark.parametrize("packet", FORBIDDEN.values(), ids=FORBIDDEN)
def test_what_aws_forbids_closes_this_connection_only(desk, packet):
    bystander, offender = desk.client("bystander"), desk.client("offender")
    offender.send(packet)
    assert offender.is_closed()
    assert desk.why("disconnected") != ""
    bystander.send(PINGREQ_PACKET)
    assert bystander.packet() == (packets.PINGRESP, b"")


def test_the_first_packet_must_be_connect(desk):
    client = desk.client()
    client.send(PINGREQ_PACKET)
    assert client.is_closed()


@pytest.mark.parametrize("will", [Will("a/#", b""), Will("$aws/invented", b""), Will("a", b"", qos=2)])
def test_last_wills_aws_refuses(desk, will):
    client = desk.client()
    client.send(client_packets.connect("c", will=will))
    assert client.is_closed()


def test_8_slashes_are_fine_below_aws(desk):
    client = desk.client("c")
    assert client.subscribe(("$aws/things/t/shadow/name/s/update/accepted", 1)) == [1]


def test_the_51st_subscription_is_refused(desk):
    client = desk.client("c")
    granted = [client.subscribe(*((f"a/{8 * n + m}", 0) for m in range(8))) for n in range(6)]
    assert granted == [[0] * 8] * 6
    assert client.subscribe(*((f"b/{n}", 0) for n in range(4))) == [0, 0, 0x80, 0x80]
    assert client.subscribe(("a/0", 1)) == [1]


# ---- keep alive ----


@pytest.mark.parametrize(("asked_s", "dropped_after_s"), [(60, 90), (5, 45), (0, 1800), (5000, 1800)])
def test_silence_ends_at_one_and_a_half_keep_alives(asked_s, dropped_after_s):
    with Desk(clock=Clock()) as desk:
        client = desk.client("c", keepalive_s=asked_s)
        desk.pass_time(dropped_after_s - 1)
        client.send(PINGREQ_PACKET)
        assert client.packet() == (packets.PINGRESP, b"")
        desk.pass_time(dropped_after_s - 1)
        desk.pass_time(1)
        assert client.is_closed()


def test_a_connection_that_never_says_connect_is_closed():
    with Desk(clock=Clock()) as desk:
        client = desk.client()
        client.send(b"\x10")
        desk.wait_for("opened")
        desk.pass_time(Limits().connect_timeout_s)
        assert client.is_closed()


# ---- rates ----


def test_publishes_beyond_the_rate_are_discarded_and_not_acknowledged():
    with Desk(clock=Clock()) as desk:
        client = desk.client("c")
        client.send(*(client_packets.publish("a", b"", 1, number) for number in range(1, 103)), PINGREQ_PACKET)
        answers = [client.packet() for _ in range(101)]
        assert [first for first, _ in answers] == [PUBACK] * 100 + [packets.PINGRESP]
        desk.pass_time(0.011)
        client.publish("a", b"", 1, 101)
        assert client.packet() == (PUBACK, b"\x00\x65")
        assert desk.wait_for("publishes_throttled")["discarded"] == 2


@pytest.mark.parametrize(("qos", "later"), [(0, []), (1, [b"100", b"101"])])
def test_messages_to_a_client_beyond_the_rate(qos, later):
    """QoS 0 is lost, QoS 1 comes later."""
    with Desk(clock=Clock()) as desk:
        client = desk.client("c")
        client.subscribe(("a", qos))
        for number in range(102):
            desk.call(desk.broker.publish, "a", b"%d" % number, qos)
        assert [client.message().payload for _ in range(100)] == [b"%d" % number for number in range(100)]
        client.send(PINGREQ_PACKET)
        assert client.packet() == (packets.PINGRESP, b"")
        desk.pass_time(1)
        assert [client.message().payload for _ in later] == later
        client.send(PINGREQ_PACKET)
        assert client.packet() == (packets.PINGRESP, b"")


def test_silence_saves_up_no_more_than_one_second_of_publishes():
    with Desk(clock=Clock()) as desk:
        client = desk.client("c", keepalive_s=1200)
        desk.pass_time(1000)
        client.send(*(client_packets.publish("a", b"", 1, number) for number in range(1, 103)), PINGREQ_PACKET)
        assert [client.packet()[0] for _ in range(101)] == [PUBACK] * 100 + [packets.PINGRESP]


def test_bytes_beyond_the_throughput_are_delayed_not_lost():
    with Desk(limits=replace(Limits(), bytes_per_s=400_000.0, publishes_per_s=None)) as desk:
        client = desk.client("c")
        client.send(*(client_packets.publish("a", bytes(100_000), 1, number) for number in range(1, 6)))
        assert [client.packet()[0] for _ in range(5)] == [PUBACK] * 5
        assert desk.wait_for("throughput_delayed")["seconds"] > 0


def test_beyond_the_throughput_nothing_is_read_for_a_while():
    with Desk(limits=replace(Limits(), bytes_per_s=10.0)) as desk:
        desk.client("c" * 100)
        assert desk.wait_for("throughput_delayed")["seconds"] > 5
        [connection] = desk.broker.connections.values()
        assert desk.call(connection.transport.is_reading) is False


def test_connecting_too_often_with_one_client_id_is_refused():
    with Desk(limits=replace(Limits(), connect_interval_s=1.0), clock=Clock()) as desk:
        desk.client("c").disconnect()
        hasty = desk.client()
        assert hasty.connect("c") == packets.SERVER_UNAVAILABLE
        assert hasty.is_closed()
        desk.client("another")
        desk.pass_time(1.0)
        desk.client("c")


def test_a_broker_full_of_sessions_takes_no_new_client_ids():
    with Desk(limits=replace(Limits(), sessions=2)) as desk:
        desk.client("a", clean_session=False).disconnect()
        desk.client("b")
        assert desk.client().connect("c") == packets.SERVER_UNAVAILABLE
        desk.client("a", clean_session=False)
