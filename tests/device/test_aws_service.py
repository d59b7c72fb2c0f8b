"""Services of AWS IoT: subscribed when the session needs it, requests and answers by clientToken, refusals."""

import asyncio
import json

import errors
import events
from aws.service import Service
from aws_desk import Desk
from backoff import Backoff
from harness import equal, raises
from scripted_broker import PUBLISH, SUBSCRIBE, UNSUBSCRIBE, publish, suback, until

COMPANIONS = ["tls_servers"]
TIMEOUT_S = 20

BASE = "$aws/things/lamp/echo/"


class Heard:
    """A service `echo` and what it was told."""

    def __init__(self):
        self.messages = []
        self.online = 0
        self.service = Service("echo", ("+/accepted", "+/rejected", "news"), self._hear, self._is_online)
        self.ask = self.service.ask

    def _hear(self, end, payload):
        self.messages.append((end, bytes(payload)))

    def _is_online(self):
        self.online += 1


async def question(peer):
    """(topic, document) of the next request, acknowledged."""
    packet = await peer.receive(PUBLISH)
    await peer.answer(packet)
    return packet.topic, json.loads(packet.payload)


async def answer(peer, verdict, operation, document):
    await peer.send(publish(BASE + operation + "/" + verdict, json.dumps(document).encode()))


async def granting(peer, session_present=0):
    await peer.accept(session_present)
    packet = await peer.receive(SUBSCRIBE)
    await peer.answer(packet)
    return [name for name, _ in packet.filters]


async def test_it_subscribes_then_asks_and_gets_its_own_answer():
    async def script(peer):
        equal(await granting(peer), [BASE + "+/accepted", BASE + "+/rejected", BASE + "news"])
        first, second = await question(peer), await question(peer)
        equal([topic for topic, _ in (first, second)], [BASE + "get", BASE + "get"])
        await answer(peer, "accepted", "get", {"clientToken": "somebody else's", "n": 3})
        for _, document in (second, first):  # in an order of their own
            await answer(peer, "accepted", "get", {"clientToken": document["clientToken"], "n": document["n"]})
        await peer.send(publish(BASE + "news", b"something new", 0))
        await peer.serve()

    heard = Heard()
    async with Desk(script, run=False) as desk:
        desk.aws.attach(heard.service)
        desk.start()
        answers = await asyncio.gather(heard.ask("get", {"n": 1}), heard.ask("get", {"n": 2}, 10**9))
        equal([found["n"] for found in answers], [1, 2])
        await until(lambda: heard.messages)
        equal(heard.messages, [("news", b"something new")])
        equal(heard.online, 1)
        equal(desk.aws.messages.any(), 0)


async def test_with_its_session_it_does_not_subscribe_again_but_is_told_that_it_is_online():
    async def first(peer):
        await granting(peer)

    async def second(peer):
        await peer.accept(session_present=1)
        _, document = await question(peer)
        await answer(peer, "accepted", "get", {"clientToken": document["clientToken"]})
        await peer.serve()

    heard = Heard()
    async with Desk(first, second, run=False) as desk:
        desk.aws.attach(heard.service)
        desk.start()
        await until(lambda: heard.online == 2)
        await heard.ask("get", {})


async def test_without_its_session_it_subscribes_again():
    async def script(peer):
        await granting(peer)
        if desk.broker.connections > 1:
            await peer.serve()

    heard = Heard()
    async with Desk(script, run=False) as desk:
        desk.aws.attach(heard.service)
        desk.start()
        await until(lambda: heard.online == 2)


async def test_one_that_is_attached_while_connected_works_at_once():
    async def script(peer):
        await granting(peer)
        _, document = await question(peer)
        await answer(peer, "accepted", "get", {"clientToken": document["clientToken"], "it": "works"})
        await peer.serve()

    async with Desk(script) as desk:
        await desk.aws.connected()
        heard = Heard()
        desk.aws.attach(heard.service)
        equal((await heard.ask("get", {}))["it"], "works")


async def test_a_rejection_is_an_error_with_aws_s_code():
    async def script(peer):
        await granting(peer)
        _, document = await question(peer)
        refusal = {"code": 404, "message": "No shadow exists", "clientToken": document["clientToken"]}
        await answer(peer, "rejected", "get", refusal)
        await peer.serve()

    heard = Heard()
    async with Desk(script) as desk:
        desk.aws.attach(heard.service)
        failure = await raises(errors.CloudError, heard.ask("get", {}))
        equal((failure.code, failure.reason), ("rejected", 404))
        equal("'echo/get' (404 No shadow exists)" in failure.message, True)


async def test_what_the_cloud_wants_later_is_asked_for_later():
    async def script(peer):
        await granting(peer)
        for code in (429, "RequestThrottled"):
            _, document = await question(peer)
            await answer(peer, "rejected", "get", {"code": code, "clientToken": document["clientToken"]})
        _, document = await question(peer)
        await answer(peer, "accepted", "get", {"clientToken": document["clientToken"]})
        await peer.serve()

    heard = Heard()
    async with Desk(script) as desk:
        desk.aws.attach(heard.service)
        await heard.ask("get", {})


