"""What the policy does not allow: AWS IoT ends the connection for it, and it must not do so for ever."""

import asyncio
import sys

import aws
import aws.asking
import aws.inbox
import errors
import events
from aws.service import Service
from aws_desk import Desk
from chip_ticks import DAY_MS, Ticks
from harness import equal, raises
from scripted_broker import DISCONNECT, PUBLISH, SUBSCRIBE, publish, until

COMPANIONS = ["tls_servers"]
TIMEOUT_S = 20

BASE = "$aws/things/lamp/echo/"


async def test_a_message_that_the_cloud_closes_the_connection_for_does_not_do_so_until_its_time_is_over():
    arrived = []

    async def strict(peer):
        await peer.accept(session_present=1)
        while True:
            packet = await peer.receive(PUBLISH)
            if packet.topic == "not/mine":
                return
            arrived.append(packet.topic)
            await peer.answer(packet)

    async with Desk(*[strict] * 6) as desk:
        await desk.aws.connected()
        first = asyncio.create_task(desk.aws.publish("mine/1", b"", 1))
        wrong = asyncio.create_task(desk.aws.publish("not/mine", b"", 1))
        last = asyncio.create_task(desk.aws.publish("mine/2", b"", 1))
        failure = await raises(errors.CloudError, wrong)
        equal((failure.code, "not/mine" in failure.message), ("not_authorised", True))
        await first
        await last
        equal((arrived, desk.broker.connections), (["mine/1", "mine/2"], 6))
        equal(
            ["after a message to 'not/mine'" in told["message"] for told in desk.of(events.AWS_DISCONNECTED)],
            [True] * 5,
        )
        equal(desk.of(events.PUBLISH_DROPPED), [{"topic": "not/mine", "code": "not_authorised", "dropped": 1}])


async def test_one_of_qos_0_is_named_too():
    async def strict(peer):
        await peer.accept()
        await peer.receive(PUBLISH)

    async with Desk(strict, serve) as desk:
        await desk.aws.connected()
        await desk.aws.publish("not/mine", b"")
        await until(lambda: desk.of(events.AWS_DISCONNECTED))
        equal("after a message to 'not/mine'" in desk.of(events.AWS_DISCONNECTED)[0]["message"], True)


async def test_one_that_was_acknowledged_is_not_what_a_connection_ends_for():
    told = asyncio.Event()

    async def taken_over(peer):  # as by another client with the same id
        await peer.accept()
        await peer.answer(await peer.receive(PUBLISH))
        await told.wait()

    async with Desk(taken_over, serve) as desk:
        await desk.aws.connected()
        await desk.aws.publish("mine", b"", 1)
        told.set()
        await until(lambda: desk.of(events.AWS_DISCONNECTED))
        equal("mine" in desk.of(events.AWS_DISCONNECTED)[0]["message"], False)


async def serve(peer):
    await peer.accept()
    await peer.serve()


async def strict(peer):
    """A broker that ends the connection for what the policy does not allow, as AWS does; it keeps the session."""
    await peer.accept(session_present=1)
    while True:
        packet = await peer.receive()
        if packet.kind == DISCONNECT or any("not" in name for name in names(packet)):
            return
        await peer.answer(packet)


def names(packet):
    return [packet.topic] if packet.kind == PUBLISH else [name for name, _ in packet.filters]


async def test_one_for_which_the_cloud_ends_the_connection_is_told_and_left_out_and_the_others_are_made():
    async with Desk(*[strict] * 30, run=False) as desk:
        aws = desk.aws
        for name in ("mine/1", "not/mine", "mine/2"):
            await aws.subscribe(name, 1)
        service = Service("shadow", ("not/allowed",), print, print)
        aws.attach(service)
        desk.start()
        failure = await raises(errors.CloudError, service.ask("get", {}))
        equal((failure.code, "not/allowed" in failure.message), ("subscribe_refused", True))
        await until(lambda: len(desk.of(events.TASK_FAILED)) == 2)
        equal(["not/" in told["message"] for told in desk.of(events.TASK_FAILED)], [True, True])
        connections = desk.broker.connections
        equal(connections <= 12, True)
        await asyncio.sleep_ms(300)
        equal((aws.is_connected, desk.broker.connections), (True, connections))
        equal([one.cuts for one in aws._inbox.subscriptions], [0, 4, 0])


async def test_one_whose_connections_end_now_and_then_is_made():
    cut = [0]

    async def unlucky(peer):
        await peer.accept(session_present=1)
        packet = await peer.receive(SUBSCRIBE)
        cut[0] += 1
        if cut[0] < 4:
            return
        await peer.answer(packet)
        await peer.serve()

    async with Desk(*[unlucky] * 4, run=False) as desk:
        await desk.aws.subscribe("mine", 1)
        desk.start()
        await until(lambda: cut[0] == 4 and desk.aws._inbox.subscriptions[0].granted)
        equal(desk.of(events.TASK_FAILED), [])


async def test_a_status_that_may_not_be_published_does_not_keep_the_device_from_its_work():
    async with Desk(*[strict] * 9, status="not/allowed") as desk:
        await until(lambda: desk.of(events.TASK_FAILED))
        equal("not/allowed" in desk.of(events.TASK_FAILED)[0]["message"], True)
        await desk.aws.publish("mine", b"", 1)
        equal(desk.broker.connections, 6)


