"""MQTT 5 as AWS IoT has it. The oracles are AWS's own client for it and paho-mqtt, which do not know this broker."""

import queue

import paho.mqtt.client as paho
import pytest
from awscrt import mqtt5
from awsiot import mqtt5_client_builder
from hypothesis import given
from hypothesis import strategies as st
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from tests.host.cloud_desk import TIMEOUT_S, Authority, Desk, MemoryRegistry
from tools.cloud import properties
from tools.cloud.limits import Limits
from tools.cloud.mqtt5 import Mqtt5
from tools.cloud.packets import PacketError, encode_text, packet
from tools.cloud.session import Message

QOS0, QOS1 = mqtt5.QoS.AT_MOST_ONCE, mqtt5.QoS.AT_LEAST_ONCE
OWN = {"Action": "iot:*", "Effect": "Allow", "Resource": [f"*:{kind}/own*" for kind in ("topic", "topicfilter")]}
CONNECT = {"Action": "iot:Connect", "Effect": "Allow", "Resource": "*:client/device*"}


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("ca"))


@pytest.fixture(scope="module")
def pairs(authority):
    return {name: authority.issue(name) for name in ("all", "device")}


@pytest.fixture(scope="module")
def desk(authority, pairs):
    server = authority.issue("server", dns="localhost")
    with Desk(MemoryRegistry(), limits=Limits().without_rates(), tls=authority.server_context(server)) as desk:
        desk.registry.register(pairs["all"])
        desk.registry.register(pairs["device"], {"Version": "2012-10-17", "Statement": [OWN, CONNECT]})
        yield desk


class AwsClient:
    """AWS's client, its callbacks made into queues."""

    def __init__(self, desk, authority, pair, client_id, **options):
        self.connected, self.refused, self.disconnected = queue.Queue(), queue.Queue(), queue.Queue()
        self.messages = queue.Queue()
        self._client = mqtt5_client_builder.mtls_from_path(
            str(pair.certificate),
            str(pair.key),
            endpoint="localhost",
            port=desk.port,
            ca_filepath=str(authority.file),
            client_id=client_id,
            on_publish_received=lambda data: self.messages.put(data.publish_packet),
            on_lifecycle_connection_success=lambda data: self.connected.put(data.connack_packet),
            on_lifecycle_connection_failure=lambda data: self.refused.put(data.connack_packet),
            on_lifecycle_disconnection=lambda data: self.disconnected.put(data.disconnect_packet),
            **options,
        )
        self._client.start()

    def connack(self):
        return self.connected.get(timeout=TIMEOUT_S)

    def message(self):
        return self.messages.get(timeout=TIMEOUT_S)

    def subscribe(self, *filters):
        packet = mqtt5.SubscribePacket([mqtt5.Subscription(topic_filter, QOS1) for topic_filter in filters])
        return [int(code) for code in self._client.subscribe(packet).result(TIMEOUT_S).reason_codes]

    def unsubscribe(self, *filters):
        packet = mqtt5.UnsubscribePacket(list(filters))
        return [int(code) for code in self._client.unsubscribe(packet).result(TIMEOUT_S).reason_codes]

    def publish(self, topic, payload=b"", qos=QOS1, **more):
        packet = mqtt5.PublishPacket(topic=topic, payload=payload, qos=qos, **more)
        done = self._client.publish(packet).result(TIMEOUT_S)
        return int(done.puback.reason_code) if qos == QOS1 else None

    def leave(self):
        self._client.stop(mqtt5.DisconnectPacket())
        self.disconnected.get(timeout=TIMEOUT_S)

    def come_back(self):
        self._client.start()
        return self.connack()

    def stop(self):
        self._client.stop()


@pytest.fixture
def aws(desk, authority, pairs):
    made = []

    def aws(client_id, pair="all", **options):
        made.append(AwsClient(desk, authority, pairs[pair], client_id, **options))
        return made[-1]

    yield aws
    for client in made:
        client.stop()


