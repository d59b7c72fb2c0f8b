"""AWS IoT for the application: subscriptions, which the cloud keeps while it knows the session."""

import asyncio

import errors
import events
from aws.inbox import Inbox
from aws.service import Service
from aws.subscribing import add
from aws_desk import Desk
from backoff import Backoff
from harness import equal, raises
from scripted_broker import SUBSCRIBE, UNSUBSCRIBE, publish, suback, until

COMPANIONS = ["tls_servers"]
TIMEOUT_S = 20


async def serve(peer):
    await peer.accept()
    await peer.serve()


async def test_subscriptions_are_made_again_only_when_the_session_is_gone():
    asked = []

    def connection(session_present):
        async def script(peer):
            await peer.accept(session_present)
            if session_present == 0:
                packet = await peer.receive(SUBSCRIBE)
                asked.append(packet.filters)
                await peer.answer(packet)
            await peer.send(publish("a/b", b"%d" % session_present))
            # ... and nothing else is asked for
            await raises(asyncio.TimeoutError, asyncio.wait_for_ms(peer.receive(), 100))

        return script

    async with Desk(connection(0), connection(1), connection(0), serve, run=False) as desk:
        await desk.aws.subscribe("a/+", 1)
        desk.start()
        await until(lambda: desk.broker.finished == 3)
        equal(asked, [[("a/+", 1)]] * 2)
        equal([desk.aws.messages.get_nowait().payload for _ in range(3)], [b"0", b"1", b"0"])


async def test_a_subscription_whose_answer_was_lost_is_asked_for_again():
    asked = []

    async def cut(peer):
        await peer.accept()
        await peer.receive(SUBSCRIBE)

    async def resumed(peer):
        await peer.accept(session_present=1)
        packet = await peer.receive(SUBSCRIBE)
        asked.append(packet.filters)
        await peer.answer(packet)
        await peer.serve()

    async with Desk(cut, resumed) as desk:
        await desk.aws.connected()
        await desk.aws.subscribe("a", 1)
        await until(lambda: asked)
        equal(asked, [[("a", 1)]])


async def test_one_without_an_answer_in_its_time_is_made_with_the_next_connection():
    asked = []

    async def silent(peer):
        await peer.accept(session_present=1)
        asked.append((await peer.receive(SUBSCRIBE)).filters)
        await peer.until_closed()

    async with Desk(silent, silent, serve, ack_s=25) as desk:
        desk.aws._client.timing.publish_ms = 500
        await desk.aws.connected()
        await desk.aws.subscribe("a", 1)  # the next connection begins with it
        await until(lambda: desk.broker.connections == 3 and desk.aws._inbox.subscriptions[0].granted)
        codes = [lost["code"] for lost in desk.of(events.AWS_DISCONNECTED)]
        equal((asked, codes), ([[("a", 1)]] * 2, ["no_acknowledgement"] * 2))


async def test_many_subscriptions_go_in_packets_of_eight_of_one_qos():
    asked = []

    async def script(peer):
        await peer.accept()
        for _ in range(3):
            packet = await peer.receive(SUBSCRIBE)
            asked.append([qos for _, qos in packet.filters])
            await peer.answer(packet)
        await peer.serve()

    async with Desk(script, run=False) as desk:
        for number in range(12):
            await desk.aws.subscribe("t/%d" % number, 1 if number else 0)
        desk.start()
        await until(lambda: len(asked) == 3)
        equal(asked, [[0], [1] * 8, [1] * 3])


async def test_a_refused_subscription_raises_and_is_forgotten():
    asked = []

    async def script(peer):
        await peer.accept()
        packet = await peer.receive(SUBSCRIBE)
        asked.append(packet.filters)
        await peer.send(suback(packet.packet_id, 0x80))

    async def second(peer):
        await peer.accept()
        await raises(asyncio.TimeoutError, asyncio.wait_for_ms(peer.receive(), 200))
        await peer.serve()

    async with Desk(script, second) as desk:
        await desk.aws.connected()
        failure = await raises(errors.CloudError, desk.aws.subscribe("not/mine"))
        equal(failure.code, "subscribe_refused")
        await until(lambda: desk.broker.connections == 2)
        await asyncio.sleep_ms(300)