async def test_a_request_whose_answer_was_lost_is_sent_again_unless_it_is_for_a_version():
    async def first(peer):
        await granting(peer)
        await question(peer)
        await question(peer)

    async def second(peer):
        await peer.accept(session_present=1)
        _, document = await question(peer)
        await answer(peer, "accepted", "get", {"clientToken": document["clientToken"], "n": document["n"]})
        await peer.serve()

    heard = Heard()
    async with Desk(first, second) as desk:
        desk.aws.attach(heard.service)
        asking = asyncio.create_task(heard.ask("get", {"n": 1}))
        failure = await raises(errors.RetryError, heard.ask("update", {"expectedVersion": 3}))
        equal(failure.code, "no_answer")
        equal((await asking)["n"], 1)


async def test_every_request_has_its_timeout():
    async def silent(peer):
        await granting(peer)
        await peer.serve()

    heard = Heard()
    async with Desk(silent, run=False) as desk:
        desk.aws.attach(heard.service)
        equal((await raises(errors.RetryError, heard.ask("get", {}, 0.05))).code, "not_connected")
        desk.start()
        await heard.service.ready.wait()
        equal((await raises(errors.RetryError, heard.ask("get", {}, 0.2))).code, "no_answer")


async def test_an_answer_that_is_too_large_or_no_answer_harms_nobody():
    async def script(peer):
        await granting(peer)
        _, document = await question(peer)
        token = document["clientToken"]
        for rubbish in (b"", b"[1]", b"{", b"\xff", b"3"):
            await peer.send(publish(BASE + "get/accepted", rubbish))
        await answer(peer, "accepted", "get", {"clientToken": token, "x": "x" * 5000})
        await peer.serve()

    heard = Heard()
    async with Desk(script) as desk:
        desk.aws.attach(heard.service)
        failure = await raises(errors.BugError, heard.ask("get", {}))
        equal((failure.code, "receive_buffer" in failure.message), ("limit", True))
        equal(desk.aws.is_connected, True)


async def test_a_refused_subscription_is_told_and_every_request_says_so():
    async def script(peer):
        await peer.accept()
        packet = await peer.receive(SUBSCRIBE)
        await peer.send(suback(packet.packet_id, 1, 0x80, 1))
        await peer.serve()

    heard = Heard()
    async with Desk(script) as desk:
        desk.aws.attach(heard.service)
        failure = await raises(errors.CloudError, heard.ask("get", {}))
        equal((failure.code, heard.online), ("subscribe_refused", 0))
        await until(lambda: desk.of(events.TASK_FAILED))
        equal(desk.of(events.TASK_FAILED)[0]["code"], "subscribe_refused")


async def test_a_handler_may_wait_for_an_answer():
    async def script(peer):
        await granting(peer)
        await peer.answer(await peer.receive(SUBSCRIBE))
        await peer.send(publish("command", b"go"))
        _, document = await question(peer)
        await answer(peer, "accepted", "get", {"clientToken": document["clientToken"]})
        await peer.serve()

    heard = Heard()
    done = []

    async def obey(message):
        done.append(await heard.ask("get", {}))

    async with Desk(script, run=False) as desk:
        desk.aws.attach(heard.service)
        await desk.aws.subscribe("command", 1, obey)
        desk.start()
        await until(lambda: done)


async def test_one_that_is_detached_is_heard_no_more_also_when_that_happened_while_away():
    asked = []

    async def first(peer):
        await granting(peer)

    async def second(peer):
        await peer.accept(session_present=1)
        packet = await peer.receive(UNSUBSCRIBE)
        asked.append(packet.body[2:].count(b"echo"))
        await peer.answer(packet)
        await peer.send(publish(BASE + "news", b"late"))
        await peer.serve()

    heard = Heard()
    async with Desk(first, second, backoff=Backoff(300, 300, 300)) as desk:
        desk.aws.attach(heard.service)
        await until(lambda: heard.online)
        await until(lambda: not desk.aws.is_connected)
        await desk.aws.detach(heard.service)
        message = await desk.aws.messages.get()
        equal((asked, message.payload, heard.messages), ([3], b"late", []))


async def test_a_broker_that_answers_for_fewer_topics_is_left():
    async def wrong(peer):
        await peer.accept()
        packet = await peer.receive(SUBSCRIBE)
        await peer.send(suback(packet.packet_id, 1))
        await peer.until_closed()

    async def script(peer):
        await granting(peer)
        await peer.serve()

    heard = Heard()
    async with Desk(wrong, script) as desk:
        desk.aws.attach(heard.service)
        await heard.service.ready.wait()
        equal(desk.of(events.AWS_DISCONNECTED)[0]["code"], "protocol")


async def test_answers_that_are_not_what_aws_sends_harm_nobody():
    async def script(peer):
        await granting(peer)
        _, document = await question(peer)
        for token in ([], {}, None, 3):
            await answer(peer, "accepted", "get", {"clientToken": token})
        await answer(peer, "rejected", "get", {"clientToken": document["clientToken"], "code": [], "message": {}})
        await peer.serve()

    heard = Heard()
    async with Desk(script) as desk:
        desk.aws.attach(heard.service)
        equal((await raises(errors.CloudError, heard.ask("get", {}))).code, "rejected")
