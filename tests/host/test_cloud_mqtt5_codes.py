"""What MQTT 5 answers to mistakes, packet by packet: AWS IoT's reason codes."""

import pytest

from tests.host.cloud_desk import Desk
from tools.cloud import properties
from tools.cloud.packets import encode_text, packet


@pytest.fixture
def desk():
    with Desk() as desk:
        yield desk


def connected(desk):
    client = desk.client()
    client.send(packet(0x10, b"\0\4MQTT\5\2\0\x3c\0" + encode_text("mistaken")))
    assert client.packet()[0] == 0x20
    return client


def test_a_mistake_however_long_is_told_with_the_disconnect(desk):
    client = connected(desk)
    client.send(packet(0x30, encode_text("+" * 65535) + b"\0"))
    first, body = client.packet()
    assert (first, body[0], b"must not contain" in body) == (0xE0, 0x90, True)
    assert client.is_closed()


@pytest.mark.parametrize(
    ("code", "mistake"),
    [
        (0x90, packet(0x32, encode_text("$aws/invented") + b"\0\1\0")),
        (0x94, packet(0x30, encode_text("a") + properties.write({"topic_alias": 9}))),
        (0x9B, packet(0x34, encode_text("a") + b"\0\1\0")),
        (0x82, packet(0x30, encode_text("") + b"\0")),
    ],
    ids=["topic", "alias", "QoS 2", "no topic"],
)
def test_a_disconnect_says_what_was_wrong(desk, code, mistake):
    client = connected(desk)
    client.send(mistake)
    first, body = client.packet()
    assert (first, body[0]) == (0xE0, code)
    assert client.is_closed()


@pytest.mark.parametrize(("flags", "topic", "code"), [(0x16, "a", 0x9B), (0x0E, "$aws/invented", 0x90)])
def test_a_last_will_that_aws_does_not_take_is_refused_with_its_code(desk, flags, topic, code):
    client = desk.client()
    will = b"\0" + encode_text(topic) + b"\0\0"
    client.send(packet(0x10, b"\0\4MQTT\5" + bytes((flags,)) + b"\0\x3c\0" + encode_text("mistaken") + will))
    first, body = client.packet()
    assert (first, body[:2]) == (0x20, bytes((0, code)))
    assert client.is_closed()


def test_a_subscription_of_qos_2_gets_qos_1(desk):
    client = connected(desk)
    client.send(packet(0x82, b"\0\1\0" + encode_text("a") + b"\2"))
    assert client.packet() == (0x90, b"\0\1\0\1")
