"""Ordered faults: each does what it says, to whom it says, as often as it says."""

from dataclasses import replace

import pytest

from tests.host.cloud_desk import Desk, RawClient
from tools.cloud import client_packets
from tools.cloud.faults import Faults
from tools.cloud.limits import Limits
from tools.cloud.packets import PINGREQ_PACKET, PINGRESP, PUBACK, SUBACK


@pytest.fixture
def desk():
    with Desk(limits=Limits().without_rates()) as desk:
        yield desk


def answers_ping(client):
    client.send(PINGREQ_PACKET)
    return client.packet() == (PINGRESP, b"")


def test_no_connack_leaves_one_client_without_an_answer(desk):
    desk.faults.order("no_connack", connections=1)
    mute = desk.client()
    mute.send(client_packets.connect("a"))
    desk.wait_for("connected")
    assert answers_ping(mute)  # the first thing that comes back
    desk.client("b")


def test_no_puback_for_the_next_packets_then_again(desk):
    client = desk.client("c")
    client.subscribe(("a", 0))
    desk.faults.order("no_puback", packets=1)
    client.publish("a", b"lost answer", 1, 7)
    assert client.message().payload == b"lost answer"
    assert answers_ping(client)
    client.publish("a", b"again", 1, 7)
    assert sorted(client.packet()[0] for _ in range(2)) == [0x30, PUBACK]


def test_no_puback_stops_after_100_unacknowledged(desk):
    client, watcher = desk.client("c"), desk.client("watcher")
    watcher.subscribe(("a", 0))
    desk.faults.order("no_puback", client_id="c")
    client.send(*(client_packets.publish("a", b"", 1, number) for number in range(1, 102)))
    assert answers_ping(client)
    desk.faults.clear()
    client.publish("a", b"last", 1, 1)
    assert client.packet() == (PUBACK, b"\x00\x01")
    assert [watcher.message().payload for _ in range(101)] == [b""] * 100 + [b"last"]


def test_what_is_unacknowledged_may_come_again_and_leaves_its_place_when_it_is_acknowledged():
    with Desk(limits=replace(Limits().without_rates(), unacknowledged=1)) as desk:
        client, watcher = desk.client("c"), desk.client("watcher")
        watcher.subscribe(("a", 0))
        for payloads in ((b"first", b"again", b"too many"), (b"next",)):
            desk.faults.order("no_puback", client_id="c")
            for payload in payloads:
                client.publish("a", payload, 1, 2 if payload in (b"too many", b"next") else 1)
            assert answers_ping(client)
            desk.faults.clear()
            client.publish("a", b"acknowledged", 1, 1)
            assert client.packet() == (PUBACK, b"\x00\x01")
        heard = [watcher.message().payload for _ in range(5)]
        assert heard == [b"first", b"again", b"acknowledged", b"next", b"acknowledged"]


def test_no_suback_has_its_effect_all_the_same(desk):
    client = desk.client("c")
    desk.faults.order("no_suback")
    client.send(client_packets.subscribe(1, ("a", 0)))
    client.publish("a", b"x")
    assert client.message().payload == b"x"
    desk.faults.clear("no_suback")
    client.send(client_packets.subscribe(1, ("a", 0)))
    assert client.packet()[0] == SUBACK


def test_no_pingresp_holds_for_one_client_until_it_is_cancelled(desk):
    client = desk.client("c")
    order = desk.faults.order("no_pingresp", client_id="c")
    client.send(PINGREQ_PACKET)
    assert answers_ping(desk.client("another"))
    order.cancel()
    client.subscribe(("a", 0))  # its SUBACK is the next thing to come: the PINGRESP never did
    assert answers_ping(client)


def test_close_after_connack_for_the_next_connections(desk):
    desk.faults.order("close_after_connack", connections=2)
    for _ in range(2):
        assert desk.client("c").is_closed()
    assert answers_ping(desk.client("c"))


def test_close_after_bytes_from_the_client(desk):
    packet = client_packets.publish("a", b"0123456789")
    connect = client_packets.connect("c")
    desk.faults.order("close_after_received", amount=len(connect) + len(packet) + 5, connections=1)
    client = desk.client("c")
    client.send(packet)
    client.send(packet)
    assert client.is_closed()
    assert desk.wait_for("disconnected")["client_id"] == "c"


def test_close_after_bytes_to_the_client(desk):
    desk.faults.order("close_after_sent", amount=6, client_id="c")
    client = desk.client("c")
    client.send(PINGREQ_PACKET, PINGREQ_PACKET, PINGREQ_PACKET)
    assert client.packet() == (PINGRESP, b"")
    assert client.is_closed()


def test_slow_is_late_and_in_order(desk):
    client = desk.client("c")
    client.subscribe(("a", 0))
    desk.faults.order("slow", amount=0.05, packets=1)
    client.publish("a", b"1")
    assert client.message().payload == b"1"
    order = desk.faults.order("slow", amount=0.05)
    client.send(*(client_packets.publish("a", b"%d" % number) for number in range(5)))
    order.cancel()
    client.send(*(client_packets.publish("a", b"%d" % number) for number in range(5, 10)))
    assert [client.message().payload for _ in range(10)] == [b"%d" % number for number in range(10)]


def test_slow_makes_a_slow_consumer_that_gets_everything_in_the_end():
    with Desk(limits=replace(Limits().without_rates(), write_buffer_bytes=1000)) as desk:
        client = desk.client("c")
        client.subscribe(("a", 1))
        desk.faults.order("slow", amount=0.01)
        for number in range(20):
            desk.call(desk.broker.publish, "a", b"%200d" % number, 1)
        assert [int(client.message().payload) for _ in range(20)] == list(range(20))


def test_slow_closes_after_what_was_to_be_sent(desk):
    desk.faults.order("slow", amount=0.05)
    client = desk.client()
    assert client.connect("") == 2
    assert client.is_closed()


def test_refuse_resets_the_connection_before_anything(desk):
    desk.faults.order("refuse", connections=1)
    with pytest.raises(ConnectionResetError), RawClient(desk.port) as refused:  # connect() itself may see it, too
        refused.socket.recv(1)
    desk.client("c")


def test_a_fault_for_one_client_spares_the_others(desk):
    desk.faults.order("close_after_connack", client_id="victim")
    assert desk.client("victim").is_closed()
    assert answers_ping(desk.client("another"))


def test_orders_are_listed_until_they_are_used_up():
    faults = Faults()
    order = faults.order("no_puback", packets=1)
    assert faults.orders() == (order,)
    assert faults.strikes("no_puback", 1, "x") is order
    assert faults.orders() == ()
    assert faults.strikes("no_puback", 1, "x") is None


@pytest.mark.parametrize(
    ("kind", "options", "message"),
    [
        ("no_such", {}, "there are: no_connack"),
        ("slow", {}, "amount=0"),
        ("no_puback", {"amount": 3}, "amount=3"),
        ("close_after_sent", {"amount": -1}, "amount=-1"),
        ("no_puback", {"packets": 0}, "packets=0"),
        ("refuse", {"client_id": "x"}, "before the client id is known"),
    ],
)
def test_orders_that_make_no_sense_are_refused(kind, options, message):
    with pytest.raises(ValueError, match=message):
        Faults().order(kind, **options)
