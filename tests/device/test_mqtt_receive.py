"""The MQTT engine, subscribing and receiving."""

import asyncio

import errors
import events
from aws.inbox import Inbox
from aws.mqtt import MQTTException
from aws.subscribing import add
from harness import equal, raises
from scripted_broker import (
    PUBACK,
    SUBSCRIBE,
    UNSUBSCRIBE,
    Broker,
    connack,
    publish,
    send_little_at_once,
    suback,
    until,
)

TIMEOUT_S = 20


def listen(client):
    """Collects what the client receives as (topic, payload)."""
    heard = []
    client.set_callback(lambda topic, message: heard.append((topic, bytes(message))))
    return heard


async def test_subscribe_and_unsubscribe_wait_for_their_answers():
    async def script(peer):
        await peer.accept()
        packet = await peer.receive(SUBSCRIBE)
        equal(packet.filters, [("a/+", 1)])
        again = await peer.receive(SUBSCRIBE)  # re-sent, because the first was not answered
        equal(again.packet_id, packet.packet_id)
        await peer.answer(again)
        await peer.answer(await peer.receive(UNSUBSCRIBE))
        await peer.until_closed()

    async with Broker(script) as broker:
        client = broker.client()
        await client.connect()
        await client.subscribe("a/+", 1)
        await client.unsubscribe("a/+")


async def test_a_subscribe_without_its_answer_is_sent_again_with_the_same_id_then_the_connection_is_given_up():
    seen = []

    async def script(peer):
        await peer.accept()
        for _ in range(3):
            packet = await peer.receive(SUBSCRIBE)
            seen.append((packet.first, packet.packet_id, packet.filters))
        await peer.until_closed()

    async with Broker(script) as broker:
        client = broker.client()
        await client.connect()
        failure = await raises(errors.RetryError, client.subscribe(b"a", 1))
        equal((failure.code, client.is_connected), ("no_acknowledgement", False))
    equal(seen, [(0x82, 1, [("a", 1)])] * 3)


async def test_a_refused_subscription_raises():
    async def script(peer):
        await peer.accept()
        await peer.send(suback((await peer.receive(SUBSCRIBE)).packet_id, 0x80))
        await peer.until_closed()

    async with Broker(script) as broker:
        client = broker.client()
        await client.connect()
        refusal = await raises(MQTTException, client.subscribe(b"forbidden"))
        equal(refusal.args[0], 0x80)
        equal(client.is_connected, True)


async def test_messages_are_handed_over_and_acknowledged():
    acknowledged = []

    async def script(peer):
        await peer.accept()
        await peer.send(publish("a", b"0") + publish("a", b"1", 1, 300) + publish("b", b"", 1, 301, dup=True))
        for _ in range(2):
            acknowledged.append((await peer.receive(PUBACK)).packet_id)
        await peer.until_closed()

    async with Broker(script) as broker:
        client = broker.client()
        heard = listen(client)
        await client.connect()
        await until(lambda: len(acknowledged) == 2)
    equal(heard, [(b"a", b"0"), (b"a", b"1"), (b"b", b"")])
    equal(acknowledged, [300, 301])


async def test_packets_may_arrive_in_any_pieces():
    stream = connack() + publish("topic/a", b"1" * 200, 1, 7) + publish("topic/b", b"2") + b"\xd0\x00"
    heard = []

    async def script(peer):
        await peer.receive()
        for i in range(len(stream)):
            await peer.send(stream[i : i + 1])
            await asyncio.sleep_ms(0)
        await peer.receive(PUBACK)
        await peer.until_closed()

    async with Broker(script) as broker:
        client = broker.client()
        heard = listen(client)
        await client.connect()
        await until(lambda: len(heard) == 2)
        equal(client.is_connected, True)
    equal(heard, [(b"topic/a", b"1" * 200), (b"topic/b", b"2")])


async def test_a_message_too_large_is_skipped_acknowledged_and_told():
    large = publish("large", b"x" * 100000, 1, 5)
    dropped = []

    async def script(peer):
        await peer.accept()
        await peer.send(publish("before", b"1") + large + publish("after", b"2"))
        equal((await peer.receive(PUBACK)).packet_id, 5)
        await peer.until_closed()

    async with Broker(script) as broker:
        client = broker.client(receive_buffer=512)
        heard = listen(client)
        client.on_dropped = lambda topic, reason: dropped.append((topic, reason))
        await client.connect()
        await until(lambda: len(heard) == 2)
    equal(heard, [(b"before", b"1"), (b"after", b"2")])
    equal(dropped, [(b"large", "too_large")])


