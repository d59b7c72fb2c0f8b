"""Runs inside MicroPython: one measurement of another MQTT client. Prints a JSON object as its last line.

neighbour.py umqtt|mqtt_as <port> tcp|tls speed|bytes publish <qos> <tasks>       per_s, or bytes for each message
neighbour.py umqtt|mqtt_as <port> tcp|tls speed|bytes receive <qos> handler       the same

Each does what its documentation says: umqtt.simple blocks, mqtt_as has a task of its own for what arrives.
"""

import asyncio
import gc
import json
import ssl
import sys
import time

HOST = "peer.bench"
TOPIC = b"devices/lamp/telemetry"
PAYLOAD = b"x" * 64
FEW = 20
SOME = 100
MOST = 40000
LONG_MS = 1500  # a measurement: some of these clients are a thousand times slower than others


class Radio:
    """What mqtt_as wants of `network` and `machine`: a Wi-Fi that is always there."""

    STA_IF = 0

    def WLAN(self, _interface):  # noqa: N802 - the chip's name
        return self

    def active(self, *_):
        return True

    def isconnected(self):
        return True

    def connect(self, *_):
        pass

    def unique_id(self):
        return b"bench!"


class Collector:
    """A `gc` that does not collect while mqtt_as wants it to, once a second: what is allocated is counted."""

    collect = staticmethod(lambda: None)
    mem_free = staticmethod(gc.mem_free)
    mem_alloc = staticmethod(gc.mem_alloc)
    threshold = staticmethod(lambda *_: None)


def root():
    with open("root", "rb") as file:
        return file.read()


class Umqtt:
    """umqtt.simple: one thing after the other."""

    def __init__(self, port, is_secure):
        from umqtt.simple import MQTTClient

        context = None
        if is_secure:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            context.verify_mode = ssl.CERT_REQUIRED
            context.load_verify_locations(cadata=root())
            context = Named(context)
        self._client = MQTTClient("bench", "127.0.0.1", port, keepalive=60, ssl=context)
        self._client.set_callback(self._hear)
        self.heard = 0

    def _hear(self, _topic, _payload):
        self.heard += 1

    async def connect(self):
        self._client.connect()

    async def publish(self, topic, payload, qos):
        self._client.publish(topic, payload, False, qos)

    async def wait(self, wanted):
        while self.heard < wanted:
            self._client.wait_msg()


class Named:
    """An SSLContext for a server whose name is not the address."""

    def __init__(self, context):
        self._context = context

    def wrap_socket(self, sock, server_hostname=None):
        return self._context.wrap_socket(sock, server_hostname=HOST)


class MqttAs:
    """mqtt_as: a Wi-Fi that is always there, callbacks, no event queue."""

    def __init__(self, port, is_secure):
        sys.modules["network"] = sys.modules["machine"] = Radio()
        sys.modules["gc"] = Collector()
        from mqtt_as import MQTTClient, config

        config.update(server="127.0.0.1", port=port, ssid="", wifi_pw="", subs_cb=self._hear)
        if is_secure:
            config["ssl"] = True
            config["ssl_params"] = {"cert_reqs": ssl.CERT_REQUIRED, "cadata": root(), "server_hostname": HOST}
        self._client = MQTTClient(config)
        self.heard = 0

    def _hear(self, _topic, _payload, _retained):
        self.heard += 1

    async def connect(self):
        await self._client.connect(quick=True)

    async def publish(self, topic, payload, qos):
        await self._client.publish(topic, payload, False, qos)

    async def wait(self, wanted):
        while self.heard < wanted:
            await asyncio.sleep_ms(1)


def publishing(client, qos, tasks):
    async def some(count):
        for _ in range(count):
            await client.publish(TOPIC, PAYLOAD, qos)

    async def work(count):
        if tasks == 1:
            await some(count)
        else:
            await asyncio.gather(*[some(count // tasks) for _ in range(tasks)])

    return work


def receiving(client, qos):
    async def work(count):
        wanted = client.heard + count
        order = {"count": count, "size": len(PAYLOAD), "qos": qos, "topic": "devices/lamp/command"}
        await client.publish(b"$flood", json.dumps(order).encode(), 1)
        await client.wait(wanted)

    return work


async def timed_us(work, count):
    gc.collect()
    started = time.ticks_us()
    await work(count)
    return time.ticks_diff(time.ticks_us(), started)


async def measured(what, work):
    await work(FEW)
    if what == "bytes":
        gc.collect()
        gc.disable()
        before = gc.mem_alloc()
        await work(SOME)
        return {"bytes": (gc.mem_alloc() - before) / (SOME)}
    each_us = max(await timed_us(work, SOME) // (SOME), 1)
    count = max(FEW, min(MOST, LONG_MS * 1000 // each_us) // FEW * FEW)
    return {"per_s": count * 1000000 / await timed_us(work, count)}


async def main(who, port, transport, what, kind, qos, how):
    client = (Umqtt if who == "umqtt" else MqttAs)(int(port), transport == "tls")
    await client.connect()
    work = publishing(client, int(qos), int(how)) if kind == "publish" else receiving(client, int(qos))
    print(json.dumps(await measured(what, work)))
    sys.exit()  # with all tasks that the client may still have


asyncio.run(main(*sys.argv[1:]))
