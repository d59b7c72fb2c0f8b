"""The oracles: AWS's own client, paho-mqtt and mosquitto's tools, over mutual TLS, none of which know this broker."""

import shutil
import subprocess
import threading
from concurrent.futures import Future

import paho.mqtt.client as paho
import pytest
from awscrt import mqtt
from awsiot import mqtt_connection_builder
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from tests.host.cloud_desk import TIMEOUT_S, Authority, Desk, MemoryRegistry
from tools.cloud.limits import Limits


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("ca"))


@pytest.fixture(scope="module")
def device(authority):
    return authority.issue("device")


@pytest.fixture
def desk(authority, device):
    server = authority.issue("server", dns="localhost")
    with Desk(MemoryRegistry(), limits=Limits().without_rates(), tls=authority.server_context(server)) as desk:
        desk.registry.register(device)
        yield desk


# ---- AWS's client ----


@pytest.fixture
def aws(desk, authority, device):
    """Make a connection of the AWS IoT Device SDK; all are closed at the end."""
    made = []

    def aws(client_id, clean_session=True, **options):
        connection = mqtt_connection_builder.mtls_from_path(
            endpoint="localhost",
            port=desk.port,
            cert_filepath=str(device.certificate),
            pri_key_filepath=str(device.key),
            ca_filepath=str(authority.file),
            client_id=client_id,
            clean_session=clean_session,
            keep_alive_secs=30,
            **options,
        )
        made.append(connection)
        return connection

    yield aws
    for connection in made:
        connection.disconnect().result(TIMEOUT_S)


def test_aws_client_publishes_and_receives(aws):
    connection, arrived = aws("sdk"), Future()
    assert connection.connect().result(TIMEOUT_S) == {"session_present": False}

    def on_message(topic, payload, qos, **more):
        arrived.set_result((topic, payload, qos))

    subscribed, _ = connection.subscribe("sdk/+", mqtt.QoS.AT_LEAST_ONCE, on_message)
    assert subscribed.result(TIMEOUT_S)["qos"] == mqtt.QoS.AT_LEAST_ONCE
    published, _ = connection.publish("sdk/x", b"hello", mqtt.QoS.AT_LEAST_ONCE)
    published.result(TIMEOUT_S)
    assert arrived.result(TIMEOUT_S) == ("sdk/x", b"hello", mqtt.QoS.AT_LEAST_ONCE)
    unsubscribed, _ = connection.unsubscribe("sdk/+")
    unsubscribed.result(TIMEOUT_S)


def test_aws_client_resumes_its_session(desk, aws):
    connection = aws("resumes", clean_session=False)
    arrived = Future()  # before it connects: `disconnect` is told a moment before a handler is taken again
    connection.on_message(lambda topic, payload, **more: arrived.set_result(payload))
    connection.connect().result(TIMEOUT_S)
    connection.subscribe("later", mqtt.QoS.AT_LEAST_ONCE)[0].result(TIMEOUT_S)
    connection.disconnect().result(TIMEOUT_S)
    desk.call(desk.broker.publish, "later", b"kept", 1)
    assert connection.connect().result(TIMEOUT_S) == {"session_present": True}
    assert arrived.result(TIMEOUT_S) == b"kept"


def test_aws_client_sees_a_forbidden_publish_as_a_lost_connection_and_comes_back(desk, aws):
    interrupted, resumed = threading.Event(), threading.Event()
    connection = aws(
        "persistent",
        on_connection_interrupted=lambda connection, error, **more: interrupted.set(),
        on_connection_resumed=lambda connection, return_code, session_present, **more: resumed.set(),
        reconnect_min_timeout_secs=1,
        reconnect_max_timeout_secs=1,
    )
    connection.connect().result(TIMEOUT_S)
    connection.publish("$aws/invented", b"", mqtt.QoS.AT_MOST_ONCE)
    assert interrupted.wait(TIMEOUT_S)
    assert resumed.wait(TIMEOUT_S)


# ---- paho ----