async def test_a_message_as_large_as_the_buffer_passes():
    async def script(peer):
        await peer.accept()
        head = len(publish("t", b"")) + 1
        await peer.send(publish("t", b"x" * (512 - head)))
        await peer.until_closed()

    async with Broker(script) as broker:
        client = broker.client(receive_buffer=512)
        heard = listen(client)
        await client.connect()
        await until(lambda: heard)
    equal(len(heard[0][1]), 512 - 6)


async def test_a_peer_that_does_not_take_our_acknowledgements_is_not_read_from():
    count = 20000  # acknowledgements: more bytes than the sockets hold
    hundreds = [range(n + 1, n + 101) for n in range(0, count, 100)]
    may_read = asyncio.Event()
    acknowledged = [0]

    async def flood(peer):
        for packet_ids in hundreds:
            await peer.send(b"".join([publish("t", b"", 1, packet_id) for packet_id in packet_ids]))

    async def script(peer):
        peer.read_little_at_once()
        await peer.accept()
        flooding = asyncio.create_task(flood(peer))
        await may_read.wait()
        peer.read_much_at_once()
        for packet_ids in hundreds:
            expected = b"".join([b"\x40\x02" + packet_id.to_bytes(2, "big") for packet_id in packet_ids])
            equal(await peer.read(len(expected)), expected)
            acknowledged[0] += len(packet_ids)
        await flooding
        await peer.until_closed()

    async with Broker(script) as broker:
        client = broker.client()
        heard = [0]

        def hear(topic, message):
            heard[0] += 1

        client.set_callback(hear)
        await client.connect()
        send_little_at_once(client)
        before = -1
        while heard[0] > before:  # until it reads no more
            before = heard[0]
            await asyncio.sleep_ms(100)
        equal(heard[0] < count, True)
        may_read.set()
        await until(lambda: acknowledged[0] == count)
    equal(heard[0], count)


async def test_a_callback_that_fails_does_not_end_the_connection():
    async def script(peer):
        await peer.accept()
        await peer.send(publish("t", b"1", 1, 1) + publish("t", b"2", 1, 2))
        await peer.receive(PUBACK)
        await peer.receive(PUBACK)
        await peer.until_closed()

    async with Broker(script) as broker:
        client = broker.client()
        heard = []

        def hear(topic, message):
            heard.append(bytes(message))
            raise ValueError("a mistake of the application")

        client.set_callback(hear)
        await client.connect()
        await until(lambda: len(heard) == 2)
        equal(client.is_connected, True)


async def test_a_message_for_whose_callback_there_is_no_memory_is_told_as_lost():
    async def script(peer):
        await peer.accept()
        await peer.send(publish("t", b"1", 1, 1))
        await peer.receive(PUBACK)
        await peer.until_closed()

    async with Broker(script) as broker:
        client = broker.client()
        lost = []

        def hear(topic, message):
            raise MemoryError

        client.set_callback(hear)
        client.on_dropped = lambda *what: lost.append(what)
        await client.connect()
        await until(lambda: lost)
        equal((lost, client.is_connected), ([(b"t", "no_memory")], True))


async def test_wait_msg_waits_for_the_next_message():
    async def script(peer):
        await peer.accept()
        await asyncio.sleep_ms(30)
        await peer.send(publish("t", b"1"))
        await asyncio.sleep_ms(30)

    async with Broker(script) as broker:
        client = broker.client()
        heard = listen(client)
        await client.connect()
        await client.check_msg()
        equal(heard, [])
        await client.wait_msg()
        equal(heard, [(b"t", b"1")])
        failure = await raises(errors.RetryError, client.wait_msg())
        equal(failure.code, "connection_lost")


async def test_a_handler_may_end_the_connection_it_is_called_from():
    async def script(peer):
        await peer.accept()
        await may_send.wait()
        await peer.send(publish("t", b"1", 1, 1) + publish("t", b"2", 1, 2))
        await peer.until_closed()

    may_send = asyncio.Event()
    async with Broker(script, serve) as broker:
        client = broker.client()
        inbox = Inbox(events.Bus(), 4, 100)
        heard = []

        async def handler(message):
            heard.append(bytes(message.payload))
            await client.disconnect()

        add(inbox, "t", 1, handler)
        client.set_callback(inbox.deliver)
        await client.connect()
        may_send.set()
        await until(lambda: heard)
        equal(client.is_connected, False)
        await client.connect()
        await client.publish(b"t", b"x", qos=1)
    equal(heard, [b"1"])


async def serve(peer):
    await peer.accept()
    await peer.serve()
