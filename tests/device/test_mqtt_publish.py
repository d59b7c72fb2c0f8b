"""The MQTT engine, publishing: acknowledgements, window, re-sending."""

import asyncio

import errors
from aws.mqtt import Timing
from harness import equal, raises
from scripted_broker import PUBLISH, Broker, puback, until

PAYLOAD = b"x" * 64


async def serve(peer):
    await peer.accept()
    await peer.serve()


async def test_publish_carries_topic_payload_and_flags():
    seen = []

    async def script(peer):
        await peer.accept()
        for _ in range(4):
            packet = await peer.receive(PUBLISH)
            seen.append((packet.topic, packet.payload, packet.qos, packet.retain))
            await peer.answer(packet)

    async with Broker(script) as broker:
        client = broker.client()
        await client.connect()
        await client.publish(b"a/b", b"one")
        await client.publish("a/\xe4", "zw\xf6i", True)
        await client.publish(b"c", bytearray(b"three"), qos=1)
        await client.publish(b"d", memoryview(b"four"), True, 1)
        await until(lambda: len(seen) == 4)
    equal(
        seen,
        [
            ("a/b", b"one", 0, False),
            ("a/\xe4", "zw\xf6i".encode(), 0, True),
            ("c", b"three", 1, False),
            ("d", b"four", 1, True),
        ],
    )


async def test_publish_qos1_returns_only_when_acknowledged():
    may_answer = asyncio.Event()

    async def script(peer):
        await peer.accept()
        packet = await peer.receive(PUBLISH)
        await may_answer.wait()
        await peer.answer(packet)
        await peer.until_closed()

    async with Broker(script) as broker:
        client = broker.client()
        await client.connect()
        publishing = asyncio.create_task(client.publish(b"t", PAYLOAD, qos=1))
        await asyncio.sleep_ms(50)
        equal(publishing.done(), False)
        may_answer.set()
        await publishing


async def test_no_more_than_the_window_waits_for_acknowledgement():
    order = []

    async def script(peer):
        await peer.accept()
        first = await peer.receive_several(3, PUBLISH)
        await raises(asyncio.TimeoutError, asyncio.wait_for_ms(peer.receive(), 100))
        # Acknowledged out of order, which a broker may do.
        await peer.send(puback(first[2].packet_id) + puback(first[0].packet_id))
        rest = await peer.receive_several(2, PUBLISH)
        order.extend([packet.payload for packet in first + rest])
        equal(len({packet.packet_id for packet in first + rest}), 5)
        await peer.send(b"".join([puback(packet.packet_id) for packet in [first[1]] + rest]))
        await peer.until_closed()

    async with Broker(script) as broker:
        client = broker.client(window=3)
        await client.connect()
        await asyncio.gather(*[client.publish(b"t", b"%d" % i, qos=1) for i in range(5)])
    equal(order, [b"0", b"1", b"2", b"3", b"4"])


async def test_what_is_not_acknowledged_is_sent_again_with_the_same_id():
    async def script(peer):
        await peer.accept()
        first = await peer.receive(PUBLISH)
        second = await peer.receive(PUBLISH)
        equal((first.dup, second.dup), (False, True))
        equal((second.packet_id, second.payload, second.topic), (first.packet_id, first.payload, first.topic))
        await peer.answer(second)
        await peer.until_closed()

    async with Broker(script) as broker:
        client = broker.client()
        await client.connect()
        await client.publish(b"t", PAYLOAD, qos=1)


async def test_a_connection_that_acknowledges_nothing_is_given_up():
    seen = []

    async def script(peer):
        await peer.accept()
        packet = await peer.receive()
        while packet is not None:
            seen.append(packet.packet_id)
            packet = await peer.receive()

    async with Broker(script) as broker:
        client = broker.client()
        await client.connect()
        failure = await raises(errors.RetryError, client.publish(b"t", PAYLOAD, qos=1))
        equal(failure.code, "no_acknowledgement")
        await until(lambda: not client.is_connected)
        equal(client.error.code, "no_acknowledgement")
    equal(len(seen), 3)
    equal(len(set(seen)), 1)


