"""What a session keeps for its client, and the memories beside it: counted, bounded, and let go of."""

import time
from dataclasses import replace

import pytest

from tests.host.cloud_desk import Clock, Desk
from tools.cloud import properties
from tools.cloud.limits import Limits
from tools.cloud.memory import NoMemory
from tools.cloud.packets import encode_text, packet
from tools.cloud.presence import Presence
from tools.cloud.retained import Retained
from tools.cloud.session import Message, Session

LIMITS = replace(Limits().without_rates(), waiting_bytes=8)
FOUR = Message("a", b"1234", 1)


class Sink:
    """A connection that takes everything; `sent` are identifiers."""

    writable = True

    def __init__(self, window=100):
        self.window = window
        self.sent = []
        self.was_slow = False

    def send_message(self, message, packet_id=0):
        self.sent.append(packet_id)

    def may_receive(self, message):
        return True

    def take_turn(self):
        return True

    def too_slow(self, reason):
        self.was_slow = True


@pytest.fixture
def clock():
    return Clock()


def away_with(*messages, limits=LIMITS, clock=None):
    """A session whose client is away, and these wait for it."""
    session = Session("device", False, limits, clock or Clock())
    for message in messages:
        session.deliver(message, 1)
    return session


def test_what_waits_counts_again_when_its_client_has_left_once_more():
    session = away_with(FOUR, FOUR)
    session.attach(Sink(window=1))
    session.detach()
    session.deliver(FOUR, 1)
    session.deliver(FOUR, 1)
    assert (session.dropped, len(session.backlog())) == (1, 3), "one is in flight, which does not count"


def test_what_was_sent_does_not_wait_any_more():
    session, sink = away_with(FOUR, FOUR), Sink(window=2)
    session.attach(sink)
    session.deliver(FOUR, 1)
    session.deliver(FOUR, 1)
    assert not sink.was_slow
    session.deliver(FOUR, 1)
    assert sink.was_slow


def test_what_waits_for_its_turn_after_a_return_is_not_repeated_before_it(clock):
    limits = replace(LIMITS, stored_per_s=2.0, retry_s=1.0)
    session = Session("device", False, limits, clock)
    session.restore([(number, FOUR) for number in (1, 2, 3)], away_s=0, expiry_s=None)
    clock.now += 10
    sink = Sink()
    session.attach(sink)
    session.retry(clock.now)
    assert sink.sent == [1, 2]


def test_a_session_does_not_expire_while_its_client_is_there(clock):
    session = away_with(clock=clock)
    session.attach(Sink())
    clock.now += 2 * session.expiry_s
    assert not session.expired(clock.now)
    session.detach()
    assert not session.expired(clock.now)
    assert session.expired(clock.now + session.expiry_s)


# ---- what the broker remembers of sessions ----


class Recorded(NoMemory):
    """What would be in the store: what waits for each client."""

    def __init__(self):
        self.kept = {}

    def session(self, session, *, is_away):
        self.kept.setdefault(session.client_id, [])

    def waiting(self, client_id, messages):
        self.kept[client_id] = list(messages)

    def forgotten(self, client_id):
        del self.kept[client_id]


@pytest.fixture
def desk():
    with Desk(limits=Limits().without_rates(), clock=Clock()) as desk:
        desk.broker.memory = Recorded()
        yield desk


def test_what_was_acknowledged_after_a_return_is_not_remembered(desk):
    device = desk.client("device", clean_session=False)
    device.subscribe(("a", 1))
    desk.call(desk.broker.publish, "a", b"x", 1)
    device.message(acknowledge=False)
    device.disconnect()
    assert [(each.topic, each.payload) for _, each in desk.broker.memory.kept["device"]] == [("a", b"x")]
    device = desk.client("device", clean_session=False)
    device.message()
    device.subscribe(("b", 1))  # the acknowledgement has been read before this
    desk.pass_time(0)
    assert desk.broker.memory.kept == {"device": []}


def joined_with_mqtt_5(desk, expiry_s):
    """Connect as "device" to the session that is there; whether it was."""
    device = desk.client()
    asked = properties.write({"session_expiry": expiry_s})
    device.send(packet(0x10, b"\0\4MQTT\5\0\0\x3c" + asked + encode_text("device")))
    present, code = device.packet()[1][:2]
    assert code == 0
    return device, bool(present)


def test_a_session_that_mqtt_5_resumes_to_end_it_is_forgotten(desk):
    joined_with_mqtt_5(desk, 100)[0].disconnect()
    _, present = joined_with_mqtt_5(desk, 0)
    assert present, "the session is there"
    assert desk.broker.memory.kept == {}


def test_a_session_is_not_resumed_with_another_version_of_mqtt(desk):
    old = desk.client("device", clean_session=False)
    old.subscribe(("a", 1))
    old.disconnect()
    new, present = joined_with_mqtt_5(desk, 100)
    assert not present
    assert desk.call(desk.broker.publish, "a", b"x", 1) == 0, "its subscription is gone, too"
    new.disconnect()
    again = desk.client("device", clean_session=False)
    assert again.session_present is False
    again.disconnect()
    assert desk.client("device", clean_session=False).session_present is True


def test_a_client_id_that_a_clean_session_had_begins_without_a_session(desk):
    desk.client("device")
    again = desk.client("device", clean_session=False)
    assert again.session_present is False
    again.subscribe(("a", 0))
    desk.call(desk.broker.publish, "a", b"x")
    assert again.message().payload == b"x"


# ---- bounds ----


def test_a_full_memory_of_retained_messages_takes_news_of_what_it_has():
    retained = Retained(1, NoMemory)
    assert retained.keep(Message("a", b"1", 0))
    assert not retained.keep(Message("b", b"1", 0))
    assert retained.keep(Message("a", b"2", 0))
    assert retained.message("a").payload == b"2"


def test_a_retained_message_that_is_over_is_shown_to_nobody():
    retained, message = Retained(2, NoMemory), Message("a", b"1", 0)
    message.expires_at = time.monotonic()
    assert retained.keep(message)
    assert retained.keep(Message("b", b"1", 0))
    assert (retained.message("a"), list(retained.topics())) == (None, ["b"])


@pytest.mark.parametrize(("asked_s", "given_s"), [(0, 1), (1, 1), (60, 60), (2**32 - 1, 7 * 86400)])
def test_a_message_is_good_for_a_second_at_least_and_a_week_at_most(asked_s, given_s):
    message = Message("a", b"1", 0)
    before = time.monotonic()
    message.expire_in(asked_s)
    assert before + given_s <= message.expires_at <= time.monotonic() + given_s


def test_versions_of_presence_are_remembered_of_so_many_clients():
    presence = Presence(lambda topic, payload: None, 2)
    versions = [presence._next_version(client_id) for client_id in ("a", "b", "a", "c", "b", "a")]
    assert versions == [0, 0, 1, 0, 0, 0], "who was silent the longest begins anew"