async def test_a_remembered_subscription_that_is_refused_is_told_and_the_others_are_made():
    async def script(peer):
        await peer.accept()
        packet = await peer.receive(SUBSCRIBE)
        await peer.send(suback(packet.packet_id, 0x80, 0x80))
        await peer.answer(await peer.receive(SUBSCRIBE))
        await peer.serve()

    async with Desk(script, run=False) as desk:
        await desk.aws.subscribe("not/mine", 0)
        await desk.aws.subscribe("nor/this", 0)
        await desk.aws.subscribe("mine", 1)
        desk.start()
        await until(lambda: desk.of(events.TASK_FAILED))
        equal([told["code"] for told in desk.of(events.TASK_FAILED)], ["subscribe_refused"])
        equal("'not/mine', 'nor/this'" in desk.of(events.TASK_FAILED)[0]["message"], True)
        equal("not/mine" in desk.of(events.TASK_FAILED)[0]["message"], True)


async def test_a_subscription_taken_back_is_heard_no_more():
    async def script(peer):
        await peer.accept()
        await peer.answer(await peer.receive(SUBSCRIBE))
        packet = await peer.receive()
        await peer.answer(packet)
        await peer.send(publish("a", b"late"))
        await peer.serve()

    async with Desk(script) as desk:
        heard = []
        await desk.aws.connected()
        await desk.aws.subscribe("a", 0, heard.append)
        await desk.aws.unsubscribe("a")
        message = await desk.aws.messages.get()
        equal((message.payload, heard), (b"late", []))


async def test_a_subscription_taken_back_while_away_is_taken_back_by_the_next_connection():
    asked = []

    async def first(peer):
        await peer.accept()
        for _ in range(2):
            await peer.answer(await peer.receive(SUBSCRIBE))

    async def second(peer):
        await peer.accept(session_present=1)
        packet = await peer.receive(UNSUBSCRIBE)
        asked.append(packet.body[4:])
        await peer.answer(packet)
        await peer.answer(await peer.receive(SUBSCRIBE))

    async def third(peer):
        await peer.accept(session_present=1)
        await raises(asyncio.TimeoutError, asyncio.wait_for_ms(peer.receive(), 100))
        asked.append("nothing more")
        await peer.serve()

    async with Desk(first, second, third, backoff=Backoff(300, 300, 300)) as desk:
        await desk.aws.connected()
        await desk.aws.subscribe("a")
        await desk.aws.subscribe("b")
        await until(lambda: not desk.aws.is_connected)
        await desk.aws.unsubscribe("a")
        await desk.aws.unsubscribe("b")
        await desk.aws.subscribe("b")  # wanted after all
        await until(lambda: len(asked) == 2)
        equal(asked, [b"a", "nothing more"])


async def test_without_its_session_nothing_is_taken_back():
    async def second(peer):
        await peer.accept()
        await raises(asyncio.TimeoutError, asyncio.wait_for_ms(peer.receive(), 100))
        done.append(True)
        await peer.serve()

    async def first(peer):
        await peer.accept()
        await peer.answer(await peer.receive(SUBSCRIBE))

    done = []
    async with Desk(first, second, backoff=Backoff(300, 300, 300)) as desk:
        await desk.aws.connected()
        await desk.aws.subscribe("a")
        await until(lambda: not desk.aws.is_connected)
        await desk.aws.unsubscribe("a")
        await until(lambda: done)


def test_a_shared_subscription_hears_the_topics_of_its_filter():
    inbox = Inbox(events.Bus(), 4, 1000)
    heard = []
    inbox.deliver(b"a/early", b"")
    add(inbox, "$share/group/a/#", 1, lambda message: heard.append(message.topic))
    inbox.deliver(b"a/b", b"")
    inbox.deliver(b"group/a/b", b"")
    equal((heard, inbox.messages.get_nowait().topic), (["a/early", "a/b"], "group/a/b"))
    for nothing in ("$share/group", "$share/group/"):
        equal(raises(errors.BugError, lambda name=nothing: add(inbox, name, 1, None)).code, "limit")


async def test_a_service_that_is_detached_while_all_are_subscribed_keeps_no_other_from_it():
    may_answer = asyncio.Event()

    async def script(peer):
        await peer.accept()
        packet = await peer.receive(SUBSCRIBE)
        asked.append(packet)
        await may_answer.wait()
        await peer.answer(packet)
        await peer.serve()

    asked = []
    services = [Service(name, ("x",), None, lambda: None) for name in ("a", "b", "c")]
    async with Desk(script, run=False) as desk:
        for service in services:
            desk.aws.attach(service)
        desk.start()
        await until(lambda: asked)
        detaching = asyncio.create_task(desk.aws.detach(services[0]))
        await asyncio.sleep_ms(10)
        may_answer.set()
        await detaching
        await until(lambda: services[1].ready.is_set() and services[2].ready.is_set())
