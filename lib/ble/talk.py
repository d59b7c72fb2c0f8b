"""One phone's conversation: bytes in, frames out. The radio is not in it.

    host = Host(name, setup_code, handle, clock_ms, failed)     # outlives phones
    talk = Talk(host, send, beat)                               # from connecting to disconnecting
    while not talk.over:                                        # then hang up: it says why
        await talk.hear(data, now_ms)                           # b"" once a second, so that gaps are noticed

Stop and wait: the phone sends its next message after an ACK of the last. Work runs beside the conversation: a phone
that asks again is answered, and work goes on when the phone goes, for half of it is worse than an unheard answer.
"""

import asyncio

import errors
from ble import answers, codes, framing, lockout, messages, session

_NO_MEMORY = "no memory for an answer"
_LARGEST_ACK = framing.LARGEST - session.OVERHEAD


class Host:
    """What outlives a phone: who the device is, how often the code was wrong, and the one piece of work in hand.

    `setup_code`: 10 bytes, None in open mode. `handle(typ, id, dat)`: a coroutine function that returns what the ACK's
    dat contains beside "pkt" and "msg" (a dict or None; its "code" is 0 if left out), or raises a DeviceError. It
    must end by itself: nothing else is worked on before. `failed(exception)` is told when it raises anything else.
    `clock_ms()` is `time.ticks_ms`.
    """

    def __init__(self, name, setup_code, handle, clock_ms, failed):
        self.name = name
        self.setup_code = setup_code
        self.handle = handle
        self.failed = failed
        self.lockout = lockout.Lockout(clock_ms)
        self.parser = framing.Parser()
        self._work = None

    @property
    def is_busy(self):
        """True while a message is worked on, also after its sender has gone."""
        return self._work is not None and not self._work.task.done()

    def begin(self, work):
        """Start the `Work`; only when not busy."""
        work.task = asyncio.create_task(work.run())  # first: there may be no memory for it
        self._work = work

    def ended(self, work):
        """The `Work` is over: what it holds (a certificate and its key) is freed for the next."""
        if work is self._work:
            self._work = None

    async def progress(self, sentence=None):
        """Tell the phone that its message is being worked on (code 1)."""
        if self.is_busy:
            await self._work.say(codes.IN_PROGRESS, sentence)

    def cancel(self):
        """End the work, and keep nothing of it."""
        if self.is_busy:
            self._work.task.cancel()
        self._work = None


class Work:
    """The work on one message, as a task, and its answer."""

    def __init__(self, host, talk, pending, message):
        self.task = None
        self._host = host
        self._talk = talk
        self._pending = pending  # the Answers of the session that asked
        self._message = message

    async def run(self):
        """Do it and answer. The work counts as done before its answer is on the way."""
        try:
            ack = await self._do()
            if self._pending.finish(self._message, ack):
                await self._talk.say_later(ack, self._pending)
        except MemoryError:
            self._talk.over = _NO_MEMORY  # asked again on this connection, it would fail for ever
        finally:
            self._host.ended(self)

    async def say(self, number, sentence):
        """An ACK before the final one."""
        await self._talk.say_later(messages.ack(self._message.typ, self._message.id, number, sentence), self._pending)

    async def _do(self):
        typ, number, dat = self._message.typ, self._message.id, self._message.dat
        try:
            details = await self._host.handle(typ, number, dat) or {}
            ack = messages.ack(typ, number, details.get("code", codes.OK), None, details)
        except errors.DeviceError as failure:
            ack = messages.ack_of_error(failure, typ, number)
        except Exception as failure:  # noqa: BLE001 - a mistake of ours must not leave the phone without an answer
            self._host.failed(failure)
            ack = messages.ack(typ, number, codes.FAILED)
        if len(ack) > _LARGEST_ACK:
            ack = messages.ack_of_error(codes.refuse(codes.TOO_LARGE, "the answer"), typ, number)
        return ack


