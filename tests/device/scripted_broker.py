"""A broker that does what the test says, in the test's own process.

    async def script(peer):
        await peer.accept()                         # CONNECT in, CONNACK out
        packet = await peer.receive(PUBLISH)        # the next packet must be one; .first .topic .payload .packet_id
        await peer.send(puback(packet.packet_id))

    async with Broker(script) as broker:            # one script for each connection, the last one again and again
        client = broker.client()
        await client.connect()

A script that fails ends the test: leaving the `async with` block raises what it raised.
"""

import asyncio
import sys

from aws.mqtt import MQTTClient, Timing

CONNECT = 1
PUBLISH = 3
PUBACK = 4
SUBSCRIBE = 8
UNSUBSCRIBE = 10
PINGREQ = 12
DISCONNECT = 14

PATIENCE_S = 8


class Packet:
    """One packet as it arrived."""

    def __init__(self, first, body):
        self.first = first
        self.kind = first >> 4
        self.body = body
        self.dup = bool(first & 8)
        self.qos = first >> 1 & 3
        self.retain = bool(first & 1)
        if self.kind == PUBLISH:
            self._take_publish(body)
        elif self.kind in (PUBACK, SUBSCRIBE, UNSUBSCRIBE):
            self.packet_id = body[0] << 8 | body[1]
        if self.kind == SUBSCRIBE:
            self.filters = _filters(body)

    def _take_publish(self, body):
        end = 2 + (body[0] << 8 | body[1])
        self.topic = body[2:end].decode()
        self.packet_id = body[end] << 8 | body[end + 1] if self.qos else 0
        self.payload = body[end + (2 if self.qos else 0) :]


def _filters(body):
    found = []
    at = 2
    while at < len(body):
        size = body[at] << 8 | body[at + 1]
        found.append((body[at + 2 : at + 2 + size].decode(), body[at + 2 + size]))
        at += size + 3
    return found


def connack(code=0, session_present=0):
    return bytes((0x20, 2, session_present, code))


def puback(packet_id):
    return bytes((0x40, 2, packet_id >> 8, packet_id & 255))


def suback(packet_id, *codes):
    return bytes((0x90, 2 + len(codes), packet_id >> 8, packet_id & 255)) + bytes(codes or (1,))


def publish(topic, payload, qos=0, packet_id=1, dup=False):
    body = bytes((len(topic) >> 8, len(topic) & 255)) + topic.encode()
    if qos:
        body += bytes((packet_id >> 8, packet_id & 255))
    body += payload
    return bytes((0x30 | qos << 1 | (8 if dup else 0),)) + length(len(body)) + body


def length(value):
    encoded = b""
    while value > 127:
        encoded += bytes((value & 127 | 128,))
        value >>= 7
    return encoded + bytes((value,))


