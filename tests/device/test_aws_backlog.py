"""The outbox: what is published with `keep` while it cannot be sent is sent later, bounded, live traffic first."""

import asyncio

import errors
import events
from aws.backlog import Backlog, Memory, packed, unpacked
from aws_desk import Desk
from backoff import Backoff
from fakes import Group
from harness import equal, raises
from scripted_broker import PUBLISH, until

COMPANIONS = ["tls_servers"]
TIMEOUT_S = 20


class Cloud:
    """Serves connections; `arrived` holds the payloads of all of them."""

    def __init__(self):
        self.arrived = []
        self.refuse = None  # a payload for which the connection is closed
        self.silent = False

    async def serve(self, peer):
        await peer.accept()
        while True:
            packet = await peer.receive()
            if packet is None:
                return
            if packet.kind == PUBLISH:
                if packet.payload == self.refuse:
                    return
                if self.silent:
                    continue
                self.arrived.append(packet.payload)
            await peer.answer(packet)


async def keep_several(aws, *payloads):
    for payload in payloads:
        await aws.publish("t", payload, keep=True)


async def test_what_is_kept_while_away_is_sent_in_order_with_the_next_connection():
    cloud = Cloud()
    async with Desk(cloud.serve, run=False) as desk:
        await keep_several(desk.aws, b"1", b"2", "3")
        await desk.aws.publish(b"t", bytearray(b"4"), retain=True, keep=True)
        equal((desk.aws.kept, cloud.arrived), (4, []))
        desk.start()
        await until(lambda: not desk.aws.kept)
        equal(cloud.arrived, [b"1", b"2", b"3", b"4"])
        await until(lambda: len(desk.of(events.PUBLISH_DONE)) == 4)
        equal(desk.of(events.PUBLISH_DROPPED), [])


async def test_while_connected_it_returns_when_acknowledged_and_keeps_nothing():
    cloud = Cloud()
    async with Desk(cloud.serve) as desk:
        await desk.aws.connected()
        await desk.aws.publish("t", b"now", keep=True)
        equal((cloud.arrived, desk.aws.kept), ([b"now"], 0))


async def test_what_is_not_acknowledged_is_kept():
    cloud = Cloud()
    cloud.silent = True
    async with Desk(cloud.serve, backoff=Backoff(300, 300, 300)) as desk:
        await desk.aws.connected()
        publishing = asyncio.create_task(desk.aws.publish("t", b"lost", keep=True))
        await asyncio.sleep_ms(50)
        cloud.silent = False
        await desk.aws._client.disconnect()
        await publishing
        equal((cloud.arrived, desk.aws.kept), ([], 1))
        await until(lambda: cloud.arrived == [b"lost"] and not desk.aws.kept)


async def test_what_is_kept_is_sent_on_this_connection_though_memory_was_short_when_it_began():
    cloud = Cloud()
    async with Desk(cloud.serve, run=False) as desk:
        await keep_several(desk.aws, b"1", b"2")
        store, tries = desk.aws._backlog._store, []
        read = store.read

        def short_of_memory(number):
            tries.append(number)
            if len(tries) == 1:
                raise MemoryError
            return read(number)

        store.read = short_of_memory
        desk.start()
        await until(lambda: not desk.aws.kept)
        equal((sorted(set(cloud.arrived)), len(desk.of(events.AWS_CONNECTED))), ([b"1", b"2"], 1))
        equal([event["code"] for event in desk.of(events.TASK_FAILED)], ["no_memory"])


async def test_it_is_sent_on_this_connection_though_there_was_no_memory_to_tell_that_either():
    cloud, sleep_before = Cloud(), asyncio.sleep_ms
    async with Desk(cloud.serve, run=False) as desk:
        await keep_several(desk.aws, b"1", b"2")
        backlog, untold = desk.aws._backlog, []
        read, emit = backlog._store.read, backlog._bus.emit

        def short_of_memory(number):
            if not untold:
                raise MemoryError
            return read(number)

        def untellable(name, **data):
            if name == events.TASK_FAILED and not untold:
                untold.append(name)
                raise MemoryError
            emit(name, **data)

        backlog._store.read, backlog._bus.emit = short_of_memory, untellable
        asyncio.sleep_ms = lambda wait_ms: sleep_before(min(wait_ms, 200))
        desk.start()
        try:
            await until(lambda: not desk.aws.kept)
        finally:
            asyncio.sleep_ms = sleep_before
        equal((sorted(set(cloud.arrived)), untold), ([b"1", b"2"], [events.TASK_FAILED]))


async def test_what_there_is_no_memory_to_send_is_kept():
    cloud = Cloud()
    async with Desk(cloud.serve, backoff=Backoff(300, 300, 300)) as desk:
        await desk.aws.connected()
        publish = desk.aws._client.publish

        def short_of_memory(*message):
            desk.aws._client.publish = publish
            raise MemoryError

        desk.aws._client.publish = short_of_memory
        await desk.aws.publish("t", b"1", keep=True)
        await until(lambda: cloud.arrived == [b"1"] and not desk.aws.kept)


async def fill(when_full, *payloads):
    """(what arrives, what was told as dropped, how many calls were refused) with room for five."""
    cloud = Cloud()
    refused = 0
    async with Desk(cloud.serve, run=False, when_full=when_full) as desk:
        for payload in payloads:
            try:
                await desk.aws.publish("t", payload, keep=True)
            except errors.RetryError as failure:
                equal(failure.code, "outbox_full")
                refused += 1
        desk.start()
        await until(lambda: not desk.aws.kept)
        dropped = desk.of(events.PUBLISH_DROPPED)
        equal([data["dropped"] for data in dropped], list(range(1, len(dropped) + 1)))
        equal({(data["topic"], data["code"]) for data in dropped} <= {("t", "outbox_full")}, True)
        return cloud.arrived, len(dropped), refused


