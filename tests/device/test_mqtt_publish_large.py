"""The MQTT engine, publishing what does not fit the socket: a slow reader, one that takes nothing, giving up."""

import asyncio

import errors
from aws.mqtt import Timing
from harness import equal, raises
from scripted_broker import PUBLISH, Broker, send_little_at_once, until


async def test_a_large_payload_arrives_whole_through_a_slow_reader():
    payload = bytes(range(256)) * 512
    seen = []
    may_read = asyncio.Event()

    async def script(peer):
        await peer.accept()
        peer.read_little_at_once()
        await may_read.wait()
        for _ in range(3):
            packet = await peer.receive(PUBLISH)
            seen.append((packet.qos, packet.payload == payload or packet.payload))
            await peer.answer(packet)
        await peer.until_closed()

    async with Broker(script) as broker:
        client = broker.client(timing=Timing(ack_ms=5000))
        await client.connect()
        send_little_at_once(client)
        publishing = [asyncio.create_task(client.publish(b"t", payload, qos=1))]
        await asyncio.sleep_ms(20)
        for data, qos in ((b"small", 0), (payload, 0)):
            publishing.append(asyncio.create_task(client.publish(b"t", data, qos=qos)))
        await asyncio.sleep_ms(20)
        equal([task.done() for task in publishing], [False] * 3)
        may_read.set()
        for task in publishing:
            await task
        await until(lambda: len(seen) == 3)
    equal(seen, [(1, True), (0, b"small"), (0, True)])


async def test_one_that_takes_long_to_write_has_its_whole_time_for_the_acknowledgement():
    seen = []

    async def script(peer):
        peer.read_little_at_once()
        await peer.accept()
        await asyncio.sleep_ms(2500)
        peer.read_much_at_once()
        for wait_ms in (600, 0):
            packet = await peer.receive(PUBLISH)
            seen.append((len(packet.payload), packet.dup))
            await asyncio.sleep_ms(wait_ms)
            await peer.answer(packet)

    async with Broker(script) as broker:
        client = broker.client(timing=Timing(ack_ms=2000))
        await client.connect()
        send_little_at_once(client)
        await client.publish(b"t", bytearray(131072), qos=1)
        await client.publish(b"t", b"next", qos=1)
        await client.disconnect()
        await until(lambda: broker.finished)
    equal(seen, [(131072, False), (4, False)])


async def write_too_much(payload, timeout_ms, timing, taken=0):
    """Publish `payload` with QoS 0 to a peer that takes `taken` bytes now and then; returns the error."""

    async def script(peer):
        peer.read_little_at_once()
        await peer.accept()
        while taken:
            await asyncio.sleep_ms(40)
            await peer.read(taken)
        await asyncio.sleep_ms(3000)

    async with Broker(script) as broker:
        client = broker.client(timing=timing)
        await client.connect()
        send_little_at_once(client)
        failure = await raises(errors.RetryError, client.publish(b"t", payload, timeout_ms=timeout_ms))
        equal(client.is_connected, False)
        return failure


async def test_a_peer_that_takes_nothing_ends_the_connection():
    failure = await write_too_much(bytes(131072), 60000, Timing(ack_ms=150, tries=2))
    equal((failure.code, "does not read" in failure.message), ("connection_lost", True))


async def test_a_peer_that_takes_too_little_does_so_at_the_timeout_of_the_message():
    failure = await write_too_much(bytes(131072), 600, Timing(ack_ms=2000), taken=512)
    equal((failure.code, "does not read" in failure.message), ("connection_lost", True))


async def test_a_buffer_given_up_half_written_is_not_sent_changed():
    seen = []

    async def script(peer):
        peer.read_little_at_once()
        await peer.accept()
        await asyncio.sleep_ms(200)
        seen.append(await peer.receive())

    async with Broker(script) as broker:
        client = broker.client()
        await client.connect()
        send_little_at_once(client)
        payload = bytearray(131072)
        await raises(asyncio.TimeoutError, asyncio.wait_for_ms(client.publish(b"t", payload), 100))
        payload[:] = b"x" * len(payload)
        await until(lambda: seen)
    equal(seen, [None])
