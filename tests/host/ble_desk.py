"""A simulated board whose Bluetooth door is open, and a phone that speaks the protocol by `tests/ble_reference.py`."""

import contextlib
import json

from tests import ble_reference
from tests.host.sim_desk import desk
from tools.sim.radio.central import LinkLost

SERVICE = "5704246a-5d4c-4f19-9b53-157d8824063d"
TX = "15ba8b82-df9a-46dc-865a-177a17ad9035"
RX = "20a62cd0-93ba-41e2-96b0-31b1aa131909"
STATE = "3a21768b-174a-41bc-8b25-b9c1ebfb7510"
INFO = "43c5e37d-b664-4b4a-aa33-032bbaf7133f"

NAME = "thing-123456"
CODE = bytes(range(10))

# Prints what it was asked for and each event. SCAN and APPLY take a while; APP gives back what it was given.
PROGRAM = f"""
import asyncio, errors, events
from ble.server import Ble

async def handle(typ, message_id, dat):
    print("asked", typ, message_id)
    if typ == "SCAN":
        await door.progress()
        return {{"aps": [{{"ssid": "home", "rssi": -50, "secure": True}}]}}
    if typ == "APPLY":
        await door.progress()
        await door.set_state("joining")
        await asyncio.sleep_ms(300)
        await door.set_state("restarting", 2)
        print("applied")
        return {{"code": 2}}
    if typ == "STS":
        raise errors.error("wrong_password", "home")
    return dat if typ == "APP" else None

async def tell(listener):
    async for event in listener:
        print("event", event.name, event.data.get("reason"))

async def main():
    asyncio.create_task(tell(bus.listen(limit=64)))
    await door.run(lambda: None)

bus = events.Bus()
door = Ble(bus, "{NAME}", "esp32-test", "1.2.3", "SECURITY", {CODE!r}, handle)
asyncio.run(main())
"""


@contextlib.contextmanager
def door_desk(folder, security="code", **options):
    """(world, board): the board is on and advertises."""
    with desk(folder, PROGRAM.replace("SECURITY", security), **options) as (world, board):
        world.radio.supervision_s = 0.2
        board.power_on()
        yield world, board


@contextlib.contextmanager
def visit(world, mtu=512, code=CODE):
    """A `Visitor` that has connected; with a `code` it has said HELLO, too."""
    with world.radio.phone() as phone:
        visitor = Visitor(phone, mtu)
        if code:
            assert visitor.hello(code)["code"] == 0
            assert visitor.confirmed == (code == CODE)
        yield visitor


class Visitor:
    """A phone with the protocol on top. `mtu` None: it never asks for a larger one."""

    def __init__(self, phone, mtu=512):
        self.phone = phone
        phone.connect(phone.find(service=SERVICE))
        if mtu:
            phone.exchange_mtu(mtu)
        phone.subscribe(TX)
        phone.subscribe(STATE)
        self.info = json.loads(phone.read(INFO))
        self.session = None
        self.greeted = None  # the `ble_reference.Phone` of the last HELLO
        self.confirmed = False  # whether the device has proved that it knows the code
        self.progress = []  # the codes of the ACKs before each final one
        self._id = 0
        self._stream = b""
        self._taken = 0

    def write(self, data):
        for start in range(0, len(data), self.info["chunk"]):
            self.phone.write(RX, data[start : start + self.info["chunk"]])

    def frame(self, typ, dat=None, message_id=None):
        """A message as bytes: sealed when there is a session."""
        text = json.dumps({"typ": typ, "id": message_id or self._id, "dat": dat or {}}).encode()
        if self.session:
            return ble_reference.frame(ble_reference.SEALED, self.session.seal(text))
        return ble_reference.frame(ble_reference.CLEAR, text)

    def ask(self, typ, dat=None):
        """The dat of the final ACK."""
        self._id += 1
        self.write(self.frame(typ, dat))
        self.progress = []
        while True:
            dat = self.ack()
            if dat["id"] not in (self._id, None):
                continue
            if dat["code"] != 1:
                return dat
            self.progress.append(dat["code"])

    def ack(self, timeout_s=10):
        """The dat of the next ACK, with its id in it, and "sealed"."""
        kind, payload = self._next(timeout_s)
        document = json.loads(self.session.open(payload) if kind == ble_reference.SEALED else payload)
        assert document["typ"] == "ACK"
        return {**document["dat"], "id": document["id"], "sealed": kind == ble_reference.SEALED}

    def _next(self, timeout_s):
        while len(frames := ble_reference.find_frames(self._stream)) == self._taken:
            self._stream += self.phone.next_notification(TX, timeout_s)
        self._taken += 1
        return frames[self._taken - 1]

    def hello(self, code=CODE):
        """The dat of its ACK; from then on messages are sealed."""
        self.session = None
        self._id += 1
        phone = self.greeted = ble_reference.Phone(code)
        self.write(ble_reference.frame(ble_reference.CLEAR, phone.hello(self._id)))
        dat = self.ack()
        if "pub" in dat:
            self.session, self.confirmed = phone.session(json.dumps({"dat": dat}), self.info["name"])
        return dat

    def state(self):
        return json.loads(self.phone.read(STATE))

    def lost(self):
        """Writes until the link is gone."""
        with contextlib.suppress(LinkLost):
            while True:
                self.phone.write(STATE, b"?")