async def test_a_publish_survives_the_connection_when_asked_to():
    seen = []

    async def first(peer):
        await peer.accept()
        seen.append(await peer.receive(PUBLISH))
        seen.append(await peer.receive(PUBLISH))

    async def second(peer):
        await peer.accept(session_present=1)
        for _ in range(3):
            packet = await peer.receive(PUBLISH)
            seen.append(packet)
            await peer.answer(packet)
        await peer.until_closed()

    async with Broker(first, second) as broker:
        client = broker.client(survive=True, window=2)
        await client.connect(clean_session=False)
        publishing = [asyncio.create_task(client.publish(b"t", b"%d" % i, qos=1)) for i in range(3)]
        await until(lambda: not client.is_connected)
        await client.connect(clean_session=False)
        for task in publishing:
            await task
    equal([packet.payload for packet in seen], [b"0", b"1", b"0", b"1", b"2"])
    equal([packet.dup for packet in seen], [False, False, True, True, False])
    equal([seen[2].packet_id, seen[3].packet_id], [seen[0].packet_id, seen[1].packet_id])


async def test_without_the_old_session_they_are_new_messages():
    seen = []

    async def first(peer):
        await peer.accept()
        seen.append(await peer.receive(PUBLISH))

    async def second(peer):
        await peer.accept(session_present=0)
        seen.append(await peer.receive(PUBLISH))
        await peer.answer(seen[1])
        await peer.until_closed()

    async with Broker(first, second) as broker:
        client = broker.client(survive=True)
        await client.connect()
        publishing = asyncio.create_task(client.publish(b"t", PAYLOAD, qos=1))
        await until(lambda: not client.is_connected)
        await client.connect()
        await publishing
    equal([packet.dup for packet in seen], [False, False])


async def test_a_waiting_publish_gives_up_at_its_timeout():
    async with Broker(serve) as broker:
        client = broker.client(survive=True, timing=Timing(publish_ms=50))
        publishing = asyncio.create_task(client.publish(b"t", PAYLOAD, qos=1))
        await asyncio.sleep_ms(60)
        equal(client.expire(), 1)
        failure = await raises(errors.RetryError, publishing)
        equal(failure.code, "not_connected")


async def test_a_cancelled_publish_leaves_room_in_the_window():
    async def script(peer):
        await peer.accept()
        given_up = await peer.receive(PUBLISH)
        other = await peer.receive(PUBLISH)
        equal(given_up.packet_id != other.packet_id, True)
        # An acknowledgement that nobody waits for is no mistake.
        await peer.send(puback(given_up.packet_id) + puback(other.packet_id))
        await peer.until_closed()

    async with Broker(script) as broker:
        client = broker.client(window=1)
        await client.connect()
        await raises(asyncio.TimeoutError, asyncio.wait_for_ms(client.publish(b"t", b"1", qos=1), 50))
        await client.publish(b"t", b"2", qos=1)


async def test_publishing_without_pause_leaves_the_others_their_turn():
    async with Broker(serve) as broker:
        client = broker.client()
        await client.connect()
        turns = [0]

        async def count():
            while True:
                turns[0] += 1
                await asyncio.sleep_ms(0)

        counting = asyncio.create_task(count())
        for _ in range(200):
            await client.publish(b"t", PAYLOAD)
        counting.cancel()
        equal(turns[0] >= 20, True)


async def test_qos2_is_refused_with_a_reason():
    async with Broker(serve) as broker:
        client = broker.client()
        await client.connect()
        for qos in (2, -1):
            failure = await raises(errors.BugError, client.publish(b"t", PAYLOAD, qos=qos))
            equal(failure.code, "not_supported")
