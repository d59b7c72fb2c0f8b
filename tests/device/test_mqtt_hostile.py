"""Peers that break the protocol, by mistake or on purpose: an error and a closed connection, never anything else."""

import asyncio
import gc
import random

import errors
from aws.mqtt import Timing
from aws.receiver import Receiver
from harness import equal, raises
from scripted_broker import PUBLISH, Broker, connack, puback, publish, suback, until

TIMEOUT_S = 60
ROUNDS = 150
PAYLOAD = b"x" * 64

# What ends a connection; anything else would be a mistake of ours ("task_failed").
ENDS = ("protocol", "connection_lost", "not_authorised", "no_connack")


ACCEPTED = connack()


async def end_after(data, before=ACCEPTED):
    """How a connection ends on which the broker sends `data` after `before`."""

    async def script(peer):
        await peer.receive()
        await peer.send(before + data)
        await peer.until_closed()

    async with Broker(script) as broker:
        client = broker.client()
        try:
            await client.connect()
        except errors.DeviceError as failure:
            return failure.code
        await until(lambda: not client.is_connected)
        return client.error.code


async def test_each_breach_of_the_protocol_ends_the_connection():
    for name, data in (
        ("a second CONNACK", connack()),
        ("a CONNECT", b"\x10\x00"),
        ("packet type 0", b"\x00\x00"),
        ("packet type 15", b"\xf0\x00"),
        ("QoS 2", publish("t", PAYLOAD, 2)),
        ("QoS 3", publish("t", PAYLOAD, 3)),
        ("a packet id 0", publish("t", b"x", 1, 0)),
        ("an empty topic", publish("", b"x")),
        ("a topic longer than its packet", b"\x30\x03\x00\x09t"),
        ("a PUBLISH without topic", b"\x30\x01\x00"),
        ("a QoS 1 PUBLISH without id", b"\x32\x04\x00\x01tx"),
        ("a PUBACK of one byte", b"\x40\x01\x00"),
        ("a PUBACK of three bytes", b"\x40\x03\x00\x01\x00"),
        ("a PUBACK with flags", b"\x41\x02\x00\x01"),
        ("a SUBACK without codes", b"\x90\x02\x00\x01"),
        ("a PINGRESP with a body", b"\xd0\x01\x00"),
        ("a PUBREC", b"\x50\x02\x00\x01"),
        ("a length of five bytes", b"\x30\xff\xff\xff\xff\x7f"),
    ):
        equal((name, await end_after(data)), (name, "protocol"))


async def test_a_bad_beginning_ends_the_connection():
    for name, data in (
        ("flags of a CONNACK", b"\x20\x02\x02\x00"),
        ("a CONNACK of three bytes", b"\x20\x03\x00\x00\x00"),
        ("a message before the CONNACK", publish("t", b"x")),
        ("an acknowledgement before the CONNACK", puback(1)),
    ):
        equal((name, await end_after(data, before=b"")), (name, "protocol"))


async def told_of(greeting, stays_open):
    async def answer(peer):
        await peer.receive()
        await peer.send(greeting)
        if stays_open:
            await peer.until_closed()

    async with Broker(answer) as broker:
        return await raises(errors.RetryError, broker.client(timing=Timing(connack_ms=300)).connect())


async def test_a_port_of_another_protocol_is_told_as_that_and_not_as_a_refusal():
    short = b"HTTP/1.1 400 Bad Request\r\n\r\n"
    for greeting, stays_open in (
        (short, False),
        (short, True),
        (short + b"x" * 100, True),
        (b"220 mail.test ESMTP\r\n", False),
        (b"AMQP\0\0\x09\x01", False),
    ):
        failure = await told_of(greeting, stays_open)
        equal((greeting, failure.code), (greeting, "protocol"))
        equal("check endpoint and port" in failure.message, True)


async def test_an_acknowledgement_of_another_kind_ends_the_connection():
    async def script(peer):
        await peer.accept()
        packet = await peer.receive(PUBLISH)
        await peer.send(suback(packet.packet_id))
        await peer.until_closed()

    async with Broker(script) as broker:
        client = broker.client()
        await client.connect()
        failure = await raises(errors.RetryError, client.publish(b"t", b"x", qos=1))
        equal(failure.code, "protocol")


