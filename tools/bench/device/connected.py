"""Runs inside MicroPython: connects, publishes and receives once. Says nothing else: does this much heap do?

connected.py <port> tcp|tls
"""

import asyncio
import json
import sys

from aws.mqtt import MQTTClient


async def resolve(host, beat=None):
    return "127.0.0.1"


def tls_context():
    from aws import tls

    with open("root", "rb") as file:
        return tls.make_context([file.read()])


async def main(port, transport):
    context = tls_context() if transport == "tls" else None
    client = MQTTClient("bench", "peer.bench", port, ssl=context, keepalive=60, resolve=resolve)
    heard = asyncio.Event()
    client.set_callback(lambda topic, message: heard.set())
    await client.connect()
    await client.publish(b"$flood", b'{"count": 1, "size": 1000, "qos": 1, "topic": "t"}', qos=1)
    await heard.wait()
    await client.disconnect()


asyncio.run(main(int(sys.argv[1]), sys.argv[2]))
print(json.dumps({"done": True}))