@pytest.fixture
def connected_paho(desk, authority, pairs):
    made = []

    def connected_paho(client_id, protocol=paho.MQTTv5, prepare=lambda client: None):
        client = paho.Client(paho.CallbackAPIVersion.VERSION2, client_id, protocol=protocol)
        client.tls_set(str(authority.file), str(pairs["all"].certificate), str(pairs["all"].key))
        client.messages, subscribed = queue.Queue(), queue.Queue()
        client.connacks = queue.Queue()
        client.on_connect = lambda *details: client.connacks.put(details[4])
        client.on_message = lambda _, __, message: client.messages.put(message)
        client.on_subscribe = lambda *_: subscribed.put(True)
        client.subscribe_now = lambda topic: (client.subscribe(topic, 1), subscribed.get(timeout=TIMEOUT_S))
        prepare(client)
        client.connect("localhost", desk.port)
        client.loop_start()
        client.connack = client.connacks.get(timeout=TIMEOUT_S)
        made.append(client)
        return client

    yield connected_paho
    for client in made:
        client.disconnect()
        client.loop_stop()


def test_a_message_brings_its_properties(aws):
    client = aws("carries")
    said = client.connack()
    assert (said.receive_maximum, int(said.maximum_qos), said.topic_alias_maximum) == (100, 1, 8)
    assert client.subscribe("carries/+") == [1]
    users = [mqtt5.UserProperty("unit", "C"), mqtt5.UserProperty("unit", "twice")]
    more = {"content_type": "text/plain", "response_topic": "answers", "correlation_data": b"\x01", "payload": b"21.5"}
    assert client.publish("carries/t", user_properties=users, message_expiry_interval_sec=60, **more) == 0
    got = client.message()
    assert {name: getattr(got, name) for name in more} == more | {"correlation_data": got.correlation_data}
    assert [(each.name, each.value) for each in got.user_properties] == [("unit", "C"), ("unit", "twice")]
    assert 0 < got.message_expiry_interval_sec <= 60
    assert client.unsubscribe("carries/+", "never") == [0, 0x11]


def test_what_is_forbidden_is_answered_with_its_code(aws):
    client = aws("device-codes", "device")
    client.connack()
    assert client.subscribe("other/#", "own/#", "$aws/invented") == [0x87, 1, 0x8F]
    assert client.publish("other/x") == 0x87
    assert client.publish("own/x", b"still there") == 0
    assert client.message().payload == b"still there"
    client.publish("other/x", qos=QOS0)
    said = client.disconnected.get(timeout=TIMEOUT_S)
    assert (int(said.reason_code), "iot:Publish" in said.reason_string) == (0x87, True)


def test_who_may_not_connect_is_told_why(aws):
    said = aws("stranger", "device").refused.get(timeout=TIMEOUT_S)
    assert (int(said.reason_code), "iot:Connect" in said.reason_string) == (0x87, True)


def test_a_taken_client_id_is_told(aws):
    first = aws("twice")
    first.connack()
    aws("twice").connack()
    assert int(first.disconnected.get(timeout=TIMEOUT_S).reason_code) == 0x8E
    first.stop()


def test_a_session_lives_as_long_as_was_asked_and_messages_do(desk, aws):
    rejoin = mqtt5.ClientSessionBehaviorType.REJOIN_ALWAYS
    client = aws("kept", session_behavior=rejoin, session_expiry_interval_sec=100)
    said = client.connack()
    assert (said.session_present, said.session_expiry_interval_sec) == (False, 100)
    assert aws("longer", session_expiry_interval_sec=600_000).connack().session_expiry_interval_sec == 3600
    client.subscribe("kept/#")
    client.leave()
    desk.wait_for("disconnected")
    other = aws("speaks")
    other.connack()
    other.publish("kept/1", b"too old", message_expiry_interval_sec=1)
    desk.call(lambda: [setattr(each, "expires_at", 0) for _, each in desk.broker.sessions["kept"].backlog()])
    other.publish("kept/1", b"good", user_properties=[mqtt5.UserProperty("a", "b")])
    assert client.come_back().session_present is True
    got = client.message()
    assert (got.payload, got.user_properties[0].value) == (b"good", "b")
    client.leave()
    desk.call(lambda: setattr(desk.broker.sessions["kept"], "left_at", desk.broker.clock() - 101))
    desk.call(desk.broker.sweep)
    assert client.come_back().session_present is False


def test_both_versions_hear_each_other(connected_paho):
    new, old = connected_paho("new"), connected_paho("old", paho.MQTTv311)
    for client in (new, old):
        client.subscribe_now("both/#")
    old.publish("both/x", b"from old", 1)
    assert [client.messages.get(timeout=TIMEOUT_S).payload for client in (new, old)] == [b"from old"] * 2
    carried = Properties(PacketTypes.PUBLISH)
    carried.ContentType = "text/plain"
    new.publish("both/x", b"from new", 1, properties=carried)
    heard = [client.messages.get(timeout=TIMEOUT_S) for client in (new, old)]
    assert [each.payload for each in heard] == [b"from new"] * 2
    assert heard[0].properties.ContentType == "text/plain"