async def test_a_goodbye_of_the_broker_is_its_end_of_the_connection():
    # NanoMQ says so, as if it were MQTT 5, where a filter is not one.
    async def script(peer):
        await peer.accept()
        await peer.receive()
        await peer.send(b"\xe0\x02\x8f\x00")
        await peer.until_closed()

    async with Broker(script) as broker:
        client = broker.client()
        await client.connect()
        failure = await raises(errors.RetryError, client.subscribe(b"a/#/b"))
        equal(failure.code, "connection_lost")
        equal("(by the other side, after SUBSCRIBE to 'a/#/b')" in failure.message, True)


async def test_a_suback_for_another_number_of_filters_is_an_error():
    async def script(peer):
        await peer.accept()
        packet = await peer.receive()
        await peer.send(suback(packet.packet_id, 1, 1, 1))
        await peer.until_closed()

    async with Broker(script) as broker:
        client = broker.client()
        await client.connect()
        failure = await raises(errors.RetryError, client.subscribe(b"t"))
        equal(failure.code, "protocol")


async def test_acknowledgements_that_nobody_waits_for_are_ignored():
    async def script(peer):
        await peer.accept()
        await peer.send(puback(77) + suback(78, 0) + b"\xb0\x02\x00\x4f" + b"\xd0\x00")
        await peer.serve()

    async with Broker(script) as broker:
        client = broker.client()
        await client.connect()
        await client.publish(b"t", b"x", qos=1)


def rubbish():
    """Bytes that look like MQTT to a degree: whole packets, packets with wrong bytes, noise."""
    parts = []
    for _ in range(random.randint(1, 12)):
        kind = random.randint(0, 3)
        message = publish("topic", b"x" * random.randint(0, 300), 1, random.randint(0, 3))
        packet = random.choice((message, puback(1), suback(1), b"\xd0\x00"))
        if kind == 0:
            packet = bytearray(packet)
            packet[random.randint(0, len(packet) - 1)] = random.randint(0, 255)
        elif kind == 1:
            packet = bytes([random.randint(0, 255) for _ in range(random.randint(1, 40))])
        elif kind == 2:
            packet = packet[: random.randint(0, len(packet))]
        parts.append(bytes(packet))
    return b"".join(parts)


async def test_rubbish_of_every_kind_leaves_the_client_able_to_connect_again():
    random.seed(20)
    ends = [None] * ROUNDS

    async def hostile(peer):
        await peer.receive()
        try:
            await peer.send(connack() if random.randint(0, 9) else b"")
            for _ in range(random.randint(1, 4)):
                await peer.send(rubbish())
                await asyncio.sleep_ms(random.randint(0, 2))
        except OSError:
            return  # the client has closed, as it should

    async with Broker(hostile) as broker:
        timing = Timing(connack_ms=200, ack_ms=100, publish_ms=500)
        client = broker.client(receive_buffer=256, timing=timing)
        client.set_callback(lambda topic, message: None)
        occupied = [0] * ROUNDS
        for round_ in range(ROUNDS):
            try:
                await client.connect()
                publishing = asyncio.create_task(try_to_publish(client))
                await until(lambda: not client.is_connected)
                ends[round_] = client.error.code
                await publishing
            except errors.DeviceError as failure:
                ends[round_] = failure.code
            gc.collect()
            occupied[round_] = gc.mem_alloc()
        broker._scripts = [serve]
        await client.connect()
        await client.publish(b"t", b"x", qos=1)
    equal([end for end in ends if end not in ENDS], [])
    # Both ways of ending have happened, and what the rounds left behind does not grow.
    equal(("protocol" in ends, "connection_lost" in ends), (True, True))
    equal(min(occupied[ROUNDS // 2 :]) - min(occupied[: ROUNDS // 2]) < 4096, True)


async def serve(peer):
    await peer.accept()
    await peer.serve()


async def try_to_publish(client):
    try:
        await client.publish(b"t", b"x", qos=1)
    except errors.DeviceError:
        pass


def test_a_topic_that_does_not_fit_into_the_small_buffer_ends_the_connection_by_its_name():
    receiver = Receiver(2048)
    receiver.space()[:1024] = publish("t" * 1500, bytes(1000))[:1024]
    receiver.added(1024)
    failure = raises(errors.DeviceError, receiver.next)
    equal((failure.code, "1500 bytes" in failure.message), ("protocol", True))
