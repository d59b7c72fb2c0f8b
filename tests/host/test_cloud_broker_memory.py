"""What waits for a client that was away: at which rate it is sent, and that it outlives the broker."""

import contextlib
import shutil
import ssl
import time
from dataclasses import replace

import pytest

from tests.host.cloud_control import WallClock
from tests.host.cloud_desk import Clock, Desk, RawClient
from tools.cloud import LocalCloud, properties
from tools.cloud.limits import Limits
from tools.cloud.packets import CONNACK, CONNECT, PINGREQ_PACKET, PINGRESP, encode_text, packet
from tools.cloud.recipes import create_fleet, create_thing


def silent(client):
    """Is there nothing more for this client?"""
    client.send(PINGREQ_PACKET)
    return client.packet() == (PINGRESP, b"")


@pytest.fixture
def desk():
    with Desk(limits=Limits(), clock=Clock()) as desk:
        yield desk


def leave_messages(desk, count):
    """A client that has gone, and so many messages for it."""
    device = desk.client("device", clean_session=False)
    device.subscribe(("a", 1))
    device.disconnect()
    desk.call(lambda: [desk.broker.publish("a", b"%d" % number, 1) for number in range(count)])


def test_ten_stored_messages_a_second_are_sent_beside_what_is_new(desk):
    leave_messages(desk, 25)
    device = desk.client("device", clean_session=False)
    assert [device.message().payload for _ in range(10)] == [b"%d" % number for number in range(10)]
    assert silent(device)
    desk.call(desk.broker.publish, "a", b"new", 1)
    assert device.message().payload == b"new"
    desk.pass_time(1)
    assert [device.message().payload for _ in range(10)] == [b"%d" % number for number in range(10, 20)]
    assert silent(device)
    desk.pass_time(1)
    assert [device.message().payload for _ in range(5)] == [b"%d" % number for number in range(20, 25)]


def test_a_client_that_leaves_amid_its_stored_messages_gets_the_rest_later(desk):
    leave_messages(desk, 15)
    first = desk.client("device", clean_session=False)
    seen = [first.message().payload for _ in range(10)]
    assert silent(first)
    first.disconnect()
    desk.call(desk.broker.publish, "a", b"15", 1)
    desk.pass_time(2)
    again = desk.client("device", clean_session=False)
    seen += [again.message().payload for _ in range(6)]
    assert seen == [b"%d" % number for number in range(16)]
    assert silent(again)


def test_what_was_sent_and_not_acknowledged_is_stored_too(desk):
    device = desk.client("device", clean_session=False)
    device.subscribe(("a", 1))
    desk.call(lambda: [desk.broker.publish("a", b"%d" % number, 1) for number in range(12)])
    sent = [device.message(acknowledge=False).packet_id for _ in range(12)]
    device.disconnect()
    desk.pass_time(1)
    again = desk.client("device", clean_session=False)
    repeated = [again.message() for _ in range(10)]
    assert [(each.packet_id, each.dup) for each in repeated] == [(number, False) for number in sent[:10]]
    assert silent(again)
    desk.pass_time(1)
    assert [again.message().packet_id for _ in range(2)] == sent[10:]
    desk.pass_time(Limits().retry_s)
    assert silent(again)


# ---- outliving the broker ----


class Kept:
    """A cloud in a folder and a thing in it, whose session and messages are to survive."""

    def __init__(self, folder):
        self.folder = folder
        self.clock = WallClock()

    def start(self, folder=None):
        limits = replace(Limits().without_rates(), close_timeout_s=0.2)  # a raw client takes no part in closing
        return LocalCloud(folder or self.folder, fast_keys=True, limits=limits, now=self.clock)

    def make_thing(self, cloud):
        own = create_thing(cloud.iot(), "lamp", create_fleet(cloud.iot()).thing_policy)
        pair = self.folder / "lamp.pem"
        pair.write_text(own.key_pem + own.cert_pem)
        self.context = ssl.create_default_context(cafile=cloud.ca_file)
        self.context.load_cert_chain(pair)

    @contextlib.contextmanager
    def connected(self, cloud, **options):
        with RawClient(cloud.mqtt_port, self.context) as lamp:
            assert lamp.connect("lamp", clean_session=False, **options) == 0
            yield lamp


@pytest.fixture
def kept(tmp_path):
    return Kept(tmp_path / "cloud")


COMMAND, STATE = "devices/lamp/command", "devices/lamp/state"


def test_session_messages_and_retained_survive_a_kill(kept, tmp_path):
    with kept.start() as cloud:
        kept.make_thing(cloud)
        with kept.connected(cloud) as lamp:
            lamp.subscribe((COMMAND, 1))
            lamp.disconnect()
        data = cloud.iot_data()
        for payload in (b"1", b"2"):
            data.publish(topic=COMMAND, qos=1, payload=payload)
        data.publish(topic=STATE, qos=1, retain=True, payload=b"on")
        data.publish(topic="devices/lamp/gone", retain=True, payload=b"x")
        data.publish(topic="devices/lamp/gone", retain=True, payload=b"")
        shutil.copytree(kept.folder, tmp_path / "as a kill leaves it")
    with kept.start(tmp_path / "as a kill leaves it") as cloud:
        with kept.connected(cloud) as lamp:
            assert lamp.session_present is True
            assert [lamp.message().payload for _ in range(2)] == [b"1", b"2"]
            lamp.subscribe((STATE, 1), ("devices/lamp/gone", 1))
            message = lamp.message()
            assert (message.topic, message.payload, message.retain) == (STATE, b"on", True)
            assert silent(lamp)
        [listed] = cloud.iot_data().list_retained_messages()["retainedTopics"]
        assert abs(listed["lastModifiedTime"] / 1000 - time.time()) < 300