SEVEN = [b"%d" % n for n in range(7)]


async def test_the_oldest_give_way():
    equal(await fill("drop_oldest", *SEVEN), (SEVEN[2:], 2, 0))


async def test_the_newest_are_dropped():
    equal(await fill("drop_newest", *SEVEN), (SEVEN[:5], 2, 0))


async def test_or_they_are_refused():
    equal(await fill("refuse", *SEVEN), (SEVEN[:5], 2, 2))


async def test_bytes_are_bounded_too():
    large = [b"a" * 400, b"b" * 400, b"c" * 400]
    equal(await fill("drop_oldest", *large), (large[1:], 1, 0))
    async with Desk(Cloud().serve, run=False) as desk:
        failure = await raises(errors.BugError, desk.aws.publish("t", bytes(1000), keep=True))
        equal(failure.code, "limit")


async def test_an_outbox_of_none_refuses():
    async with Desk(Cloud().serve, run=False, outbox_messages=0) as desk:
        equal((await raises(errors.RetryError, desk.aws.publish("t", b"", keep=True))).code, "outbox_full")


async def test_a_message_that_the_cloud_closes_the_connection_for_does_not_do_so_for_ever():
    cloud = Cloud()
    cloud.refuse = b"2"
    async with Desk(cloud.serve, run=False) as desk:
        await keep_several(desk.aws, b"1", b"2", b"3", b"4")
        desk.start()
        await until(lambda: not desk.aws.kept)
        equal(cloud.arrived[0], b"1")
        equal(cloud.arrived[-2:], [b"3", b"4"])
        equal(desk.of(events.PUBLISH_DROPPED), [{"topic": "t", "code": "not_authorised", "dropped": 1}])


async def test_live_traffic_comes_first():
    cloud = Cloud()
    async with Desk(cloud.serve, run=False, publishes_per_s=20, outbox_messages=40) as desk:
        await keep_several(desk.aws, *[b"kept"] * 30)
        desk.start()
        await until(lambda: cloud.arrived)
        # Each waits for the rate; the outbox has many that would go before them.
        await asyncio.gather(*[desk.aws.publish("t", b"live", 1) for _ in range(10)])
        equal(cloud.arrived.count(b"kept") < 15, True)
        await until(lambda: not desk.aws.kept)
        equal((cloud.arrived.count(b"kept"), cloud.arrived.count(b"live")), (30, 10))


async def stop(cancel_first):
    cloud = Cloud()
    async with Desk(cloud.serve, run=False, publishes_per_s=100, outbox_messages=40) as desk:
        await keep_several(desk.aws, *[b"kept"] * 30)
        desk.start()
        await until(lambda: cloud.arrived)
        if cancel_first:
            desk.running.cancel()
            await asyncio.sleep_ms(0)
        await desk.aws.stop()
        equal((len(cloud.arrived), desk.aws.kept), (30, 0))


async def test_stopping_waits_for_what_is_kept():
    await stop(False)


async def test_stopping_does_so_when_its_task_was_ended_before_as_in_a_restart():
    await stop(True)


def test_a_message_is_one_record():
    for message in ((b"t", b"", False), (b"x" * 256, b"\x00\xff" * 9, True)):
        topic, payload, retain = unpacked(packed(*message))
        equal((topic, bytes(payload), retain), message)


async def test_what_gave_way_while_it_waited_to_be_sent_is_told_once():
    told = []
    settings = Group(outbox=Group(when_full="drop_oldest"), limits=Group(outbox_messages=1, outbox_bytes=100))
    backlog = Backlog(Memory(), settings, None, None, None, None, lambda *what: told.append(what))
    backlog.keep(b"t", b"1", False)
    backlog.keep(b"t", b"2", False)
    await backlog._send(1)
    equal(told, [(b"t", "outbox_full")])


async def test_a_flash_that_fails_costs_no_message_that_is_kept():
    told = []
    settings = Group(outbox=Group(when_full="drop_oldest"), limits=Group(outbox_messages=5, outbox_bytes=100))
    store = Memory()
    backlog = Backlog(store, settings, None, None, None, None, lambda *what: told.append(what))
    backlog.keep(b"t", b"1", False)
    backlog.keep(b"t", b"2", False)
    append, problems = store.append, [("flash_full", "outbox"), ("flash_failed", "outbox", "EIO")]

    def append_after_problems(record):
        if problems:
            raise errors.error(*problems.pop(0))
        append(record)

    store.append = append_after_problems
    equal(raises(errors.StorageError, lambda: backlog.keep(b"t", b"3", False)).code, "flash_failed")
    equal((len(backlog), told), (1, [(b"t", "outbox_full")]))


async def test_what_took_too_long_on_a_connection_that_stands_is_sent_again_on_it():
    cloud, sleep_before = Cloud(), asyncio.sleep_ms

    async with Desk(cloud.serve, run=False) as desk:
        await keep_several(desk.aws, b"1", b"2")
        client, late = desk.aws._client, [errors.error("no_acknowledgement")] * 2
        publish = client.publish

        async def slow(*message):
            if late:
                raise late.pop()
            await publish(*message)

        client.publish = slow
        asyncio.sleep_ms = lambda wait_ms: sleep_before(min(wait_ms, 200))
        desk.start()
        try:
            await until(lambda: not desk.aws.kept)
        finally:
            asyncio.sleep_ms = sleep_before
        equal((cloud.arrived, late, desk.broker.connections), ([b"1", b"2"], [], 1))
