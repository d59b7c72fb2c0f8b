"""AWS IoT for the application: publishing, and the limits and rates of AWS."""

import asyncio
import time

import errors
import events
from aws.service import Service
from aws_desk import Desk, resolve
from backoff import Backoff
from harness import equal, raises
from scripted_broker import PUBLISH, SUBSCRIBE, publish, until

COMPANIONS = ["tls_servers"]
TIMEOUT_S = 20


async def serve(peer):
    await peer.accept()
    await peer.serve()


async def test_publishing_is_told_and_waits_for_the_connection():
    seen = []

    async def script(peer):
        await peer.accept()
        for _ in range(3):
            packet = await peer.receive(PUBLISH)
            seen.append((packet.topic, packet.payload, packet.qos, packet.retain))
            await peer.answer(packet)
        await peer.serve()

    async with Desk(script, run=False) as desk:
        early = asyncio.create_task(desk.aws.publish("t/early", "text", 1))
        await asyncio.sleep_ms(0)
        desk.start()
        await early
        await desk.aws.publish("t/now", b"0")
        await desk.aws.publish(b"t/kept", bytearray(b"1"), qos=1, retain=True)
        equal(seen, [("t/early", b"text", 1, False), ("t/now", b"0", 0, False), ("t/kept", b"1", 1, True)])
        await until(lambda: len(desk.of(events.PUBLISH_DONE)) == 2)
        equal(desk.of(events.PUBLISH_DONE), [{"topic": "t/early", "qos": 1}, {"topic": "t/kept", "qos": 1}])


async def test_whoever_has_time_for_years_may_say_so():
    async with Desk(serve, run=False) as desk:
        sent = [
            asyncio.create_task(desk.aws.publish("t", b"x", qos, timeout_s=10**9, keep=bool(qos))) for qos in (0, 1)
        ]
        await asyncio.sleep_ms(0)
        desk.start()
        for task in sent:
            await task
        await desk.aws.publish("t", b"x", 1, timeout_s=float("inf"))


async def test_what_could_not_be_published_is_counted_and_told():
    async def resolve(host, beat=None):
        raise errors.error("no_dns", host)

    async with Desk(serve, resolve=resolve) as desk:
        for qos in (0, 1):
            failure = await raises(errors.RetryError, desk.aws.publish("t", b"x", qos, timeout_s=1))
            equal(failure.code, "not_connected")
        await until(lambda: len(desk.of(events.PUBLISH_DROPPED)) == 2)
        equal(desk.of(events.PUBLISH_DROPPED)[1], {"topic": "t", "code": "not_connected", "dropped": 2})


async def test_a_qos_that_is_none_is_refused_at_once_and_not_sent():
    async with Desk(serve, run=False) as desk:  # without a connection it would wait for one
        for qos in (2, -1, 3, "1", 0.5):
            failure = raises(errors.BugError, lambda: desk.aws.publish("t", b"x", qos))
            equal((failure.code, str(qos) in failure.message), ("not_supported", True))
        equal(desk.of(events.PUBLISH_DROPPED), [])


async def test_whoever_has_no_time_does_not_wait():
    async def silent(peer):
        await peer.accept()
        await peer.until_closed()

    async with Desk(silent) as desk:
        await desk.aws.connected()
        failure = await raises(errors.RetryError, asyncio.wait_for(desk.aws.publish("t", b"x", 1, timeout_s=0), 3))
        equal(failure.code, "no_acknowledgement")


async def test_a_payload_that_is_neither_text_nor_bytes_is_refused_and_says_what_makes_one():
    async with Desk(serve) as desk:
        failure = raises(errors.BugError, lambda: desk.aws.publish("t", {"celsius": 21.5}))
        equal(failure.code, "not_supported")
        assert "type dict" in failure.message and "json.dumps" in failure.message, failure.message


async def test_the_limits_of_aws_are_checked_before_anything_is_sent():
    async with Desk(serve) as desk:
        await desk.aws.connected()
        publish_one, subscribe = desk.aws.publish, desk.aws.subscribe
        for call in (
            lambda: publish_one("t/#", b""),
            lambda: publish_one("t/+/u", b""),
            lambda: publish_one("", b""),
            lambda: publish_one("a/b/c/d/e/f/g/h/i", b""),
            lambda: publish_one("x" * 257, b""),
            lambda: publish_one("$aws/things/lamp/shadow/update", b"", 1, True),
            lambda: publish_one("t", b"x" * 131073),
            lambda: desk.aws.use("x" * 129, b"", b""),
        ):
            equal(raises(errors.BugError, call).code, "limit")
        for topic_filter in ("a/#/b", "a+", "a/b#", ""):
            equal((await raises(errors.BugError, subscribe(topic_filter))).code, "limit")
        for number in range(50):
            await desk.aws.subscribe("t/%d" % number)
        equal((await raises(errors.BugError, desk.aws.subscribe("t/one/more"))).code, "limit")
        await desk.aws.subscribe("t/1", 1)  # in place of the one there is
        await publish_one("a/b/c/d/e/f/g/h", b"x" * 131072, 1)
        await publish_one("$aws/rules/rule/a/b/c/d/e/f/g/h", b"", 1)