def test_what_was_on_its_way_survives_a_stop(kept):
    with kept.start() as cloud:
        kept.make_thing(cloud)
        with kept.connected(cloud) as lamp:
            lamp.subscribe((COMMAND, 1))
            cloud.iot_data().publish(topic=COMMAND, qos=1, payload=b"x")
            packet_id = lamp.message(acknowledge=False).packet_id
            cloud.close()
    with kept.start() as cloud, kept.connected(cloud) as lamp:
        repeated = lamp.message()
        assert (repeated.packet_id, repeated.dup, repeated.payload) == (packet_id, False, b"x")
    with kept.start() as cloud, kept.connected(cloud) as lamp:
        assert lamp.session_present is True
        assert silent(lamp), "it was acknowledged"


@pytest.mark.parametrize(("passed_s", "is_present"), [(3500, True), (3700, False)])
def test_a_session_expires_while_the_cloud_is_down(kept, passed_s, is_present):
    with kept.start() as cloud:
        kept.make_thing(cloud)
        with kept.connected(cloud) as lamp:
            lamp.subscribe((COMMAND, 1))
    kept.clock.advance(passed_s)
    with kept.start() as cloud:
        cloud.sweep()
        with kept.connected(cloud) as lamp:
            assert lamp.session_present is is_present


@pytest.mark.parametrize(("passed_s", "is_present"), [(5, True), (15, False)])
def test_a_session_of_mqtt_5_keeps_its_own_time_over_a_restart(kept, passed_s, is_present):
    with kept.start() as cloud:
        kept.make_thing(cloud)
        assert not joined_with_mqtt_5(kept, cloud)
    kept.clock.advance(passed_s)
    with kept.start() as cloud:
        cloud.sweep()
        assert joined_with_mqtt_5(kept, cloud) is is_present


def joined_with_mqtt_5(kept, cloud):
    """Was there a session when the lamp came, which then keeps it for ten seconds?"""
    with RawClient(cloud.mqtt_port, kept.context) as lamp:
        ten_seconds = properties.write({"session_expiry": 10})
        lamp.send(packet(CONNECT, b"\0\4MQTT\5\0\0\x3c" + ten_seconds + encode_text("lamp")))
        first, body = lamp.packet()
        assert (first, body[1]) == (CONNACK, 0)
        return bool(body[0])


def test_a_session_of_mqtt_5_stays_one_over_a_restart(kept):
    with kept.start() as cloud:
        kept.make_thing(cloud)
        joined_with_mqtt_5(kept, cloud)
    with kept.start() as cloud, kept.connected(cloud) as lamp:
        assert lamp.session_present is False


def test_a_retained_message_keeps_its_time_and_properties_over_a_restart(kept):
    with kept.start() as cloud:
        kept.make_thing(cloud)
        data = cloud.iot_data()
        for topic, expiry in (("short", 10), ("long", 1000), ("endless", None)):
            more = {} if expiry is None else {"messageExpiry": expiry}
            data.publish(topic=topic, retain=True, payload=b"x", contentType="text/plain", **more)
    kept.clock.advance(100)
    with kept.start() as cloud:
        listed = cloud.iot_data().list_retained_messages()["retainedTopics"]
        assert [each["topic"] for each in listed] == ["endless", "long"]
        left = cloud.call(lambda: cloud._broker.retained.message("long"))
        assert properties.decode(left.carried) == {"content_type": "text/plain"}
        assert left.expires_at - time.monotonic() <= 900
        kept.clock.advance(1000)
    with kept.start() as cloud:
        assert [each["topic"] for each in cloud.iot_data().list_retained_messages()["retainedTopics"]] == ["endless"]


def test_a_message_that_waits_for_a_client_keeps_its_time_and_properties_over_a_restart(kept):
    with kept.start() as cloud:
        kept.make_thing(cloud)
        with kept.connected(cloud) as lamp:
            lamp.subscribe((COMMAND, 1))
            lamp.disconnect()
        lives = {b"short": {"messageExpiry": 10}, b"long": {"messageExpiry": 1000}, b"endless": {}}
        for payload, expiry in lives.items():
            cloud.iot_data().publish(topic=COMMAND, qos=1, payload=payload, contentType="text/plain", **expiry)
    for _ in range(2):  # as it was stored at once, then as it was when the cloud stopped
        kept.clock.advance(50)
        with kept.start() as cloud:
            backlog = cloud.call(cloud._broker.sessions["lamp"].backlog)
            carried = [properties.decode(message.carried) for _, message in backlog]
            assert carried == [{"content_type": "text/plain"}] * 3
            assert backlog[1][1].expires_at - time.monotonic() <= 950
    with kept.start() as cloud, kept.connected(cloud) as lamp:
        assert [lamp.message().payload for _ in range(2)] == [b"long", b"endless"]
        assert silent(lamp)


def test_a_clean_session_leaves_nothing_behind(kept):
    with kept.start() as cloud:
        kept.make_thing(cloud)
        with kept.connected(cloud) as lamp:
            lamp.subscribe((COMMAND, 1))
        with RawClient(cloud.mqtt_port, kept.context) as lamp:
            assert lamp.connect("lamp", clean_session=True) == 0
    with kept.start() as cloud, kept.connected(cloud) as lamp:
        assert lamp.session_present is False
