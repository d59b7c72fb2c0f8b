"""Shared subscriptions: each message reaches one of those who share it, and the policy has a word in it."""

import pytest

from tests.host.cloud_desk import Authority, Clock, Desk, MemoryRegistry
from tools.cloud.client_packets import subscribe, unsubscribe
from tools.cloud.limits import Limits

COUNT = 40  # twice that is less than a client may leave unacknowledged


@pytest.fixture
def desk():
    with Desk(limits=Limits().without_rates(), clock=Clock()) as desk:
        yield desk


def speak(desk, *payloads):
    with desk.client("speaker") as speaker:
        for number, payload in enumerate(payloads, 1):
            speaker.publish("jobs/x", payload, 1, number)
        for _ in payloads:
            speaker.packet()
        speaker.disconnect()


def test_each_message_goes_to_one_of_those_who_share_and_to_all_others(desk):
    workers = [desk.client(name) for name in ("one", "two")]
    for worker in workers:
        assert worker.subscribe(("$share/crew/jobs/+", 1), ("the-end", 0)) == [1, 0]
    other = desk.client("alone")
    other.subscribe(("$share/another/jobs/x", 1), ("jobs/x", 1), ("the-end", 0))
    sent = [b"%d" % number for number in range(COUNT)]
    speak(desk, *sent)
    desk.call(desk.broker.publish, "the-end", b"end")
    heard = [messages_until_end(worker) for worker in workers]
    assert all(heard), "chance leaves nobody out of 40 messages"
    assert sorted(heard[0] + heard[1], key=int) == sent
    assert sorted(messages_until_end(other), key=int) == sorted(sent * 2, key=int)


def messages_until_end(client):
    heard = []
    while (payload := client.message().payload) != b"end":
        heard.append(payload)
    return heard


def test_who_is_away_gets_what_nobody_else_can_take(desk):
    for name in ("stays", "leaves"):
        client = desk.client(name, clean_session=False)
        client.subscribe(("$share/crew/jobs/x", 1))
        if name == "leaves":
            client.disconnect()
        else:
            stays = client
    speak(desk, b"1", b"2")
    assert [stays.message().payload for _ in range(2)] == [b"1", b"2"]
    stays.disconnect()
    speak(desk, b"3")
    waiting = [len(desk.broker.sessions[name].backlog()) for name in ("stays", "leaves")]
    assert sorted(waiting) == [0, 1]


def test_the_share_is_left_by_unsubscribing(desk):
    client, other = desk.client("leaves"), desk.client("stays")
    for each in (client, other):
        each.subscribe(("$share/crew/jobs/x", 1))
    client.send(unsubscribe(5, "$share/crew/jobs/x"))
    client.packet()
    speak(desk, *[b"x"] * 20)
    assert len([other.message() for _ in range(20)]) == 20


@pytest.mark.parametrize(
    "topic_filter", ["$share/crew", "$share//a", "$share/a+/b", "$share/crew/", "$share/crew/$mine"]
)
def test_what_is_no_shared_subscription_ends_the_connection(desk, topic_filter):
    client = desk.client("wrong")
    client.send(subscribe(1, (topic_filter, 1)))
    assert client.is_closed()


def test_policies_name_the_share(tmp_path):
    authority = Authority(tmp_path)
    server, device = authority.issue("server", dns="localhost"), authority.issue("device")

    def allow(action, *resources):
        return {"Effect": "Allow", "Action": action, "Resource": [f"arn:aws:iot:*:*:{each}" for each in resources]}

    statements = [
        allow("iot:Connect", "client/*"),
        allow("iot:Publish", "topic/jobs/x"),
        allow("iot:Subscribe", "topicfilter/$share/crew/jobs/x"),
        allow("iot:Receive", "topic/$share/crew/jobs/x"),
    ]
    with Desk(MemoryRegistry(), tls=authority.server_context(server)) as desk:
        desk.registry.register(device, {"Version": "2012-10-17", "Statement": statements})
        tls = authority.client_context(device)
        client = desk.client("worker", tls)
        client.subscribe(("$share/crew/jobs/x", 1))
        client.publish("jobs/x", b"work")
        assert client.message().payload == b"work"
        client.send(subscribe(2, ("$share/other/jobs/x", 1)))
        assert client.is_closed()
