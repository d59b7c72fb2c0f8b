"""MQTT over WebSockets of the local AWS IoT. The oracles are AWS's own client, paho-mqtt and botocore's signatures."""

import contextlib
import json
import queue
import ssl
import textwrap
from dataclasses import replace

import paho.mqtt.client as paho
import pytest
from awscrt import auth, mqtt, mqtt5
from awscrt.exceptions import AwsCrtError
from awsiot import mqtt5_client_builder, mqtt_connection_builder

from tests.host.cloud_desk import TIMEOUT_S, Authority, RawClient
from tests.host.cloud_websocket import (
    BINARY,
    CONTINUATION,
    PING,
    PONG,
    TEXT,
    Frames,
    presigned,
)
from tools.cloud import LocalCloud, client_packets
from tools.cloud.limits import Limits
from tools.cloud.packets import CONNACK, PINGREQ_PACKET, PINGRESP, PUBACK, PUBLISH, SUBACK
from tools.cloud.policy import EVERYTHING
from tools.interpreter import ROOT

QOS1, QOS5 = mqtt.QoS.AT_LEAST_ONCE, mqtt5.QoS.AT_LEAST_ONCE
FLOOD, PAYLOAD = 300, bytes(100_000)


@pytest.fixture(scope="module")
def events():
    return queue.Queue()


@pytest.fixture(scope="module")
def cloud(tmp_path_factory, events):
    limits = replace(Limits().without_rates(), write_buffer_bytes=64 * 1024, waiting_messages=50)
    log = lambda event, **details: events.put((event, details))  # noqa: E731
    with LocalCloud(tmp_path_factory.mktemp("cloud"), fast_keys=True, limits=limits, log=log) as cloud:
        yield cloud


@pytest.fixture(scope="module")
def by_certificate(cloud, tmp_path_factory):
    """A TLS context with a certificate that may do everything."""
    made = cloud.iot().create_keys_and_certificate(setAsActive=True)
    cloud.iot().create_policy(policyName="everything", policyDocument=json.dumps(EVERYTHING))
    cloud.iot().attach_policy(policyName="everything", target=made["certificateArn"])
    file = tmp_path_factory.mktemp("device") / "device.pem"
    file.write_text(made["certificatePem"] + made["keyPair"]["PrivateKey"])
    context = ssl.create_default_context(cafile=cloud.ca_file)
    context.load_cert_chain(file)
    return context


@pytest.fixture
def device(cloud, by_certificate):
    """A client of the port for mutual TLS, which hears what is sent to it."""
    with RawClient(cloud.mqtt_port, by_certificate) as device:
        assert device.connect("device") == 0
        device.subscribe(("to/device", 1))
        yield device


@pytest.fixture
def websocket(cloud):
    """Open a WebSocket, connected when it has a client id; all are closed at the end."""
    with contextlib.ExitStack() as made:
        yield lambda *connect: opened(made.enter_context(contextlib.closing(Frames(cloud))), *connect)


def opened(frames, *connect):
    return frames.connect(*connect) if connect else frames


def keys(secret="local"):
    return auth.AwsCredentialsProvider.new_static("local", secret)


def aws_options(cloud, client_id):
    return {
        "endpoint": "localhost",
        "port": cloud.https_port,
        "client_id": client_id,
        "ca_filepath": str(cloud.ca_file),
    }


def test_awsiotsdk_and_a_device_hear_each_other(cloud, device):
    heard = queue.Queue()
    connection = mqtt_connection_builder.websockets_with_default_aws_signing(
        cloud.region, keys(), clean_session=True, **aws_options(cloud, "dashboard")
    )
    connection.connect().result(TIMEOUT_S)
    connection.subscribe("from/#", QOS1, lambda topic, payload, **_: heard.put((topic, payload)))[0].result(TIMEOUT_S)
    device.publish("from/device", b"21.5", 1)
    assert heard.get(timeout=TIMEOUT_S) == ("from/device", b"21.5")
    assert device.packet()[0] == PUBACK
    connection.publish("to/device", b"on", QOS1)[0].result(TIMEOUT_S)
    assert device.message().payload == b"on"
    connection.disconnect().result(TIMEOUT_S)


def test_awsiotsdk_with_a_wrong_secret_is_not_let_in(cloud):
    connection = mqtt_connection_builder.websockets_with_default_aws_signing(
        cloud.region, keys("wrong"), clean_session=True, **aws_options(cloud, "thief")
    )
    with pytest.raises(AwsCrtError, match="WEBSOCKET_UPGRADE_FAILURE"):
        connection.connect().result(TIMEOUT_S)