def test_a_will_has_properties_and_may_be_asked_for(connected_paho):
    carried = Properties(PacketTypes.WILLMESSAGE)
    carried.UserProperty = ("why", "asked")
    listener = connected_paho("listens")
    listener.subscribe_now("wills/#")
    leaver = connected_paho("leaves", prepare=lambda client: client.will_set("wills/x", b"bye", 1, properties=carried))
    leaver.disconnect(reasoncode=paho.ReasonCode(PacketTypes.DISCONNECT, "Disconnect with will message"))
    got = listener.messages.get(timeout=TIMEOUT_S)
    assert (got.payload, got.properties.UserProperty) == (b"bye", [("why", "asked")])


def test_a_client_without_a_name_is_given_one(connected_paho):
    assert connected_paho("").connack.AssignedClientIdentifier.startswith("$GEN/")


def test_topic_aliases_stand_for_their_topic(connected_paho):
    client = connected_paho("aliases")
    client.subscribe_now("a/long/topic")
    alias = Properties(PacketTypes.PUBLISH)
    alias.TopicAlias = 3
    client.publish("a/long/topic", b"1", 1, properties=alias).wait_for_publish(TIMEOUT_S)
    client._send_publish(77, b"", b"2", 1, properties=alias)  # paho has no public way to leave the topic out
    assert [client.messages.get(timeout=TIMEOUT_S).topic for _ in range(2)] == ["a/long/topic"] * 2


def test_what_is_larger_than_a_client_takes_is_not_sent_to_it(desk, authority, pairs):
    client = desk.client(tls=authority.client_context(pairs["all"]))
    at_most_100_bytes = properties.write({"maximum_packet_size": 100})
    client.send(packet(0x10, b"\0\4MQTT\5\2\0\x3c" + at_most_100_bytes + encode_text("small")))
    assert client.packet()[0] == 0x20
    client.send(packet(0x82, b"\0\1\0" + encode_text("sizes") + b"\1"))
    assert client.packet() == (0x90, b"\0\1\0\1")
    for payload in (b"x" * 100, b"fits"):
        desk.call(desk.broker.publish, "sizes", payload, 1)
    assert client.packet()[1].endswith(b"fits")


VALUES = {
    "payload_format": st.integers(0, 1),
    "message_expiry": st.integers(0, 2**32 - 1),
    "content_type": st.text(st.characters(exclude_characters="\0", exclude_categories=("Cs",)), max_size=20),
    "correlation_data": st.binary(max_size=300),
    "user": st.lists(st.tuples(st.text("abc"), st.text("xyz")), min_size=1, max_size=3),
}


@given(st.fixed_dictionaries({}, optional=VALUES))
def test_properties_are_read_as_they_were_written(values):
    body = b"\0\1t" + properties.write(values) + b"payload"
    publish = Mqtt5(Limits()).decode_publish(0x30, body)
    assert (publish.topic, publish.payload, publish.expiry_s) == ("t", b"payload", values.get("message_expiry"))
    message = Message.of(publish)
    message.expires_at = None
    kept = {name: values[name] for name in VALUES if name in values and name != "message_expiry"}
    assert Mqtt5(Limits()).publish(message).endswith(properties.encode(kept) + b"payload")


@pytest.mark.parametrize(
    "name", ["decode_connect", "decode_acknowledgement", "decode_subscribe", "decode_unsubscribe", "decode_disconnect"]
)
@given(data=st.data())
def test_rubbish_is_a_packet_error_or_a_packet(name, data):
    start = data.draw(st.sampled_from([b"", b"\0\4MQTT\5\2\0\x3c", b"\0\1", b"\0\1\0\0\1a"]))
    read_or_refused(getattr(Mqtt5(Limits()), name), start + data.draw(st.binary(max_size=60)))


@given(st.sampled_from([b"", b"\0\1t", b"\0\1t\0\1"]), st.binary(max_size=60), st.sampled_from([0x30, 0x32]))
def test_a_publish_of_rubbish_is_a_packet_error_or_a_publish(start, rest, first):
    read_or_refused(Mqtt5(Limits()).decode_publish, first, start + rest)


def read_or_refused(read, *details):
    try:
        read(*details)
    except PacketError:
        pass
