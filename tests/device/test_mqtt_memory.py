"""The hot paths do not allocate, and nothing is left behind by connections."""

import asyncio
import gc

import micropython

import events
from aws.inbox import Inbox
from aws.link import Link
from aws.outbox import Outbox
from aws.packets import matches
from aws.receiver import Receiver
from aws.subscribing import add
from harness import equal, raises, skip
from scripted_broker import PUBLISH, Broker, publish, until

PAYLOAD = b"x" * 64
TOPIC = b"devices/lamp/telemetry"


async def serve(peer):
    await peer.accept()
    await peer.serve()


def locked(work):
    """The result of `work()`, which must not allocate."""
    gc.collect()
    micropython.heap_lock()
    try:
        return work()
    finally:
        micropython.heap_unlock()


def allocates_slices():
    """Whether this MicroPython makes an object of the slice in `a[1:2] = b`; later ones than 1.24 do not."""

    def assign():
        buffer[1:2] = b"x"

    buffer = bytearray(4)
    try:
        locked(assign)
    except MemoryError:
        return True
    return False


async def test_a_qos0_publish_does_not_allocate():
    if allocates_slices():
        skip("every slice is an object in this version of MicroPython")
    async with Broker(serve) as broker:
        client = broker.client()
        await client.connect()
        for _ in range(9):  # past the turn that every eighth one gives to the others
            await client.publish(TOPIC, PAYLOAD)

        def publish_some():
            for _ in range(6):
                client.publish(TOPIC, PAYLOAD)
            return client.publish(TOPIC, PAYLOAD)

        await locked(publish_some)
        equal(client.is_connected, True)


def test_finding_packets_does_not_allocate():
    stream = publish("topic", PAYLOAD, 1, 5) * 3 + b"\x40\x02\x00\x01" + b"\xd0\x00"
    receiver = Receiver(512)
    receiver.space()[: len(stream)] = stream
    receiver.added(len(stream))
    found = [0]

    def find():
        while receiver.next():
            found[0] += 1

    locked(find)
    equal(found[0], 5)


def test_the_table_of_subscriptions_is_searched_without_allocating():
    def search():
        hits = 0
        for wanted in (b"devices/+/telemetry", b"devices/#", b"#", b"other/#", b"devices/lamp/tele", b"+/+/+/+"):
            if matches(wanted, TOPIC):
                hits += 1
        return hits

    equal(locked(search), 3)


def test_a_message_for_a_plain_handler_is_handed_over_without_allocating():
    inbox = Inbox(events.Bus(), 4, 1000)
    heard = [0]

    def handler(message):
        heard[0] += len(message.payload)

    add(inbox, "devices/#", 0, handler)
    view = memoryview(bytearray(64))
    inbox.deliver(TOPIC, view)
    locked(lambda: inbox.deliver(TOPIC, view))
    equal(heard[0], 128)


def test_acknowledging_does_not_allocate():
    outbox = Outbox(10)
    for _ in range(10):
        outbox.add(outbox.take(0x32, TOPIC, PAYLOAD, 1, 1000, True))
    while outbox.next() is not None:
        pass
    done = [None] * 10

    def acknowledge():
        for packet_id in range(1, 11):
            done[packet_id - 1] = outbox.acknowledged(packet_id, 0x40)

    locked(acknowledge)
    equal([request.packet_id for request in done], list(range(1, 11)))


async def test_connections_leave_nothing_behind():
    async with Broker(serve) as broker:
        client = broker.client()
        occupied = []
        for _ in range(30):
            await client.connect()
            await asyncio.gather(*[client.publish(TOPIC, PAYLOAD, qos=1) for _ in range(20)])
            await client.disconnect()
            await asyncio.sleep_ms(20)
            gc.collect()
            occupied.append(gc.mem_alloc())
        equal(min(occupied[20:]) - min(occupied[:10]) < 1024, True)


async def test_a_message_that_waited_and_found_no_memory_keeps_nobody_waiting():
    may_answer = asyncio.Event()

    async def script(peer):
        await peer.accept()
        packet = await peer.receive(PUBLISH)
        await may_answer.wait()
        await peer.answer(packet)
        await peer.serve()

    async with Broker(script) as broker:
        client = broker.client(window=1)
        await client.connect()
        send = client._connection._send_publish
        starved = [b"qos 0", b"qos 1"]

        def send_where_there_is_memory(first, topic, packet_id, payload):
            if payload in starved:
                starved.remove(payload)
                raise MemoryError
            return send(first, topic, packet_id, payload)

        client._connection._send_publish = send_where_there_is_memory
        first, second = [asyncio.create_task(client.publish(TOPIC, name, qos=1)) for name in (b"first", b"qos 1")]
        await until(lambda: client._outbox.waiting)
        third = asyncio.create_task(client.publish(TOPIC, b"qos 0"))
        await until(lambda: len(client._outbox.waiting) == 2)
        may_answer.set()
        ends = await asyncio.wait_for(asyncio.gather(first, second, third, return_exceptions=True), 3)
        equal((ends[:2], type(ends[2]), client.is_connected), ([None, None], MemoryError, True))


def test_what_was_on_its_way_is_not_lost_where_a_new_connection_has_no_memory_for_it():
    class Full(list):
        def __radd__(self, other):
            raise MemoryError

    outbox = Outbox(10)
    outbox.add(outbox.take(0x32, TOPIC, PAYLOAD, 1, 1000, True))
    outbox.next()
    outbox.waiting = Full()
    raises(MemoryError, lambda: outbox.reconnected(True))
    outbox.waiting = []
    equal(outbox.idle(), False)


def test_a_link_is_closed_without_memory():
    closed = [None, None]

    class Stream:
        def __init__(self, place):
            self.place = place

        def close(self):
            closed[self.place] = True

    link = Link("host", 1)
    link.stream, link.raw = Stream(0), Stream(1)
    locked(link.close)
    equal(closed, [True, True])


def test_packet_ids_are_never_0_nor_in_use():
    outbox = Outbox(10)
    given = []
    for last in (0, 0xFFFE, 0xFFFF):
        outbox._packet_id = last
        outbox.add(outbox.take(0x32, TOPIC, PAYLOAD, 1, 1000, True))
        given.append(outbox.next().packet_id)
    equal(given, [1, 0xFFFF, 2])


def test_a_message_that_there_is_no_memory_at_all_for_raises_nothing():
    def fail(message):
        raise ValueError

    bus = events.Bus()
    bus.trace = print
    told, inbox = bus.listen(events.MESSAGE_DROPPED), Inbox(bus, 4, 1000)
    add(inbox, "handled", 1, fail)
    for topic in (b"handled", b"kept"):
        inbox.deliver(topic, PAYLOAD)
        locked(lambda topic=topic: inbox.deliver(topic, PAYLOAD))
    inbox.skipped(b"kept", "too_large")
    equal([event.data["dropped"] for event in told._queue], [2])