def test_awsiotsdk_and_a_device_hear_each_other_with_mqtt_5(cloud, device):
    connected, heard, stopped = queue.Queue(), queue.Queue(), queue.Queue()
    client = mqtt5_client_builder.websockets_with_default_aws_signing(
        cloud.region,
        keys(),
        on_publish_received=lambda data: heard.put(data.publish_packet),
        on_lifecycle_connection_success=lambda data: connected.put(data.connack_packet),
        on_lifecycle_stopped=stopped.put,
        **aws_options(cloud, "dashboard-5"),
    )
    client.start()
    connected.get(timeout=TIMEOUT_S)
    client.subscribe(mqtt5.SubscribePacket([mqtt5.Subscription("from/#", QOS5)])).result(TIMEOUT_S)
    device.publish("from/device", b"21.5")
    assert heard.get(timeout=TIMEOUT_S).payload == b"21.5"
    client.publish(mqtt5.PublishPacket(b"on", QOS5, topic="to/device")).result(TIMEOUT_S)
    assert device.message().payload == b"on"
    client.stop()
    stopped.get(timeout=TIMEOUT_S)


@pytest.mark.parametrize("protocol", [paho.MQTTv311, paho.MQTTv5], ids=["3.1.1", "5"])
@pytest.mark.parametrize("signed_by", ["botocore", "cloud"])
def test_paho_with_a_presigned_url_and_a_device_hear_each_other(cloud, device, protocol, signed_by):
    url = presigned(cloud) if signed_by == "botocore" else cloud.websocket_url()
    events = queue.Queue()
    client = paho.Client(paho.CallbackAPIVersion.VERSION2, "paho", protocol=protocol, transport="websockets")
    client.tls_set(str(cloud.ca_file))
    client.ws_set_options(path=url[url.index("/mqtt") :])
    client.on_connect = lambda *_: events.put(client.subscribe("from/#", 1))
    client.on_subscribe = lambda *details: events.put("subscribed")
    client.on_message = lambda _, __, message: events.put(message.payload)
    client.connect("localhost", cloud.https_port)
    client.loop_start()
    assert [events.get(timeout=TIMEOUT_S) for _ in range(2)][1] == "subscribed"
    large = bytes(100_000)  # in several frames of TCP and records of TLS
    device.publish("from/device", large)
    assert events.get(timeout=TIMEOUT_S) == large
    client.publish("to/device", large, 1).wait_for_publish(TIMEOUT_S)
    assert device.message().payload == large
    client.disconnect()
    client.loop_stop()


def test_the_documented_dashboard_shows_what_devices_say(cloud, device, events):
    page = (ROOT / "docs" / "local-aws-iot.md").read_text(encoding="utf-8")
    example = textwrap.dedent(page.partition("With paho-mqtt and botocore:\n")[2].partition("\nWith MQTT.js")[0])
    changes = {"4587": str(cloud.https_port), ".cloud/ca.pem": str(cloud.ca_file), "loop_forever": "loop_start"}
    for theirs, ours in changes.items():
        assert theirs in example
        example = example.replace(theirs, ours)
    shown = queue.Queue()
    world = {"print": lambda *what: shown.put(what)}
    exec(example, world)
    wait_for(events, "subscribed", filters=["devices/#"])
    device.publish("devices/lamp/state", b"on")
    assert shown.get(timeout=TIMEOUT_S) == ("devices/lamp/state", b"on")
    world["client"].disconnect()
    world["client"].loop_stop()


def test_frames_are_a_stream_of_bytes(websocket):
    client = websocket()
    packets = client_packets.connect("frames") + client_packets.subscribe(1, ("frames", 1))
    client.send(BINARY, packets[:3], fin=False)
    client.send(PING, b"between")
    client.send(CONTINUATION, packets[3:9])
    assert client.frame() == (PONG, b"between")
    client.send(BINARY, b"")
    client.send(BINARY, packets[9:] + client_packets.publish("frames", b"x", 1, 2))
    assert client.packet() == (CONNACK, b"\0\0")
    assert sorted(client.packet()[0] & 0xF0 for _ in range(3)) == [PUBLISH, PUBACK, SUBACK]


def test_a_text_frame_ends_the_connection(websocket, device):
    client = websocket("text")
    client.send(TEXT, client_packets.publish("to/device", b"text"))
    assert client.close_code() == 1003
    assert_at_work(device)


