"""Persistent sessions and QoS 1: what waits for a client that is away, what is sent again, what expires."""

from dataclasses import replace

import pytest

from tests.host.cloud_desk import Clock, Desk
from tools.cloud import broker, properties
from tools.cloud.limits import Limits
from tools.cloud.memory import NoMemory
from tools.cloud.mqtt5 import Mqtt5
from tools.cloud.packets import PINGREQ_PACKET, PINGRESP, PUBACK, encode_text
from tools.cloud.session import Message, Session


@pytest.fixture
def desk():
    with Desk(limits=Limits().without_rates(), clock=Clock()) as desk:
        yield desk


def away(desk, *filters):
    """A device with a persistent session that has gone away."""
    device = desk.client("device", clean_session=False)
    assert device.session_present is False
    device.subscribe(*filters)
    device.disconnect()


def speak(desk, *messages, qos=1):
    speaker = desk.client("speaker")
    for topic, payload in messages:
        speaker.publish(topic, payload, qos)
        if qos:
            assert speaker.packet()[0] == PUBACK
    speaker.disconnect()


def silent(client):
    """Is there nothing more for this client?"""
    client.send(PINGREQ_PACKET)
    return client.packet() == (PINGRESP, b"")


def test_qos_1_waits_for_a_client_that_is_away(desk):
    away(desk, ("a", 1), ("zero", 0))
    speak(desk, ("a", b"1"), ("zero", b"lost"), ("a", b"2"))
    device = desk.client("device", clean_session=False)
    assert device.session_present is True
    first, second = device.message(), device.message()
    assert [(each.payload, each.qos, each.dup) for each in (first, second)] == [(b"1", 1, False), (b"2", 1, False)]
    assert silent(device)


def test_qos_0_does_not_wait(desk):
    away(desk, ("a", 1))
    speak(desk, ("a", b"lost"), qos=0)
    assert silent(desk.client("device", clean_session=False))


def test_a_clean_session_forgets_the_old_one(desk):
    away(desk, ("a", 1))
    speak(desk, ("a", b"lost"))
    clean = desk.client("device", clean_session=True)
    assert clean.session_present is False
    speak(desk, ("a", b"also lost"))
    assert silent(clean)
    clean.disconnect()
    assert desk.client("device", clean_session=False).session_present is False


def test_a_session_is_there_for_almost_an_hour(desk):
    away(desk, ("a", 1))
    desk.pass_time(3599)
    speak(desk, ("a", b"late"))
    device = desk.client("device", clean_session=False)
    assert (device.session_present, device.message().payload) == (True, b"late")


def test_a_session_is_gone_after_an_hour(desk):
    away(desk, ("a", 1))
    desk.pass_time(3600)
    speak(desk, ("a", b"too late"))
    device = desk.client("device", clean_session=False)
    assert device.session_present is False
    assert silent(device)


def test_what_was_not_acknowledged_comes_again_after_reconnecting(desk):
    device = desk.client("device", clean_session=False)
    device.subscribe(("a", 1))
    speak(desk, ("a", b"1"), ("a", b"2"))
    first = device.message(acknowledge=False)
    device.message(acknowledge=True)
    assert silent(device)
    device.disconnect()
    again = desk.client("device", clean_session=False)
    repeated = again.message()
    assert (repeated.payload, repeated.dup, repeated.packet_id) == (b"1", False, first.packet_id)
    assert silent(again)


def test_what_was_not_acknowledged_comes_again_in_time(desk):
    device = desk.client("device", keepalive_s=1200)
    device.subscribe(("a", 1))
    speak(desk, ("a", b"x"))
    first = device.message(acknowledge=False)
    desk.pass_time(Limits().retry_s - 0.1)
    assert silent(device)
    desk.pass_time(0.1)
    repeated = device.message(acknowledge=False)
    assert (repeated.dup, repeated.packet_id) == (False, first.packet_id)
    desk.pass_time(Limits().retry_s - 0.1)
    assert silent(device)
    desk.pass_time(0.1)
    device.message(acknowledge=True)
    assert silent(device)
    desk.pass_time(Limits().retry_s)
    assert silent(device)


def test_what_is_never_acknowledged_is_given_up_after_an_hour(desk):
    device = desk.client("device", keepalive_s=1200)
    device.subscribe(("a", 1))
    speak(desk, ("a", b"x"))
    device.message(acknowledge=False)
    for _ in range(3):
        desk.pass_time(1199)
        device.message(acknowledge=False)
        assert silent(device)
    desk.pass_time(3)
    assert silent(device)