class Peer:
    """One connection, on the broker's side."""

    def __init__(self, reader, writer):
        self._reader = reader
        self._writer = writer

    def read_little_at_once(self):
        """From now on hardly anything fits into the sockets in the client's direction of sending."""
        self._reader.s.setsockopt(1, 8, 16384)  # SOL_SOCKET, SO_RCVBUF

    def read_much_at_once(self):
        """Again: a small window alone makes TCP wait for seconds before it offers more."""
        self._reader.s.setsockopt(1, 8, 262144)

    async def read(self, count):
        """Take so many bytes, whatever they are."""
        return await self._reader.readexactly(count)

    async def receive(self, kind=None):
        """The next packet, which must be of this kind; pings in between are answered. None when the client closed."""
        try:
            packet = await asyncio.wait_for(self._receive(), PATIENCE_S)
        except (EOFError, OSError):
            packet = None
        if packet is not None and packet.kind == PINGREQ and kind not in (None, PINGREQ):
            await self.send(b"\xd0\x00")
            return await self.receive(kind)
        if kind is not None and (packet is None or packet.kind != kind):
            raise AssertionError("expected a packet of kind %d, got %s" % (kind, packet and packet.kind))
        return packet

    async def receive_several(self, count, kind):
        """The next `count` packets, all of this kind."""
        packets = []
        for _ in range(count):
            packets.append(await self.receive(kind))
        return packets

    async def _receive(self):
        first = (await self._reader.readexactly(1))[0]
        size = shift = 0
        while True:
            byte = (await self._reader.readexactly(1))[0]
            size |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return Packet(first, await self._reader.readexactly(size))

    async def send(self, data):
        self._writer.write(data)
        await self._writer.drain()

    async def accept(self, session_present=0):
        """Take the CONNECT, accept it; returns it."""
        packet = await self.receive(CONNECT)
        await self.send(connack(0, session_present))
        return packet

    async def serve(self):
        """Acknowledge everything until the client goes; returns the packets."""
        packets = []
        packet = await self.receive()
        while packet is not None:
            packets.append(packet)
            await self.answer(packet)
            packet = await self.receive()
        return packets

    async def answer(self, packet):
        """Acknowledge one packet."""
        if packet.kind == PUBLISH and packet.qos:
            await self.send(puback(packet.packet_id))
        elif packet.kind == SUBSCRIBE:
            await self.send(suback(packet.packet_id, *[qos for _, qos in packet.filters]))
        elif packet.kind == UNSUBSCRIBE:
            await self.send(bytes((0xB0, 2)) + packet.body[:2])
        elif packet.kind == PINGREQ:
            await self.send(b"\xd0\x00")

    async def until_closed(self):
        """Read until the client closes the connection."""
        while await self.receive() is not None:
            pass


class Broker:
    """Listens on a free port and runs the scripts, one for each connection."""

    def __init__(self, *scripts, context=None):
        self._scripts = list(scripts)
        self._context = context
        self._failures = []
        self._running = []
        self.connections = 0
        self.finished = 0  # scripts that came to their end
        self.port = _free_port()

    async def __aenter__(self):
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port, ssl=self._context)
        return self

    async def __aexit__(self, kind, error, trace):
        self._server.close()
        await self._server.wait_closed()
        for task in self._running:
            task.cancel()
        if self._failures:
            # What the test met is what the script's failure did to it.
            if error is not None:
                sys.print_exception(error)
            raise self._failures[0]

    async def _serve(self, reader, writer):
        script = self._scripts[min(self.connections, len(self._scripts) - 1)]
        self.connections += 1
        self._running.append(asyncio.current_task())
        try:
            await script(Peer(reader, writer))
            self.finished += 1
        except Exception as failure:  # noqa: BLE001 - told by __aexit__
            self._failures.append(failure)
        finally:
            self._running.remove(asyncio.current_task())
            writer.close()
            await writer.wait_closed()

    def client(self, **options):
        """A client for this broker, impatient enough for a test."""
        if "timing" not in options:
            options["timing"] = Timing(connect_ms=2000, handshake_ms=4000, connack_ms=1000, ack_ms=300, publish_ms=5000)
        return MQTTClient("me", "127.0.0.1", self.port, **options)


def send_little_at_once(client):
    """The same on the client's side, over TCP."""
    client.sock.setsockopt(1, 7, 16384)  # SOL_SOCKET, SO_SNDBUF


def _free_port():
    # The unix port cannot tell which port it was given for 0: look for a free one.
    import os
    import socket

    for _ in range(100):
        port = 20000 + int.from_bytes(os.urandom(2), "big") % 20000
        probe = socket.socket()
        try:
            probe.bind(socket.getaddrinfo("127.0.0.1", port)[0][-1])
            return port
        except OSError:
            pass
        finally:
            probe.close()
    raise OSError("no free port")


async def until(condition, what="the condition"):
    """Wait until `condition()` is true."""
    for _ in range(PATIENCE_S * 200):
        if condition():
            return
        await asyncio.sleep_ms(5)
    raise AssertionError("%s did not come true" % what)