class Talk:
    """`send(frame)`: a coroutine function; raises OSError when the phone is gone or takes nothing. `beat()`: a sign of
    life, for what was sent to be searched for minutes.

    `known` turns True with the first message of a phone that may ask. `over`: why the connection should end, or None.
    """

    def __init__(self, host, send, beat):
        self.known = False
        self.over = None
        self._host = host
        self._send = send
        self._beat = beat
        self._sending = asyncio.Lock()  # frames do not mix, and are sent in the order of their counters
        self._parser = host.parser
        self._parser.clear()
        self._session = None
        self._answers = answers.Answers()

    async def hear(self, data, now_ms):
        """Take what arrived at `now_ms` and answer it. Raises OSError as `send` does."""
        self._parser.expire(now_ms)
        await self._judge()
        rest = memoryview(data)
        while rest and not self.over:
            rest = rest[self._parser.feed(rest, now_ms) :]
            await self._judge()

    async def _judge(self):
        while not self.over:
            found = self._parser.next()
            if found is None:
                return
            if found == framing.SEARCHING:
                self._beat()
                await asyncio.sleep(0)
            elif found == framing.BAD_CRC:
                await self._refuse(codes.refuse(codes.BAD_CRC))
            elif found == framing.LATE:
                await self._refuse(codes.refuse(codes.TIMEOUT))
            elif found == framing.NO_MEMORY:
                await self._refuse(codes.refuse(codes.BUSY if self._host.is_busy else codes.TOO_LARGE))
            else:
                await self._read(found, self._parser.payload)
                self._parser.free()

    async def _read(self, kind, payload):
        is_open = self._host.setup_code is None
        if kind == framing.SEALED:
            await (self._refuse(_no_session_here()) if is_open else self._unseal(payload))
        else:
            await (self._take(payload) if is_open else self._greet(payload))

    # In clear, while there is a setup code: HELLO and nothing else

    async def _greet(self, payload):
        try:
            message = messages.parse(payload)
            if message.typ != "HELLO":
                raise codes.refuse(codes.NOT_AUTHENTICATED, None, message.typ, message.id)
            await self._hello(message)
        except codes.Refusal as refusal:
            if refusal.pkt != "HELLO" and refusal.number != codes.NOT_JSON:
                refusal = codes.refuse(codes.NOT_AUTHENTICATED, None, refusal.pkt, refusal.id)
            await self._refuse(refusal)

    async def _hello(self, message):
        self._end_session()
        retry_s = self._host.lockout.retry_s()
        if retry_s:
            sentence = "The setup code was wrong too often: try again in %d s." % retry_s
            details = {"retry_s": retry_s}
            return await self._say(messages.ack("HELLO", message.id, codes.NOT_AUTHENTICATED, sentence, details))
        try:
            made, ack = await _greeted(message, self._host)
        except codes.Refusal as refusal:
            refusal.pkt, refusal.id = message.typ, message.id
            raise
        await self._say(ack)
        self._session = made

    def _end_session(self):
        self._session = None
        self._answers = answers.Answers()  # work that still runs finds that nobody waits for its answer

    # Sealed

    async def _unseal(self, payload):
        if self._session is None:
            return await self._refuse(codes.refuse(codes.NOT_AUTHENTICATED))
        try:
            text = await self._session.open(payload)
        except codes.Refusal as refusal:
            self._host.lockout.failed()
            self._end_session()
            self.over = "the setup code was wrong"
            return await self._refuse(refusal)
        if text is not None:  # else a replay: it is not even told so
            self._host.lockout.succeeded()
            await self._take(text)

    # From a phone that may ask

    async def _take(self, text):
        self.known = True
        try:
            message = messages.parse(text)
            if message.typ == "HELLO":
                raise _no_session_here(message)
        except codes.Refusal as refusal:
            return await self._refuse(refusal)
        ack = self._answers.ready(message)
        if ack is None and self._host.is_busy:
            # Work for a phone that has gone. This message was not begun: under the same id it may come again.
            self._answers = answers.Answers()
            ack = messages.ack(message.typ, message.id, codes.BUSY)
        if ack is not None:
            return await self._say(ack)
        self._host.begin(Work(self._host, self, self._answers, message))

    async def say_later(self, ack, pending):
        """Send it if the session that asked still stands; never raises."""
        try:
            await self._say(ack, pending)
        except OSError:
            self.over = "the phone has gone, or does not take what it is sent"
        except MemoryError:
            self.over = _NO_MEMORY  # the phone gets the answer when it asks again

    async def _refuse(self, refusal):
        await self._say(messages.ack_of_error(refusal))

    async def _say(self, ack, pending=None):
        await self._sending.acquire()
        try:
            if pending not in (None, self._answers):
                return
            # Until a message was genuine the phone may have other keys than ours: then only clear text is understood.
            if self._session and self._session.authenticated:
                frame = await self._session.frame(ack)
            else:
                frame = framing.frame(framing.CLEAR, ack)
            await self._send(frame)
        finally:
            self._sending.release()


async def _greeted(message, host):
    """(Session, the ACK of this HELLO)."""
    try:
        from ble import hello

        made, public = await hello.answer(hello.public_key(message), host.setup_code, host.name)
        return made, hello.ack(message.id, public, made.confirm)
    finally:
        codes.unload("hello", "x25519")


def _no_session_here(message=None):
    pkt, message_id = (message.typ, message.id) if message else (None, None)
    return codes.refuse(codes.INVALID, "HELLO is sent in clear, to a device with a setup code", pkt, message_id)
