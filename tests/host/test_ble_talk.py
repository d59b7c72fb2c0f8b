"""A whole conversation with the device, whatever a phone, a stranger or the air makes of it, against a model of it.

The device's side is its own code (`ble.talk`), the phone's is the second implementation. What holds at each step: work
is done for genuine new messages and nothing else, once each and in order; what is said in clear is no secret; what is
sealed can be opened, and its counters only grow.
"""

import asyncio
import json
import sys
import types

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ble import codes, lockout, talk
from tests import ble_reference as reference

CODE = bytes(range(10))
NAME = "esp-0a1b2c"
SECRET = "a secret password"
LOW_ORDER = ("00" * 32, "01" + "00" * 31, "ecff" + "ff" * 29 + "7f", "edff" + "ff" * 29 + "7f", "00" * 31 + "80")
IN_CLEAR = {codes.NOT_AUTHENTICATED, codes.TIMEOUT, codes.BAD_CRC, codes.NOT_JSON}
OF_HELLO = {codes.OK, codes.INVALID, codes.NOT_AUTHENTICATED}

TYPES = st.sampled_from(["CFG", "SCAN", "STS", "APPLY", "RST"])
FORGERIES = st.sampled_from(["tag", "counter", "text", "short", "key"])
ACTIONS = st.one_of(
    st.tuples(st.just("hello")),
    st.tuples(st.just("ask"), TYPES, st.integers(0, 5900), st.integers(0, 2)),
    st.tuples(st.just("replay"), st.integers(0, 20)),
    st.tuples(st.just("damage"), st.integers(0, 10000), st.integers(0, 7)),
    st.tuples(st.just("cut"), st.integers(0, 10000)),
    st.tuples(st.just("forge"), st.lists(FORGERIES, min_size=1, max_size=6)),
    st.tuples(st.just("clear"), TYPES),
    st.tuples(st.just("low_order"), st.sampled_from(LOW_ORDER)),
    st.tuples(st.just("noise"), st.binary(max_size=60)),
    st.tuples(st.just("nonsense"), st.sampled_from([b"", b"{}", b"[1]", b'{"typ":"SCAN"}', b"\xff", b'{"a":' * 900])),
    st.tuples(st.just("leave")),
)


@pytest.fixture(autouse=True)
def cipher(monkeypatch):
    """The chip's AES, as CPython has it."""
    module = types.SimpleNamespace(aes=lambda key, _mode: reference.AesEcb(key))
    monkeypatch.setitem(sys.modules, "cryptolib", module)