async def test_a_question_for_which_the_cloud_ends_the_connection_is_not_asked_for_ever():
    async def first(peer):
        await peer.accept()
        await peer.answer(await peer.receive(SUBSCRIBE))
        await peer.receive(PUBLISH)

    async def strict(peer):
        await peer.accept(session_present=1)
        packet = await peer.receive(PUBLISH)
        if packet.topic == BASE + "get":
            await peer.answer(packet)
            await peer.send(publish(BASE + "get/accepted", packet.payload))
            await peer.serve()

    service = Service("echo", ("+/accepted", "+/rejected"), print, bool)
    async with Desk(first, *[strict] * 7, run=False) as desk:
        desk.aws.attach(service)
        desk.start()
        early = asyncio.create_task(service.ask("update", {}))
        await until(lambda: desk.broker.connections == 2)
        early.cancel()  # whoever gives up early asks again
        for _ in range(3):
            failure = await raises(errors.CloudError, service.ask("update", {}))
            equal((failure.code, BASE + "update" in failure.message), ("not_authorised", True))
        await service.ask("get", {})
        equal(desk.broker.connections, 6)


async def check_when_it_is_asked_again(later_ms):
    async def first(peer):
        await peer.accept()
        await peer.answer(await peer.receive(SUBSCRIBE))
        await peer.receive(PUBLISH)

    async def unstable(peer):
        await peer.accept(session_present=1)

    async def well(peer):
        await peer.accept(session_present=1)
        packet = await peer.receive(PUBLISH)
        await peer.answer(packet)
        await peer.send(publish(packet.topic + "/accepted", packet.payload))
        await peer.serve()

    service = Service("echo", ("+/accepted", "+/rejected"), print, bool)
    clock = aws.asking.time = Ticks()
    async with Desk(first, *[unstable] * 4, well, run=False) as desk:
        desk.aws.attach(service)
        desk.start()
        for _ in range(2):
            await raises(errors.CloudError, service.ask("get", {}))
            clock.now_ms += 3599000
        clock.now_ms += later_ms - 2 * 3599000
        await service.ask("get", {})
        equal(desk.broker.connections, 6)


async def test_a_question_that_an_unstable_cloud_seemed_to_forbid_is_asked_again_after_an_hour():
    before = aws.asking.time
    try:
        for later_ms in (3600000, 7 * DAY_MS, 12 * DAY_MS):
            await check_when_it_is_asked_again(later_ms)
    finally:
        aws.asking.time = before


class Unstable:
    """A broker that ends each connection at a SUBSCRIBE while it is not `well`; it keeps the session."""

    def __init__(self):
        self.well = False
        self.subscribed = []

    async def serve(self, peer):
        await peer.accept(session_present=1)
        while True:
            packet = await peer.receive()
            if packet.kind == DISCONNECT or (packet.kind == SUBSCRIBE and not self.well):
                return
            await peer.answer(packet)
            if packet.kind == SUBSCRIBE:
                self.subscribed += names(packet)
            else:
                await peer.send(publish(packet.topic + "/accepted", packet.payload))


async def check_that_it_is_made_after_an_hour(desk, cloud, service, clock, again):
    await desk.aws.subscribe("mine", 1)
    desk.aws.attach(service)
    desk.start()
    await until(lambda: len(desk.of(events.TASK_FAILED)) == 2)
    cloud.well = True
    for _ in range(2):
        await again()
        failure = await raises(errors.CloudError, service.ask("get", {}))
        equal((failure.code, cloud.subscribed), ("subscribe_refused", []))
        clock.now_ms += 1799000
    clock.now_ms += 2000
    await again()
    await until(lambda: "mine" in cloud.subscribed)
    await service.ask("get", {})


async def test_a_subscription_that_an_unstable_cloud_seemed_to_forbid_is_made_after_an_hour():
    async def stay():
        """The connection stands."""

    async def leave():
        connections = desk.aws.connections
        await desk.aws._client.disconnect("connection_lost", "by the test")
        await until(lambda: desk.aws.connections > connections and desk.aws.is_connected)

    before = aws.inbox.time
    try:
        for again in (stay, leave):
            clock, cloud = Ticks(), Unstable()
            aws.inbox.time = clock
            service = Service("echo", ("+/accepted", "+/rejected"), print, bool)
            async with Desk(*[cloud.serve] * 20, run=False) as desk:
                await check_that_it_is_made_after_an_hour(desk, cloud, service, clock, again)
    finally:
        aws.inbox.time = before


class Broken:
    """The file that judges the end of a connection, on a flash that fails."""

    def judge(self, failure, connection):
        raise OSError(5)


async def test_where_the_end_of_a_connection_cannot_be_judged_it_ends_all_the_same():
    async with Desk(serve, serve) as desk:
        await desk.aws.connected()
        sys.modules["aws.failures"] = aws.failures = Broken()
        await desk.aws._client.disconnect("connection_lost", "by the test")
        await until(lambda: desk.broker.connections == 2 and desk.aws.is_connected)
        equal(desk.running.done(), False)


async def test_a_topic_whose_messages_are_acknowledged_now_and_then_is_not_forbidden():
    async def cut(peer):
        await peer.accept(session_present=1)
        await peer.receive(PUBLISH)

    async def once(peer):
        await peer.accept(session_present=1)
        await peer.answer(await peer.receive(PUBLISH))
        await peer.receive(PUBLISH)

    async with Desk(*[cut] * 4 + [once] + [cut] * 2 + [serve]) as desk:
        for _ in range(2):
            await desk.aws.publish("mine", b"", 1)
        equal((desk.broker.connections, desk.aws.dropped), (8, 0))
