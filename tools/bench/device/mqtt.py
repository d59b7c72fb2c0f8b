"""Runs inside MicroPython: one measurement of the MQTT engine. Prints a JSON object as its last line.

mqtt.py <port> tcp|tls publish <qos> <tasks>        per_s, bytes (allocated for each message)
mqtt.py <port> tcp|tls receive <qos> handler|ring   the same
"""

import asyncio
import gc
import json
import sys
import time

import events
from aws.inbox import Inbox
from aws.mqtt import MQTTClient

HOST = "peer.bench"
TOPIC = b"devices/lamp/telemetry"
PAYLOAD = b"x" * 64
WINDOW = 10
FEW = 1000  # messages between two looks at the heap, with the collector off


async def resolve(host, beat=None):
    return "127.0.0.1"


def tls_context():
    from aws import tls

    with open("root", "rb") as file:
        return tls.make_context([file.read()])


async def publish(client, what, qos, tasks):
    async def some(count):
        for _ in range(count):
            await client.publish(TOPIC, PAYLOAD, qos=qos)

    async def all_tasks(count):
        await asyncio.gather(*[some(count // tasks) for _ in range(tasks)])

    return await measured(what, all_tasks, 40000 if qos == 0 or tasks > 1 else 10000)


async def receive(client, what, qos, where):
    heard = [0]
    inbox = Inbox(events.Bus(), 16, 6144)

    def hear(topic, payload):
        heard[0] += 1

    def hear_in_ring(topic, payload):
        heard[0] += 1
        inbox.deliver(topic, payload)
        inbox.messages.get_nowait()

    client.set_callback(hear if where == "handler" else hear_in_ring)

    async def flood(count):
        wanted = heard[0] + count
        order = {"count": count, "size": len(PAYLOAD), "qos": qos, "topic": "devices/lamp/command"}
        await client.publish(b"$flood", json.dumps(order), qos=1)
        while heard[0] < wanted:
            await asyncio.sleep_ms(1)

    return await measured(what, flood, 40000)


async def measured(what, work, many):
    """Warm up, then let `work(count)` do many messages, or a few without collecting garbage."""
    await work(FEW)
    gc.collect()
    if what == "speed":
        started = time.ticks_us()
        await work(many)
        return {"per_s": many * 1000000 / time.ticks_diff(time.ticks_us(), started)}
    gc.disable()
    before = gc.mem_alloc()
    await work(FEW)
    return {"bytes": (gc.mem_alloc() - before) / FEW}


async def main(port, transport, what, kind, qos, how):
    context = tls_context() if transport == "tls" else None
    client = MQTTClient("bench", HOST, port, ssl=context, keepalive=60, window=WINDOW, resolve=resolve)
    await client.connect()
    if kind == "publish":
        work = publish(client, what, int(qos), int(how))
    else:
        work = receive(client, what, int(qos), how)
    result = await work
    await client.disconnect()
    print(json.dumps(result))


asyncio.run(main(int(sys.argv[1]), *sys.argv[2:]))
