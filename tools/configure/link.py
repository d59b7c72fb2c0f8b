"""A device that was chosen, and the conversation with it: made again when it broke, without choosing again."""

import asyncio
import json
import time

from tools.configure.firmware import framing, setup_code
from tools.configure.radio import INFO, STATE, Connection
from tools.configure.session import Handshake, UnsafeKey, WrongCode
from tools.configure.talk import Talk
from tools.configure.trouble import Trouble

_PROTOCOL = 1
_LEAST_CHUNK = 20
_MOST_CHUNK = 509


class Link:
    """`code`: 10 bytes, or None. `allow_open`: the person knows that a device without a code does not encrypt.

    `on_bytes(n)` is called for bytes that were written, `on_state(dict)` when STATE has changed.
    """

    def __init__(self, seen, code=None, allow_open=False):
        self.seen = seen
        self.code = code
        self.allow_open = allow_open
        self.info = {}
        self.on_bytes = self.on_state = lambda _: None
        self._connection = None
        self._talk = None
        self._ready = False
        self._told = set()  # names of the networks that the device was told in this connection
        self._turn = asyncio.Lock()  # one message at a time
        self._heard = asyncio.Event()
        self._received = bytearray()
        self._reading = set()

    @property
    def name(self):
        return self.info.get("name") or self.seen.name or self.seen.address

    @property
    def wants_code(self):
        """Whether the device asks for a setup code; known once it was reached."""
        return self.info.get("security") != "open"

    @property
    def is_ready(self):
        """Whether there is a session."""
        return self._ready and self._connection is not None and self._connection.is_open

    async def reach(self):
        """Connect, and read who is there. Raises Trouble."""
        if self._connection and self._connection.is_open:
            return
        connection = Connection(self.seen)
        connection.on_data = self._hear
        connection.on_lost = self._heard.set
        connection.on_state = self._state_changed
        self._ready = False
        self._received.clear()
        self._told.clear()
        self._connection = connection
        try:
            await connection.open()
            await self._read_info()
        except BaseException:
            await self.close()
            raise

    async def secure(self):
        """A session, as far as there is none. Raises Trouble."""
        await self.reach()
        if self.is_ready:
            return
        self._talk = Talk()
        if not self.wants_code:
            if not self.allow_open:
                raise Trouble("open")
        else:
            await self._greet()
        self._ready = True
        await self._tell_time()

    async def ask(self, typ, dat=None, on_work=lambda: None, anew=True):
        """The final `Answer`; `on_work()` is called when the device says that it is at it. Raises Trouble.

        `anew`: in a new session when there is none. Not for what is staged: that is forgotten with its session.
        """
        async with self._turn:
            if not anew and not self.is_ready:
                raise Trouble("link_lost")
            await self.secure()
            self._told.update(network["ssid"] for network in (dat or {}).get("networks") or ())
            return await self._exchange(typ, dat or {}, on_work)

    async def forget_others(self, networks):
        """Hang up when the device was told of other networks than these: it would try them, too."""
        if not self._told <= set(networks):
            await self.close()

    async def state(self):
        """STATE, a dict. Raises Trouble."""
        await self.reach()
        return _document(await self._connection.read(STATE))

    async def close(self):
        """Hang up. The next `ask` connects again."""
        connection, self._connection = self._connection, None
        self._ready = False
        if connection:
            await connection.close()

    async def _greet(self):
        if self.code is None:
            raise Trouble("wrong_code", sentence="The device asks for its setup code.")
        handshake = Handshake(self.code, self.info["name"])
        answer = await self._exchange("HELLO", handshake.dat, lambda: None)
        try:
            self._talk.secure(handshake.finish(answer.details))
        except WrongCode as error:
            raise Trouble("wrong_code") from error
        except UnsafeKey as error:
            raise Trouble("unsafe", sentence="The device's key is unsafe.") from error
        await self._read_info()  # the MTU, and with it the chunk, may have been agreed on meanwhile

    async def _tell_time(self):
        try:
            await self._exchange("TIME", {"time": int(time.time())}, lambda: None)
        except Trouble as trouble:
            if trouble.kind != "refused":  # this machine's clock is wrong: the device asks a time server anyway
                raise

    async def _exchange(self, typ, dat, on_work):
        talk, told = self._talk, False
        talk.ask(typ, dat, time.monotonic())
        while talk.answer is None:
            data = talk.due(time.monotonic())
            if data:
                await self._write(data)
            await self._listen(talk)
            if talk.at_work and not told:
                told = True
                on_work()
        return talk.answer

    async def _write(self, data):
        for piece in framing.chunks(data, self._chunk()):
            await self._connection.write(bytes(piece))
            self.on_bytes(len(piece))

    async def _listen(self, talk):
        """Hear what comes, until it is time to look at the clock again."""
        if not self._received:
            if not self._connection.is_open:
                raise Trouble("link_lost")
            try:
                await asyncio.wait_for(self._heard.wait(), talk.wait_s(time.monotonic()))
            except asyncio.TimeoutError:
                pass  # nothing came: it may be time to send again
        self._heard.clear()
        data, self._received = bytes(self._received), bytearray()
        talk.hear(data, time.monotonic())

    def _hear(self, data):
        self._received += data
        self._heard.set()

    def _state_changed(self):
        task = asyncio.ensure_future(self._tell_state())
        self._reading.add(task)
        task.add_done_callback(self._reading.discard)

    async def _tell_state(self):
        connection = self._connection
        if connection is None:
            return
        try:
            self.on_state(_document(await connection.read(STATE)))
        except Trouble:
            return  # the link ended meanwhile: whoever waits for an answer is told

    async def _read_info(self):
        info = _document(await self._connection.read(INFO))
        if info.get("proto") != _PROTOCOL or not isinstance(info.get("name"), str):
            raise Trouble("not_ours", sentence=f"It speaks version {info.get('proto', '?')} of the protocol.")
        self.info = info

    def _chunk(self):
        chunk = self.info.get("chunk")
        return min(max(chunk, _LEAST_CHUNK), _MOST_CHUNK) if type(chunk) is int else _LEAST_CHUNK


def code_in(text):
    """The 10 bytes of a setup code, typed, or in the link of the label's QR code. Raises PersonError."""
    return setup_code.parse(text.rpartition("#")[2])


def last_failure(document):
    """{"code", "message"} of the last attempt in STATE or STS, or None."""
    last = document.get("last")
    return last if isinstance(last, dict) and type(last.get("code")) is int and last["code"] else None


def _document(data):
    try:
        document = json.loads(data)
    except ValueError:
        document = None
    if not isinstance(document, dict):
        raise Trouble("not_ours", sentence="What it says is not the protocol.")
    return document
