"""The MQTT engine and messages that do not fit into the small buffer in which they all arrive."""

import asyncio
import gc

import events
from aws.inbox import Inbox
from aws.subscribing import add
from harness import equal
from scripted_broker import PUBACK, Broker, length, publish, until

TIMEOUT_S = 20


def listen(client):
    """Collects what the client receives as (topic, payload)."""
    heard = []
    client.set_callback(lambda topic, message: heard.append((topic, bytes(message))))
    return heard


def large(letter, packet_id):
    return publish("topic/" + letter, letter.encode() * 3000, 1, packet_id)


async def test_large_messages_are_taken_one_after_the_other_with_small_ones_between_them_in_any_pieces():
    stream = large("a", 1) + large("b", 2) + publish("s", b"small", 1, 3) + large("c", 4) + publish("s", b"last", 1, 5)
    acknowledged = []

    async def script(peer):
        await peer.accept()
        await peer.send(stream)  # all at once
        for at in range(0, len(stream), 700):
            await peer.send(stream[at : at + 700])
            await asyncio.sleep_ms(1)
        for _ in range(10):
            acknowledged.append((await peer.receive(PUBACK)).packet_id)
        await peer.until_closed()

    async with Broker(script) as broker:
        client = broker.client(receive_buffer=len(large("a", 1)))
        heard = listen(client)
        await client.connect()
        await until(lambda: len(acknowledged) == 10)
    equal(acknowledged, [1, 2, 3, 4, 5] * 2)
    equal(
        [(topic, message[:1], len(message)) for topic, message in heard[:5]],
        [
            (b"topic/a", b"a", 3000),
            (b"topic/b", b"b", 3000),
            (b"s", b"s", 5),
            (b"topic/c", b"c", 3000),
            (b"s", b"l", 4),
        ],
    )
    equal(heard[5:], heard[:5])


async def test_a_message_one_byte_larger_than_the_limit_is_skipped_and_one_as_large_is_not():
    dropped = []

    async def script(peer):
        await peer.accept()
        await peer.send(large("a", 1) + publish("b", b"x" * 2000, 1, 2) + large("c", 3)[:1] + large("c", 3)[1:])
        for _ in range(3):
            await peer.receive(PUBACK)
        await peer.until_closed()

    async with Broker(script) as broker:
        client = broker.client(receive_buffer=len(large("a", 1)) - 1)
        heard = listen(client)
        client.on_dropped = lambda topic, reason: dropped.append((topic, reason))
        await client.connect()
        await until(lambda: len(dropped) == 2)
    equal([(topic, len(message)) for topic, message in heard], [(b"b", 2000)])
    equal(dropped, [(b"topic/a", "too_large"), (b"topic/c", "too_large")])


async def test_a_message_for_which_there_is_no_memory_is_skipped_acknowledged_and_told():
    dropped, acknowledged = [], []
    too_much = gc.mem_free() + gc.mem_alloc()  # of payload, beside 9 bytes of topic and packet id

    async def script(peer):
        await peer.accept()
        await peer.send(publish("before", b"1") + b"\x32" + length(too_much + 9) + b"\0\5large\0\5")
        for at in range(0, too_much, 4096):
            await peer.send(bytes(min(4096, too_much - at)))
        await peer.send(publish("after", b"2"))
        acknowledged.append((await peer.receive(PUBACK)).packet_id)
        await peer.until_closed()

    async with Broker(script) as broker:
        client = broker.client(receive_buffer=2 * too_much)
        heard = listen(client)
        client.on_dropped = lambda topic, reason: dropped.append((topic, reason))
        await client.connect()
        await until(lambda: len(heard) == 2)
        await until(lambda: acknowledged)
        equal(client.is_connected, True)
    equal(heard, [(b"before", b"1"), (b"after", b"2")])
    equal((dropped, acknowledged), ([(b"large", "no_memory")], [5]))


def held():
    gc.collect()
    return gc.mem_alloc()


async def test_the_memory_of_a_large_message_is_free_as_soon_as_its_handler_is_through_with_it():
    size = 100000
    may_send, may_go_on = asyncio.Event(), asyncio.Event()

    async def script(peer):
        await peer.accept()
        await may_send.wait()
        await peer.send(b"\x32" + length(size + 5) + b"\0\1t\0\5")
        for _ in range(size // 1000):
            await peer.send(bytes(1000))
        await peer.receive(PUBACK)
        await peer.until_closed()

    async with Broker(script) as broker:
        client = broker.client(receive_buffer=size + 10)
        inbox = Inbox(events.Bus(), 4, 100)
        heard = []

        async def handler(message):
            heard.append(message.payload[size - 1])
            await may_go_on.wait()

        add(inbox, "t", 1, handler)
        client.set_callback(inbox.deliver)
        await client.connect()
        before = held()
        may_send.set()
        await until(lambda: heard)
        equal(held() - before > size, True)  # as long as it may look at it
        may_go_on.set()
        await until(lambda: held() - before < size // 10)
        equal((heard, client.is_connected), ([0], True))
