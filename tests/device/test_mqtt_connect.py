"""The MQTT engine, connecting and noticing a dead link."""

import asyncio
import time

import umqtt.simple

import errors
from aws.engine import Timing
from aws.mqtt import MQTTClient, MQTTException
from harness import equal, raises
from scripted_broker import (
    DISCONNECT,
    PINGREQ,
    Broker,
    connack,
    publish,
    until,
)

PAYLOAD = b"x" * 64


async def serve(peer):
    await peer.accept()
    await peer.serve()


async def test_a_client_is_one_of_umqtt_with_the_same_constructor():
    client = MQTTClient("me", "broker.example", 0, "user", "password", 30, True, {"cert_reqs": 0})
    equal(isinstance(client, umqtt.simple.MQTTClient), True)
    equal((client.port, client.user, client.pswd, client.keepalive), (8883, "user", "password", 30))
    equal(MQTTException is umqtt.simple.MQTTException, True)


async def test_connect_sends_what_the_session_needs():
    seen = []

    async def script(peer):
        seen.append((await peer.accept(session_present=1)).body)
        await peer.until_closed()

    async with Broker(script) as broker:
        client = broker.client(keepalive=300, user="me", password="secret")
        client.set_last_will("will/topic", "gone", retain=True, qos=1)
        equal(await client.connect(clean_session=False), 1)
        await client.disconnect()
    fields = b"\x00\x02me\x00\x0awill/topic\x00\x04gone\x00\x02me\x00\x06secret"
    equal(seen, [b"\x00\x04MQTT\x04\xec\x01\x2c" + fields])


async def test_a_refused_connect_raises_its_code():
    async def script(peer):
        await peer.receive()
        await peer.send(connack(5))

    async with Broker(script) as broker:
        refusal = await raises(MQTTException, broker.client().connect())
    equal(refusal.args[0], 5)


async def test_a_connect_without_answer_ends():
    async with Broker(lambda peer: peer.until_closed()) as broker:
        client = broker.client()
        failure = await raises(errors.RetryError, client.connect())
        equal(failure.code, "no_connack")
        equal(client.is_connected, False)


async def test_a_connect_answered_by_closing_is_told_as_not_authorised():
    async def script(peer):
        await peer.receive()

    async with Broker(script) as broker:
        failure = await raises(errors.CloudError, broker.client().connect())
        equal(failure.code, "not_authorised")


async def test_a_port_without_server_is_told_as_refused():
    async with Broker(serve) as broker:
        client = broker.client()
    failure = await raises(errors.RetryError, client.connect())
    equal(failure.code, "refused")


async def test_a_client_connects_again_after_it_was_disconnected():
    async with Broker(serve) as broker:
        client = broker.client()
        for _ in range(3):
            await client.connect()
            await client.publish(b"t", PAYLOAD, qos=1)
            await client.disconnect()
        equal(broker.connections, 3)


async def test_disconnect_says_so():
    async def script(peer):
        await peer.accept()
        await peer.receive(DISCONNECT)

    async with Broker(script) as broker:
        client = broker.client()
        await client.connect()
        await client.disconnect()
        await raises(errors.RetryError, client.publish(b"t", PAYLOAD, qos=1))
        await until(lambda: broker.finished == 1)


async def test_a_silent_link_is_pinged_and_lives():
    pings = [0]

    async def script(peer):
        await peer.accept()
        while pings[0] < 2:
            await peer.receive(PINGREQ)
            pings[0] += 1
            await peer.send(b"\xd0\x00")
        await peer.until_closed()

    async with Broker(script) as broker:
        client = broker.client(keepalive=1)
        await client.connect()
        await until(lambda: pings[0] == 2)
        equal(client.is_connected, True)


async def test_a_link_without_pingresp_is_dead_even_while_we_publish():
    async with Broker(silent_after_connack) as broker:
        client = broker.client(keepalive=1)
        await client.connect()
        started = time.ticks_ms()
        while client.is_connected:
            await client.publish(b"t", PAYLOAD)
            await asyncio.sleep_ms(20)
        equal(client.error.code, "no_pingresp")
        equal(time.ticks_diff(time.ticks_ms(), started) >= 1000, True)


async def silent_after_connack(peer):
    await peer.accept()
    await peer.until_closed()


class Ticks:
    """The ticks of the chip, which wrap around at 2**30, and a week of them in a moment."""

    now_ms = 0

    def ticks_ms(self):
        return self.now_ms

    @staticmethod
    def ticks_add(ticks, passed_ms):
        return (ticks + passed_ms) & 0x3FFFFFFF

    @staticmethod
    def ticks_diff(later, earlier):
        return ((later - earlier + 0x20000000) & 0x3FFFFFFF) - 0x20000000

    def pass_ms(self, passed_ms):
        self.now_ms = self.ticks_add(self.now_ms, passed_ms)


class Wire:
    """As far as the keeper needs a link."""

    busy = False
    pings = 0

    def send(self, data, size, tail, tail_at):
        self.pings += 1
        return True


async def test_a_link_that_was_busy_for_a_week_is_pinged_when_it_falls_silent():
    from aws import connection, sender

    connection.time = sender.time = ticks = Ticks()
    wire = Wire()
    timing = Timing()
    timing.keepalive_ms = 60000
    busy = connection.Connection(wire, None, None, bytearray(1), timing, None, None, None)
    try:
        for _ in range(7 * 24 * 180):
            ticks.pass_ms(20000)
            busy._heard_ms = busy._spoke_ms = ticks.now_ms
            busy._keep_alive()
        ticks.pass_ms(29000)
        busy._keep_alive()
        equal(wire.pings, 0)
        for _ in range(40):
            ticks.pass_ms(250)
            busy._keep_alive()
        equal(wire.pings, 1)  # one, although nothing is heard
    finally:
        connection.time = sender.time = time


async def test_a_client_that_only_receives_pings_all_the_same():
    # A broker drops who has not spoken for one and a half times the keepalive.
    pinged = asyncio.Event()

    async def talk(peer):
        while not pinged.is_set():
            await peer.send(publish("t", b"x"))
            await asyncio.sleep_ms(20)

    async def script(peer):
        await peer.accept()
        talking = asyncio.create_task(talk(peer))
        await peer.receive(PINGREQ)
        pinged.set()
        await talking
        await peer.until_closed()

    async with Broker(script) as broker:
        client = broker.client(keepalive=1)
        await client.connect()
        await pinged.wait()
        equal(client.is_connected, True)