@pytest.mark.parametrize("parts", [1, 3])
def test_a_message_over_the_limit_ends_the_connection(websocket, device, parts):
    client = websocket("big")
    for part in range(parts - 1):
        client.send(CONTINUATION if part else BINARY, bytes(100_000), fin=False)
    client.send_head(CONTINUATION if parts > 1 else BINARY, Limits().frame_bytes if parts == 1 else 100_000)
    assert client.close_code() == 1009
    assert_at_work(device)


def assert_at_work(client):
    client.send(PINGREQ_PACKET)
    assert client.packet() == (PINGRESP, b"")


def test_a_client_id_moves_between_websocket_and_mutual_tls(cloud, by_certificate, websocket):
    first = websocket("moves")
    with RawClient(cloud.mqtt_port, by_certificate) as second:
        assert second.connect("moves") == 0
        assert first.close_code() == 1000
        websocket("moves")
        assert second.is_closed()


def flood(cloud, device):
    """Publish 30 MB, more than all buffers take, of which the device misses nothing."""
    for _ in range(FLOOD):
        cloud.call(cloud._broker.publish, "to/device", PAYLOAD, 1)
        assert device.message().payload == PAYLOAD


def test_a_slow_websocket_of_qos_0_loses_messages_and_stays(cloud, device, websocket):
    slow = websocket("slow", client_packets.subscribe(1, ("to/device", 0)))
    assert slow.packet()[0] == SUBACK
    flood(cloud, device)
    dropped = cloud.call(lambda: cloud._broker.sessions["slow"].dropped)
    assert 0 < dropped < FLOOD
    assert all(slow.packet()[1].endswith(PAYLOAD) for _ in range(FLOOD - dropped))
    slow.send(BINARY, PINGREQ_PACKET)
    assert slow.packet() == (PINGRESP, b"")
    cloud.call(cloud._broker.publish, "to/device", b"after")
    assert slow.packet()[1].endswith(b"after")


def test_a_slow_websocket_of_qos_1_is_disconnected(cloud, device, events, websocket):
    slow = websocket("slower", client_packets.subscribe(1, ("to/device", 1)))
    assert slow.packet()[0] == SUBACK
    flood(cloud, device)
    assert "slow consumer" in wait_for(events, "disconnected", client_id="slower")["detail"]
    assert_at_work(device)


def wait_for(events, event, **details):
    """The details of an event of the cloud that has these among them."""
    while True:
        found, all_details = events.get(timeout=TIMEOUT_S)
        if found == event and details.items() <= all_details.items():
            return all_details


def test_mutual_tls_is_chosen_by_alpn(cloud, by_certificate):
    for port in (cloud.https_port, cloud.mqtt_port):
        with RawClient(port, offering(by_certificate, "x-amzn-mqtt-ca")) as client:
            assert client.socket.selected_alpn_protocol() == "x-amzn-mqtt-ca"
            assert client.connect("by-alpn") == 0
    with RawClient(cloud.mqtt_port, offering(by_certificate, "unheard-of")) as client:
        assert (client.socket.selected_alpn_protocol(), client.connect("by-alpn")) == (None, 0)
    with RawClient(cloud.https_port, offering(by_certificate, "mqtt")) as client:
        assert client.is_closed()


def test_mutual_tls_by_alpn_wants_a_certificate(cloud, events):
    context = offering(ssl.create_default_context(cafile=cloud.ca_file), "x-amzn-mqtt-ca")
    with RawClient(cloud.https_port, context) as client:
        assert client.is_closed()
    while "PEER_DID_NOT_RETURN_A_CERTIFICATE" not in wait_for(events, "handshake_failed")["reason"]:
        pass


def test_websockets_are_asked_for_no_certificate(cloud, tmp_path):
    of_others = ssl.create_default_context(cafile=cloud.ca_file)
    pair = Authority(tmp_path).issue("of-another-authority")
    of_others.load_cert_chain(pair.certificate, pair.key)
    for alpn in ([], ["http/1.1"], ["h2", "http/1.1"]):
        with RawClient(cloud.https_port, offering(of_others, *alpn)) as client:
            client.send(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
            assert client.socket.recv(12) == b"HTTP/1.1 404"


def offering(context, *protocols):
    context.set_alpn_protocols(list(protocols))
    return context


def test_stopping_says_goodbye_to_websockets_and_starting_takes_them_again(cloud, websocket):
    client = websocket("stays")
    cloud.stop()
    assert client.close_code() == 1000
    cloud.start()
    websocket("stays")
