"""The MQTT engine against whole brokers that were not written with it: mosquitto, and the local AWS IoT's."""

import asyncio
import os
import socket

from aws import requests
from aws.mqtt import MQTTClient
from harness import equal, skip
from scripted_broker import until

COMPANIONS = ["brokers"]
TIMEOUT_S = 30


def client_of(broker, name, **options):
    port = os.getenv("PORT_" + broker)
    if not port:
        skip("mosquitto is not installed")
    return MQTTClient(name, "127.0.0.1", int(port), **options)


def listen(client):
    heard = []
    client.set_callback(lambda topic, message: heard.append((topic, bytes(message))))
    return heard


async def messages_go_there_and_back(broker):
    client = client_of(broker, "back")
    heard = listen(client)
    await client.connect()
    await client.subscribe(b"there/#", 1)
    for qos in (0, 1):
        for size in (0, 1, 100, 5000):
            await client.publish(b"there/and/back", b"x" * size, qos=qos)
    await until(lambda: len(heard) == 8)
    equal(sorted([len(payload) for _, payload in heard]), [0, 0, 1, 1, 100, 100, 5000, 5000])
    await client.unsubscribe(b"there/#")
    await client.publish(b"there/and/back", b"", qos=1)
    equal((client.is_connected, len(heard)), (True, 8))
    await client.disconnect()


async def a_session_keeps_what_was_missed(broker):
    listener = client_of(broker, "listener")
    heard = listen(listener)
    await listener.connect(clean_session=True)
    await listener.disconnect()
    equal(await listener.connect(clean_session=False), 0)
    await listener.subscribe(b"kept", 1)
    await listener.disconnect()
    speaker = client_of(broker, "speaker")
    await speaker.connect()
    for number in range(5):
        await speaker.publish(b"kept", b"%d" % number, qos=1)
    equal(await listener.connect(clean_session=False), 1)
    await until(lambda: len(heard) == 5)
    equal([payload for _, payload in heard], [b"0", b"1", b"2", b"3", b"4"])
    await listener.disconnect()
    await listener.connect(clean_session=True)
    await listener.disconnect()
    await speaker.disconnect()


async def the_last_will_is_published_and_retained(broker):
    client_of(broker, "nobody")  # skips without the broker
    dying = socket.socket()
    dying.connect(socket.getaddrinfo("127.0.0.1", int(os.getenv("PORT_" + broker)))[0][-1])
    dying.write(requests.connect("dying", 60, True, None, None, (b"will/of/dying", b"gone", 1, True)))
    equal(dying.read(4), b"\x20\x02\x00\x00")
    dying.close()  # without DISCONNECT
    late = client_of(broker, "late")
    heard = listen(late)
    await late.connect()
    await asyncio.sleep_ms(200)
    await late.subscribe(b"will/of/dying", 1)  # AWS gives retained messages to the exact topic only
    await until(lambda: heard)
    equal(heard, [(b"will/of/dying", b"gone")])
    await late.publish(b"will/of/dying", b"", retain=True, qos=1)  # cleared
    await late.disconnect()


async def two_thousand_in_a_window(broker):
    client = client_of(broker, "window", window=20)
    heard = listen(client)
    await client.connect()
    await client.subscribe(b"window", 1)

    async def some(first):
        for number in range(first, first + 100):
            await client.publish(b"window", b"%d" % number, qos=1)

    await asyncio.gather(*[some(100 * task) for task in range(20)])
    await until(lambda: len(heard) >= 2000)
    equal(sorted([int(payload) for _, payload in heard]), list(range(2000)))
    await client.disconnect()


async def test_messages_go_there_and_back_by_mosquitto():
    await messages_go_there_and_back("MOSQUITTO")


async def test_messages_go_there_and_back_by_the_local_broker():
    await messages_go_there_and_back("OPEN")


async def test_a_session_of_mosquitto_keeps_what_was_missed():
    await a_session_keeps_what_was_missed("MOSQUITTO")


async def test_a_session_of_the_local_broker_keeps_what_was_missed():
    await a_session_keeps_what_was_missed("OPEN")


async def test_mosquitto_publishes_the_last_will():
    await the_last_will_is_published_and_retained("MOSQUITTO")


async def test_the_local_broker_publishes_the_last_will():
    await the_last_will_is_published_and_retained("OPEN")


async def test_two_thousand_by_mosquitto():
    await two_thousand_in_a_window("MOSQUITTO")
