"""Whether the device is online: a retained message and a last will."""

import asyncio
import json

import events
from aws_desk import Desk
from harness import equal, raises
from scripted_broker import DISCONNECT, PUBLISH, SUBSCRIBE, until

COMPANIONS = ["tls_servers"]
TIMEOUT_S = 20


async def test_a_retained_message_and_the_last_will_say_whether_it_is_online():
    wills, told = [], []

    async def script(peer):
        wills.append((await peer.accept()).body)
        while True:
            packet = await peer.receive()
            if packet is None or packet.kind == DISCONNECT:
                return
            if packet.kind == SUBSCRIBE:
                await peer.answer(packet)
                continue
            told.append((packet.topic, packet.qos, packet.retain, json.loads(packet.payload)))
            await peer.answer(packet)

    async with Desk(script, status="devices/{thing}/status") as desk:
        await until(lambda: told)
        desk.aws.shadow()  # what is subscribed later is no new connection
        await desk.aws.stop()
        await until(lambda: len(told) == 2)
    topics = [(topic, qos, retain) for topic, qos, retain, _ in told]
    equal(topics, [("devices/lamp/status", 1, True)] * 2)
    online, leaving = [payload for _, _, _, payload in told]
    equal((online["eventType"], online["clientId"], online["timestamp"] > 1600000000000), ("connected", "lamp", True))
    equal((leaving["eventType"], leaving["clientInitiatedDisconnect"]), ("disconnected", True))
    # flags: will retained, QoS 1, will; then the client id, the will's topic and payload
    equal(wills[0][7], 0x20 | 0x08 | 0x04)
    at = wills[0].find(b"devices/lamp/status") + 21
    will = json.loads(wills[0][at:])
    equal(will, {"eventType": "disconnected", "clientId": "lamp", "clientInitiatedDisconnect": False})


async def test_a_status_for_which_there_is_no_memory_is_told_by_the_next_connection():
    told = []

    async def script(peer):
        await peer.accept()
        while True:
            packet = await peer.receive()
            if packet is None:
                return
            if packet.kind == PUBLISH:
                told.append(json.loads(packet.payload)["eventType"])
            await peer.answer(packet)

    async with Desk(script, status="devices/{thing}/status", run=False) as desk:
        tell, tries = desk.aws._tell_status, []

        async def short_of_memory(state):
            tries.append(state)
            if len(tries) == 1:
                raise MemoryError
            await tell(state)

        desk.aws._tell_status = short_of_memory
        desk.start()
        await until(lambda: told)
        equal((told, [lost["code"] for lost in desk.of(events.AWS_DISCONNECTED)]), (["connected"], ["no_memory"]))


async def test_without_the_setting_there_is_no_last_will():
    flags = []

    async def script(peer):
        flags.append((await peer.accept()).body[7])
        await raises(asyncio.TimeoutError, asyncio.wait_for_ms(peer.receive(), 100))
        await peer.serve()

    async with Desk(script) as desk:
        await desk.aws.connected()
        equal(flags, [0])
        await asyncio.sleep_ms(150)


async def test_while_the_messages_before_it_wait_for_their_acknowledgements_it_is_told_after_them():
    online, told = [], []

    async def first(peer):
        await peer.accept()
        packet = await peer.receive(PUBLISH)
        await peer.answer(packet)
        online.append(packet.topic)
        await peer.receive(PUBLISH)

    async def slow(peer):
        await peer.accept(session_present=1)
        packet = await peer.receive(PUBLISH)
        await asyncio.sleep_ms(3500)
        while packet is not None:
            told.append(packet.topic)
            await peer.answer(packet)
            packet = await peer.receive()

    async with Desk(first, slow, status="devices/{thing}/status", ack_s=6, window=1, run=False) as desk:
        desk.aws._client.timing.publish_ms = 1000
        desk.start()
        await until(lambda: online)
        await desk.aws.publish("mine", b"", 1)
        await until(lambda: len(told) == 2)
        equal(told, ["mine", "devices/lamp/status"])