@pytest.fixture
def connected_paho(request, desk, authority, device):
    """Of MQTT 3.1.1, unless a test asks for another."""
    protocol = getattr(request, "param", paho.MQTTv311)
    client = paho.Client(paho.CallbackAPIVersion.VERSION2, "paho", protocol=protocol)
    client.tls_set(str(authority.file), str(device.certificate), str(device.key))
    ready = threading.Event()
    client.on_connect = lambda *more: ready.set()
    client.connect("localhost", desk.port)
    client.loop_start()
    assert ready.wait(TIMEOUT_S)
    yield client
    client.disconnect()
    client.loop_stop()


def test_paho_sends_and_receives_200_messages_in_order(connected_paho):
    numbers, all_there, subscribed = [], threading.Event(), threading.Event()

    def on_message(client, userdata, message):
        numbers.append(int(message.payload))
        if len(numbers) == 200:
            all_there.set()

    connected_paho.on_message = on_message
    connected_paho.on_subscribe = lambda *more: subscribed.set()
    connected_paho.subscribe("numbers", qos=1)
    assert subscribed.wait(TIMEOUT_S)
    sent = [connected_paho.publish("numbers", b"%d" % number, qos=1) for number in range(200)]
    for each in sent:
        each.wait_for_publish(TIMEOUT_S)
    assert all_there.wait(TIMEOUT_S)
    assert numbers == list(range(200))


def test_paho_gets_128_kb(connected_paho):
    arrived, subscribed, payload = Future(), threading.Event(), bytes(range(256)) * 512
    connected_paho.on_message = lambda client, userdata, message: arrived.set_result(message.payload)
    connected_paho.on_subscribe = lambda *more: subscribed.set()
    connected_paho.subscribe("big", qos=1)
    assert subscribed.wait(TIMEOUT_S)
    connected_paho.publish("big", payload, qos=1).wait_for_publish(TIMEOUT_S)
    assert arrived.result(TIMEOUT_S) == payload


@pytest.mark.parametrize("connected_paho", [paho.MQTTv5], ids=["5"], indirect=True)
def test_no_local_and_retain_as_published_have_no_effect_as_with_aws(desk, connected_paho):
    arrived, subscribed = Future(), Future()
    connected_paho.on_message = lambda client, userdata, message: arrived.set_result(message)
    connected_paho.on_subscribe = lambda *details: subscribed.set_result([code.value for code in details[3]])
    connected_paho.subscribe("own", options=paho.SubscribeOptions(1, noLocal=True, retainAsPublished=True))
    assert subscribed.result(TIMEOUT_S) == [1]
    connected_paho.publish("own", b"own", qos=1, retain=True)
    assert (arrived.result(TIMEOUT_S).payload, arrived.result().retain) == (b"own", False)
    assert desk.wait_for("options_ignored") == {"client_id": "paho", "filter": "own"}


@pytest.mark.parametrize("connected_paho", [paho.MQTTv5], ids=["5"], indirect=True)
def test_subscription_identifiers_end_the_connection_as_with_aws(connected_paho):
    ended, identified = Future(), Properties(PacketTypes.SUBSCRIBE)
    connected_paho.on_disconnect = lambda *details: ended.done() or ended.set_result(details[3].value)
    identified.SubscriptionIdentifier = 1
    connected_paho.subscribe("own", options=paho.SubscribeOptions(1), properties=identified)
    assert ended.result(TIMEOUT_S) == 0xA1


# ---- mosquitto ----

needs_mosquitto = pytest.mark.skipif(shutil.which("mosquitto_sub") is None, reason="mosquitto-clients is not installed")


@needs_mosquitto
def test_mosquittos_own_tools_publish_and_subscribe(desk, authority, device):
    where = ["-h", "localhost", "-p", str(desk.port), "--cafile", str(authority.file)]
    who = ["--cert", str(device.certificate), "--key", str(device.key)]
    listening = subprocess.Popen(
        ["mosquitto_sub", *where, *who, "-i", "listener", "-q", "1", "-t", "m/#", "-C", "1", "-v"],
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        desk.wait_for("subscribed")
        subprocess.run(
            ["mosquitto_pub", *where, *who, "-i", "speaker", "-q", "1", "-t", "m/x", "-m", "hello"],
            check=True,
            timeout=TIMEOUT_S,
        )
        assert listening.communicate(timeout=TIMEOUT_S)[0] == "m/x hello\n"
    finally:
        listening.kill()
        listening.wait()