async def test_no_second_carries_more_publishes_than_the_limit():
    async with Desk(serve, publishes_per_s=20) as desk:
        await desk.aws.connected()
        started = time.ticks_ms()
        sent_ms = []
        for number in range(30):
            await desk.aws.publish("t", b"x", number % 2)
            sent_ms.append(time.ticks_diff(time.ticks_ms(), started))
        for first in range(len(sent_ms) - 21):
            equal(sent_ms[first + 20] - sent_ms[first] >= 990, True)


async def test_who_would_wait_too_long_is_told_so():
    async with Desk(serve, bytes_per_s=1000) as desk:
        await desk.aws.connected()
        await desk.aws.publish("t", b"x" * 20000)
        failure = await raises(errors.RetryError, desk.aws.publish("t", b"x"))
        equal(failure.code, "too_fast")
        await until(lambda: desk.of(events.PUBLISH_DROPPED))
        equal(desk.of(events.PUBLISH_DROPPED)[0]["code"], "too_fast")


async def test_what_was_on_its_way_has_its_time_also_while_away():
    async def script(peer):
        await peer.accept()
        await peer.receive(PUBLISH)

    async with Desk(script, backoff=Backoff(60000, 60000, 60000)) as desk:
        await desk.aws.connected()
        failure = await raises(errors.RetryError, asyncio.wait_for(desk.aws.publish("t", b"x", 1, timeout_s=1), 5))
        equal(failure.code, "not_connected")


async def lose(open_slowly, is_watched):
    """A message is on its way, for half a second, when its connection is lost; `open_slowly(failed, beat)` holds up the
    next one. Returns the code by which it failed, and what arrived on that one."""
    arrived, failed = [], asyncio.Event()

    async def slow(host, beat=None):
        if desk.broker.connections:
            await open_slowly(failed, beat or int)
        return await resolve(host)

    async def cut(peer):
        await peer.accept()
        await peer.receive(PUBLISH)

    async def second(peer):
        await peer.accept(session_present=1)
        packet = await peer.receive(PUBLISH)
        while packet is not None and packet.kind == PUBLISH:
            arrived.append(packet.payload)
            await peer.answer(packet)
            packet = await peer.receive()

    async with Desk(cut, second, resolve=slow) as desk:
        if not is_watched:
            desk.aws._client.expire = lambda: 0
        await desk.aws.connected()
        failure = await raises(errors.RetryError, asyncio.wait_for(desk.aws.publish("t", b"x", 1, timeout_s=0.5), 5))
        failed.set()
        await desk.aws.publish("t", b"next", 1)
        return failure.code, arrived


async def test_what_was_on_its_way_has_its_time_also_while_a_connection_is_opened():
    async def beats_until(failed, beat):
        while not failed.is_set():
            beat()
            await asyncio.sleep_ms(20)

    equal(await lose(beats_until, True), ("not_connected", [b"next"]))


async def test_what_is_too_late_when_a_connection_is_open_is_not_sent_again():
    equal(await lose(lambda failed, beat: asyncio.sleep_ms(700), False), ("not_connected", [b"next"]))


async def test_a_request_that_was_not_acknowledged_is_answered_on_the_next_connection():
    async def first(peer):
        await peer.accept()
        await peer.answer(await peer.receive(SUBSCRIBE))
        await peer.receive(PUBLISH)

    async def second(peer):
        await peer.accept(session_present=1)
        packet = await peer.receive(PUBLISH)
        await peer.answer(packet)
        await peer.send(publish(packet.topic + "/accepted", packet.payload))
        await peer.serve()

    service = Service("echo", ("+/accepted",), None, lambda: None)
    async with Desk(first, second) as desk:
        desk.aws.attach(service)
        equal((await service.ask("update", {"version": 1}))["version"], 1)


async def test_one_of_qos_0_that_has_to_wait_has_its_time_too_and_its_loss_is_told():
    async with Desk(serve) as desk:
        await desk.aws.connected()
        await asyncio.sleep_ms(50)
        link = desk.aws._client._connection._link
        link.busy = True  # a peer that takes nothing for a moment
        failure = await raises(errors.RetryError, asyncio.wait_for(desk.aws.publish("t", b"x", timeout_s=1), 2))
        link.busy = False
        equal(failure.code, "no_acknowledgement")
        await until(lambda: desk.of(events.PUBLISH_DROPPED))
        equal(desk.of(events.PUBLISH_DROPPED), [{"topic": "t", "code": "no_acknowledgement", "dropped": 1}])
