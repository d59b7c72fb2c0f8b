"""Services behind `$aws/...`: they get what is meant for them, in order, and answer the asking connection only."""

import asyncio

import pytest

from tests.host.cloud_desk import Desk
from tools.cloud.limits import Limits
from tools.cloud.packets import PINGREQ_PACKET, PINGRESP, PUBACK

ASK = "$aws/things/t/shadow/get"


class Echo:
    """Answers every question with its own payload; can be told to wait or to fail."""

    name = "shadow"
    in_flight = None

    def __init__(self):
        self.gate = asyncio.Event()
        self.gate.set()
        self.answered = []

    def claims(self, topic):
        return topic == ASK

    async def handle(self, client, topic, payload):
        await self.gate.wait()
        if payload == b"fail":
            raise RuntimeError("the service has a bug")
        self.answered.append(client.reply(topic + "/accepted", payload))

    def refuse(self, client, topic, payload, status):
        client.reply(topic + "/rejected", b"%d" % status)


@pytest.fixture
def echo():
    return Echo()


@pytest.fixture
def desk(echo):
    with Desk(services=[echo], limits=Limits().without_rates()) as desk:
        yield desk


def answers_ping(client):
    client.send(PINGREQ_PACKET)
    return client.packet() == (PINGRESP, b"")


def test_the_answer_goes_to_the_asking_connection_only(desk):
    asking, other = desk.client("asking"), desk.client("other")
    for client in (asking, other):
        client.subscribe((ASK + "/accepted", 1))
    asking.publish(ASK, b"question", 1, 5)
    assert asking.packet() == (PUBACK, b"\x00\x05")
    answer = asking.message()
    assert (answer.topic, answer.payload, answer.qos) == (ASK + "/accepted", b"question", 1)
    assert answers_ping(other)


def test_who_has_not_subscribed_is_answered_all_the_same(desk):
    asking, other = desk.client("asking"), desk.client("other")
    other.subscribe((ASK + "/accepted", 1))
    asking.publish(ASK, b"question")
    answer = asking.message()
    assert (answer.topic, answer.payload, answer.qos) == (ASK + "/accepted", b"question", 0)
    assert desk.wait_for("reply_unsubscribed")["topic"] == ASK + "/accepted"
    assert answers_ping(other)


def test_questions_are_answered_in_their_order(desk):
    asking = desk.client("asking")
    asking.subscribe((ASK + "/accepted", 0))
    for number in range(20):
        asking.publish(ASK, b"%d" % number)
    assert [asking.message().payload for _ in range(20)] == [b"%d" % number for number in range(20)]


def test_a_failing_service_costs_one_answer(desk):
    asking = desk.client("asking")
    asking.subscribe((ASK + "/accepted", 0))
    asking.publish(ASK, b"fail")
    asking.publish(ASK, b"next")
    assert asking.message().payload == b"next"
    assert "the service has a bug" in desk.wait_for("service_failed")["error"]


def test_too_many_questions_are_dropped_and_told(desk, echo):
    desk.call(echo.gate.clear)
    asking = desk.client("asking")
    asking.subscribe((ASK + "/accepted", 0))
    for number in range(Limits().service_queue + 2):
        asking.publish(ASK, b"%d" % number)
    assert desk.wait_for("request_dropped")["waiting"] == Limits().service_queue
    desk.call(echo.gate.set)
    assert asking.message().payload == b"0"


def test_a_client_that_has_gone_is_not_answered(desk, echo):
    desk.call(echo.gate.clear)
    asking = desk.client("asking")
    asking.subscribe((ASK + "/accepted", 0))
    asking.publish(ASK, b"question", 1)
    asking.packet()
    asking.disconnect()
    desk.call(echo.gate.set)
    assert answers_ping(desk.client("asking"))
    assert echo.answered == [False]


def test_a_reserved_topic_without_a_service_leads_nowhere(desk):
    client = desk.client("c")
    client.publish("$aws/things/t/jobs/get", b"{}", 1, 3)
    assert client.packet() == (PUBACK, b"\x00\x03")
    assert desk.wait_for("no_service")["topic"] == "$aws/things/t/jobs/get"


def test_stopping_ends_a_service_at_work(desk, echo):
    desk.call(echo.gate.clear)
    asking = desk.client("asking")
    asking.publish(ASK, b"question", 1)
    asking.packet()
    desk.restart()
    assert desk.call(lambda: len(desk.broker.tasks)) == 0