class Visit:
    """The phone, the device, and the model of what the device must have done."""

    def __init__(self, sizes):
        self.now_ms = 0
        self.host = talk.Host(NAME, CODE, self._handle, lambda: self.now_ms, self._failed)
        self.done, self.expected = [], []  # ids whose work was done, and has to be
        self.told = []  # [(kind, ACK)] of the last action
        self.frames = []  # all frames of the present session
        self.last_text = None
        self.wrong = 0  # tags in a row
        self._id = 0
        self._sizes = sizes
        self._connect()

    async def _handle(self, typ, message_id, dat):
        self.done.append(message_id)
        return {"warnings": [SECRET]} if typ == "SCAN" else None

    def _failed(self, failure):
        raise failure

    def _connect(self):
        self.phone = self.end = None
        self.talk = talk.Talk(self.host, self._send, lambda: None)
        self._stream = b""

    async def _send(self, frame):
        ((kind, payload),) = reference.find_frames(bytes(frame))
        text = self.end.open(payload) if kind == reference.SEALED else payload
        assert text is not None, "a counter did not grow"
        ack = json.loads(text)
        assert ack["typ"] == "ACK"
        if kind == reference.CLEAR:
            assert SECRET.encode() not in text
            assert ack["dat"]["code"] in (OF_HELLO if ack["dat"]["pkt"] == "HELLO" else IN_CLEAR)
        self.told.append((kind, ack))

    async def write(self, data):
        """In writes of any size; then the device works until nothing is left to do."""
        at = turn = 0
        while at < len(data):
            size = self._sizes[turn % len(self._sizes)]
            await self.talk.hear(data[at : at + size], self.now_ms)
            at, turn = at + size, turn + 1
        while self.host.is_busy:
            await asyncio.sleep(0)
        await asyncio.sleep(0)

    async def settle(self):
        """What was begun and is not whole is given up."""
        self.now_ms += 5000
        await self.write_nothing()
        if self.talk.over:
            self._connect()

    async def write_nothing(self):
        await self.talk.hear(b"", self.now_ms)

    def seal(self, text):
        frame = reference.frame(reference.SEALED, self.end.seal(text))
        self.frames.append(frame)
        return frame

    def ask(self, typ, size=0, new=True):
        self._id += new
        dat = {"app": {"x": "x" * size}} if typ == "CFG" else {}
        self.last_text = json.dumps({"typ": typ, "id": self._id, "dat": dat}).encode()
        return self.last_text

    # What may happen

    async def do_hello(self):
        self.phone, self._id, self.frames, self.last_text = reference.Phone(CODE), self._id + 1, [], None
        self.end = None
        await self.write(reference.frame(reference.CLEAR, self.phone.hello(self._id)))
        ((_, ack),) = self.told
        if self.wrong >= lockout.TRIES:
            assert (ack["dat"]["code"], ack["dat"]["retry_s"] > 0) == (codes.NOT_AUTHENTICATED, True)
            self.now_ms += lockout.REFUSAL_MS
            self.wrong = 0
            return
        self.end, proven = self.phone.session(json.dumps(ack), NAME)
        assert proven

    async def do_ask(self, typ, size, repetitions):
        if not self.end:
            return
        text = self.ask(typ, size)
        self.expected.append(self._id)
        self.wrong = 0
        for _ in range(1 + repetitions):
            self.told = []
            await self.write(self.seal(text))
            assert [(kind, ack["id"], ack["dat"]["code"]) for kind, ack in self.told] == [(2, self._id, 0)]

    async def do_replay(self, number):
        if not self.end or not self.last_text:
            return
        await self.write(self.frames[number % len(self.frames)])
        assert self.told == []

    async def do_damage(self, where, bit):
        if not self.end:
            return
        frame = bytearray(self.seal(b'{"typ":"RST","id":4000000000,"dat":{}}'))
        self.frames.pop()
        frame[where % len(frame)] ^= 1 << bit
        await self.write(bytes(frame))
        await self.settle()
        assert all(ack["dat"]["code"] in (codes.BAD_CRC, codes.TIMEOUT) for _, ack in self.told)

    async def do_cut(self, length):
        if not self.end:
            return
        frame = self.seal(b'{"typ":"RST","id":4000000000,"dat":{}}')
        self.frames.pop()
        await self.write(frame[: length % len(frame)])
        await self.settle()
        assert [ack["dat"]["code"] for _, ack in self.told] == [codes.TIMEOUT][: length % len(frame)]

    async def do_forge(self, forgeries):
        for what in forgeries:
            if not self.end:
                self.told = []
                await self.do_hello()
            if self.end:
                self.told = []
                await self._forge(what)

    async def _forge(self, what):
        payload = bytearray(self.end.seal(b'{"typ":"RST","id":4000000000,"dat":{}}'))
        if what == "short":
            del payload[-1:]
        elif what == "key":
            payload[-16:] = bytes(16)
        else:
            payload[{"tag": -1, "counter": 3, "text": 9}[what]] ^= 128
        await self.write(reference.frame(reference.SEALED, bytes(payload)))
        assert [(ack["dat"]["code"], ack["id"]) for _, ack in self.told] == [(codes.NOT_AUTHENTICATED, None)]
        assert self.talk.over
        self.wrong += 1
        self._connect()
        self.last_text = None

    async def do_clear(self, typ):
        await self.write(reference.frame(reference.CLEAR, self.ask(typ)))
        self.last_text = None
        assert [ack["dat"]["code"] for _, ack in self.told] == [codes.NOT_AUTHENTICATED]

    async def do_low_order(self, public):
        if self.wrong >= lockout.TRIES:
            return
        document = {"typ": "HELLO", "id": 1, "dat": {"pub": public}}
        self.end = self.last_text = None
        await self.write(reference.frame(reference.CLEAR, json.dumps(document).encode()))
        assert [(ack["dat"]["code"], "confirm" in ack["dat"]) for _, ack in self.told] == [(codes.INVALID, False)]

    async def do_noise(self, noise):
        await self.write(noise)
        await self.settle()

    async def do_nonsense(self, text):
        if not self.end:
            return
        self.wrong = 0
        await self.write(self.seal(text))
        assert next(ack["dat"]["code"] for _, ack in self.told) in (codes.NOT_JSON, codes.MISSING_FIELD)

    async def do_leave(self):
        self.host.cancel()
        self._connect()
        self.last_text = None


@settings(max_examples=60)
@given(st.lists(ACTIONS, min_size=3, max_size=20), st.lists(st.integers(1, 509), min_size=1, max_size=8))
def test_a_conversation_keeps_its_promises(actions, sizes):
    async def story():
        visit = Visit(sizes)
        for name, *details in [("hello",), *actions]:
            visit.told = []
            await getattr(visit, f"do_{name}")(*details)
            assert visit.done == visit.expected

    asyncio.run(story())
