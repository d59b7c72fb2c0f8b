"""A device with its Bluetooth door open, and a phone that speaks the protocol: one process, no time on the air."""

import asyncio
import binascii
import json
import time

import bluetooth
import simulation

import events
from ble import framing, hello, session, x25519
from ble.server import Ble

TX = bluetooth.UUID("15ba8b82-df9a-46dc-865a-177a17ad9035")
RX = bluetooth.UUID("20a62cd0-93ba-41e2-96b0-31b1aa131909")
STATE = bluetooth.UUID("3a21768b-174a-41bc-8b25-b9c1ebfb7510")
INFO = bluetooth.UUID("43c5e37d-b664-4b4a-aa33-032bbaf7133f")

NAME = "thing-123456"
CODE = bytes(range(10))
PATIENCE_MS = 5000

radio = simulation.world.radio


async def until(condition, patience_ms=PATIENCE_MS):
    """Let the device work until `condition()` holds; returns what it gave. Fails after `patience_ms`."""
    since_ms = time.ticks_ms()
    while True:
        found = condition()
        if found:
            return found
        if time.ticks_diff(time.ticks_ms(), since_ms) > patience_ms:
            raise AssertionError("waited %d ms in vain" % patience_ms)
        await asyncio.sleep_ms(1)


class Desk:
    """`asked`: what `handle` was asked for. `answer`: what it returns, an exception that it raises, or an Event that
    it waits for. `beats`: signs of life."""

    def __init__(self, security="code"):
        self.bus = events.Bus()
        self.heard = self.bus.listen()
        self._arrivals = self.bus.listen("ble.connected")
        self.asked = []
        self.answer = None
        self.beats = 0
        self.ble = Ble(self.bus, NAME, "esp32-test", "1.2.3", security, CODE, self._handle)
        self.task = None

    async def _handle(self, typ, message_id, dat):
        self.asked.append((typ, message_id, dat))
        answer = self.answer
        if isinstance(answer, Exception):
            raise answer
        if isinstance(answer, asyncio.Event):
            await self.ble.progress()
            await answer.wait()
            return {"late": True}
        return answer

    def _beat(self):
        self.beats += 1

    async def __aenter__(self):
        self.task = asyncio.create_task(self.ble.run(self._beat))
        await until(lambda: radio.advertising)
        return self

    async def __aexit__(self, *_):
        radio.congested = False
        self.task.cancel()
        try:
            await self.task
        except asyncio.CancelledError:
            pass

    def events(self):
        """[(name, data)] since the last call."""
        found = []
        while self.heard.any():
            event = self.heard._queue.pop(0)
            found.append((event.name, event.data))
        return found

    async def visitor(self, mtu=512):
        """A `Visitor` that has connected and subscribed."""
        await until(lambda: radio.advertising)
        visitor = Visitor(mtu)
        await self._arrivals.get()
        return visitor


class Visitor:
    """A phone. `mtu` None: it never asks for a larger one."""

    def __init__(self, mtu):
        self.phone = radio.phone()
        self.phone.connect()
        if mtu:
            self.phone.exchange_mtu(mtu)
        for uuid in (TX, STATE):
            self.phone.subscribe(uuid)
        self.sizes = []  # of the notifications on TX
        self.confirm = None
        self._parser = framing.Parser()
        self._arrived = b""
        self._sealer = self._opener = None

    @property
    def is_connected(self):
        return self.phone.connection is not None

    def write(self, data):
        """In pieces as long as a write may be."""
        for piece in framing.chunks(data, self.phone.mtu - 3):
            self.phone.write(RX, piece)

    def write_clear(self, document):
        text = document if isinstance(document, bytes) else json.dumps(document).encode()
        self.write(framing.frame(framing.CLEAR, text))

    async def ack(self, patience_ms=PATIENCE_MS):
        """(kind of frame, dat with the id in it) of the next ACK."""
        kind, payload = await until(self._next, patience_ms)
        if kind == framing.SEALED:
            payload = await self._opener.open(payload)
        document = json.loads(payload)
        document["dat"]["id"] = document["id"]
        return kind, document["dat"]

    def _next(self):
        if self.is_connected:
            for piece in self.phone.notifications(TX):
                self.sizes.append(len(piece))
                self._arrived += piece
        while True:
            found = self._parser.next()
            if found in (framing.CLEAR, framing.SEALED):
                return found, memoryview(bytearray(self._parser.payload))
            if found is None and not self._arrived:
                return None
            if found is None:
                self._arrived = self._arrived[self._parser.feed(self._arrived, 0) :]

    def silent(self):
        """True when the device has said nothing that was not read yet."""
        return self._next() is None

    async def ask(self, typ, message_id=1, dat=None):
        """The ACK's dat of a message in clear."""
        self.write_clear({"typ": typ, "id": message_id, "dat": dat or {}})
        return (await self.ack())[1]

    async def hello(self, code=CODE, message_id=0):
        """The ACK's dat; afterwards `seal` works."""
        private, public = await x25519.key_pair()
        dat = await self.ask("HELLO", message_id, {"pub": binascii.hexlify(public).decode()})
        if "pub" in dat:
            device = binascii.unhexlify(dat["pub"])
            th = hello.transcript(public, device, NAME)
            keys = hello.derive(await x25519.shared_secret(private, device), code, th)
            self._sealer = session.Sealer(keys[:32], keys[32:64])
            self._opener = session.Opener(keys[64:96], keys[96:])
        return dat

    async def seal(self, typ, message_id=1, dat=None):
        """A frame of type 2."""
        return await self._sealer.frame(json.dumps({"typ": typ, "id": message_id, "dat": dat or {}}).encode())

    async def ask_sealed(self, typ, message_id=1, dat=None):
        """The ACK's dat of a sealed message. It must be sealed, too."""
        self.write(await self.seal(typ, message_id, dat))
        kind, answer = await self.ack()
        if kind != framing.SEALED:
            raise AssertionError("answered in clear: %r" % answer)
        return answer