def test_at_most_100_are_unacknowledged(desk):
    device = desk.client("device")
    device.subscribe(("a", 1))
    speak(desk, *(("a", b"%d" % number) for number in range(103)))
    unacknowledged = [device.message(acknowledge=False) for _ in range(100)]
    assert silent(device)
    for message in unacknowledged[:2]:
        device.send(b"\x40\x02" + message.packet_id.to_bytes(2, "big"))
    assert [device.message(acknowledge=False).payload for _ in range(2)] == [b"100", b"101"]
    assert silent(device)
    identifiers = {message.packet_id for message in unacknowledged}
    assert len(identifiers) == 100


def test_subscriptions_of_a_session_can_be_changed_after_its_return(desk):
    away(desk, ("a", 1), ("b", 1))
    device = desk.client("device", clean_session=False)
    device.subscribe(("a", 0))
    speak(desk, ("a", b"x"))
    assert device.message().qos == 0


def test_too_much_for_a_client_that_is_away_is_lost_from_the_end():
    with Desk(limits=replace(Limits().without_rates(), waiting_messages=2), clock=Clock()) as desk:
        away(desk, ("a", 1))
        speak(desk, ("a", b"1"), ("a", b"2"), ("a", b"3"))
        device = desk.client("device", clean_session=False)
        assert [device.message().payload for _ in range(2)] == [b"1", b"2"]
        assert silent(device)


def test_room_for_waiting_messages_is_free_again_once_they_are_gone():
    with Desk(limits=replace(Limits().without_rates(), waiting_bytes=10), clock=Clock()) as desk:
        away(desk, ("a", 1))
        for _ in range(3):
            speak(desk, ("a", b"6 byte"))
            device = desk.client("device", clean_session=False)
            assert device.message().payload == b"6 byte"
            device.disconnect()


class Sink:
    """A connection that takes everything and notes the identifiers in use."""

    def __init__(self):
        self.writable = True
        self.window = 100
        self.used = []

    def send_message(self, message, packet_id=0):
        self.used.append(packet_id)

    def may_receive(self, message):
        return True

    def take_turn(self):
        return True

    def too_slow(self, reason):
        raise AssertionError(reason)


def test_an_identifier_in_use_is_not_given_to_another_message():
    session = Session("device", False, Limits(), Clock())
    sink = Sink()
    session.attach(sink)
    message = Message("a", b"", 1)
    session.deliver(message, 1)
    for _ in range(65535):
        session.deliver(message, 1)
        session.acknowledged(sink.used[-1])
    assert sink.used[0] == 1
    assert sink.used[-2:] == [65535, 2]


def test_sessions_and_retained_messages_survive_a_stop_of_the_broker(desk):
    away(desk, ("a", 1))
    speak(desk, ("a", b"kept"))
    desk.client("stays").publish("b", b"retained", retain=True)
    desk.restart()
    device = desk.client("device", clean_session=False)
    assert (device.session_present, device.message().payload) == (True, b"kept")
    device.subscribe(("b", 0))
    assert device.message().payload == b"retained"


def test_a_disk_that_is_full_for_a_moment_does_not_end_the_looking_at_the_clock(desk, monkeypatch):
    class Full(NoMemory):
        def forgotten(self, client_id):
            desk.broker.memory = NoMemory()
            raise OSError("No space left on device")

    monkeypatch.setattr(broker, "_SWEEP_S", 0.01)
    away(desk, ("a", 1))
    desk.broker.memory = Full()
    desk.broker.clock.now += desk.broker.limits.session_expiry_s
    desk.wait_for("session_expired", times=2)
    assert not desk.call(lambda: desk.broker.sessions)


def test_no_session_is_kept_for_longer_than_an_hour():
    asked = properties.write({"session_expiry": 2**32 - 1})
    begin = Mqtt5(Limits()).decode_connect(b"\0\4MQTT\5\2\0\x3c" + asked + encode_text("client"))
    _, end_s = Mqtt5(Limits()).decode_disconnect(b"\0" + asked)
    assert (begin.session_expiry_s, end_s) == (3600, 3600)
    assert Mqtt5(Limits()).decode_disconnect(b"\0" + properties.write({})) == (False, None)
