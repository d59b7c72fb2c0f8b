"""The broker's MQTT: connecting, publishing, subscribing, retained messages, last wills, takeover."""

import pytest

from tests.host.cloud_desk import Desk
from tools.cloud import client_packets, packets
from tools.cloud.packets import PINGREQ_PACKET, PINGRESP_PACKET, PUBACK, UNSUBACK, Will


@pytest.fixture
def desk():
    with Desk() as desk:
        yield desk


def test_a_message_reaches_who_subscribed(desk):
    listener, speaker = desk.client("listener"), desk.client("speaker")
    assert listener.subscribe(("room/+/light", 0)) == [0]
    speaker.publish("room/2/door", b"not for you")
    speaker.publish("room/1/light", b"on")
    message = listener.message()
    assert (message.topic, message.payload, message.qos, message.retain) == ("room/1/light", b"on", 0, False)


@pytest.mark.parametrize(("published", "subscribed", "received"), [(0, 0, 0), (1, 0, 0), (0, 1, 0), (1, 1, 1)])
def test_a_message_has_the_lower_qos_of_both_sides(desk, published, subscribed, received):
    client = desk.client("both")
    client.subscribe(("a", subscribed))
    client.publish("a", b"x", published, packet_id=77)
    arrived = [client.packet() for _ in range(1 + published)]
    messages = [packets.decode_publish(*each) for each in arrived if each[0] & 0xF0 == packets.PUBLISH]
    assert [message.qos for message in messages] == [received]
    acknowledged = [body for first, body in arrived if first == PUBACK]
    assert acknowledged == ([b"\x00\x4d"] if published else [])


def test_qos_2_is_never_answered(desk):
    client = desk.client("c")
    client.subscribe(("#", 1))
    client.send(client_packets.subscribe(2, ("a", 2), ("b", 0)))
    assert desk.wait_for("qos_2_unanswered") == {"client_id": "c", "subscribe": ["a"]}
    client.send(client_packets.publish("a/topic", b"lost", 2, 3))
    assert desk.wait_for("qos_2_unanswered", 2) == {"client_id": "c", "publish": "a/topic"}
    client.send(PINGREQ_PACKET)
    assert client.packet() == (0xD0, b""), "neither SUBACK nor message, and the connection stays"


def test_overlapping_subscriptions_give_one_copy(desk):
    client = desk.client("c")
    client.subscribe(("a/#", 0), ("a/b", 1), ("+/b", 0))
    client.publish("a/b", b"once", 1)
    kinds = [client.packet()[0] for _ in range(2)]
    assert sorted(kinds) == [0x32, PUBACK]
    client.send(PINGREQ_PACKET)
    assert client.packet() == (0xD0, b"")


def test_nothing_comes_after_unsubscribing(desk):
    client = desk.client("c")
    client.subscribe(("a", 0), ("b", 0))
    client.send(client_packets.unsubscribe(9, "a", "never subscribed"))
    assert client.packet() == (UNSUBACK, b"\x00\x09")
    client.publish("a", b"unheard")
    client.publish("b", b"heard")
    assert client.message().payload == b"heard"


def test_ping_is_answered(desk):
    client = desk.client("c")
    client.send(PINGREQ_PACKET)
    first, body = client.packet()
    assert bytes((first, len(body))) == PINGRESP_PACKET


def test_payloads_arrive_as_they_were_up_to_128_kb(desk):
    client = desk.client("c")
    client.subscribe(("big", 0))
    payload = bytes(range(256)) * 512
    client.publish("big", payload)
    assert client.message().payload == payload


# ---- retained messages ----


def test_a_late_subscriber_gets_the_retained_message(desk):
    speaker = desk.client("speaker")
    speaker.publish("state/a", b"old", retain=True)
    speaker.publish("state/a", b"new", retain=True)
    speaker.publish("state/b", b"other", qos=1, retain=True)
    assert speaker.packet()[0] == PUBACK
    listener = desk.client("listener")
    listener.subscribe(("state/+", 1), ("state/#", 1))  # AWS gives them to the exact topic only
    listener.subscribe(("state/a", 1), ("state/b", 1))
    kept = sorted((message.topic, message.payload, message.qos, message.retain) for message in two(listener))
    assert kept == [("state/a", b"new", 0, True), ("state/b", b"other", 1, True)]


def two(client):
    return [client.message(), client.message()]


def test_a_retained_message_is_an_ordinary_one_to_who_listens_already(desk):
    client = desk.client("c")
    client.subscribe(("a", 0))
    client.publish("a", b"x", retain=True)
    assert client.message().retain is False


def test_an_empty_retained_message_clears_the_topic(desk):
    client = desk.client("c")
    client.publish("a", b"x", retain=True)
    client.publish("a", b"", retain=True)
    client.publish("b", b"y", retain=True)
    client.subscribe(("a", 0), ("b", 0))
    assert client.message().topic == "b"


# ---- last will ----


def test_the_last_will_is_published_when_a_client_vanishes(desk):
    watcher = desk.client("watcher")
    watcher.subscribe(("gone", 1))
    with desk.client("device", will=Will("gone", b"device", 1, retain=True)):
        pass
    message = watcher.message()
    assert (message.payload, message.qos) == (b"device", 1)
    late = desk.client("late")
    late.subscribe(("gone", 0))
    assert late.message().retain is True


def test_taking_leave_cancels_the_last_will(desk):
    watcher = desk.client("watcher")
    watcher.subscribe(("gone", 0))
    desk.client("polite", will=Will("gone", b"polite")).disconnect()
    with desk.client("rude", will=Will("gone", b"rude")):
        pass
    assert watcher.message().payload == b"rude"


# ---- takeover ----


def test_a_second_connection_takes_over_the_client_id(desk):
    watcher = desk.client("watcher")
    watcher.subscribe(("gone", 0))
    first = desk.client("device", will=Will("gone", b"first"))
    first.subscribe(("a", 0))
    second = desk.client("device")
    assert first.is_closed()
    assert watcher.message().payload == b"first"
    second.subscribe(("b", 0))
    second.publish("a", b"the subscription went with the first")
    second.publish("b", b"own")
    assert second.message().payload == b"own"


# ---- from the cloud ----


def test_the_broker_itself_can_publish(desk):
    client = desk.client("c")
    client.subscribe(("a", 1))
    assert desk.call(desk.broker.publish, "a", b"from AWS", 1) == 1
    message = client.message()
    assert (message.payload, message.qos) == (b"from AWS", 1)
    assert desk.call(desk.broker.publish, "nobody/listens", b"") == 0
