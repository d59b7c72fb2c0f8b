"""Requests to a service of AWS IoT (shadow, jobs) on its reserved topics, and what it tells by itself. Pure.

    service = Service("shadow", ("get/accepted", "get/rejected", "update/delta"), heard, online)
    aws.attach(service)
    document = await service.ask("get", {})             $aws/things/<thing>/shadow/get

`Aws` subscribes to the topics whenever the cloud has no session of ours that knows them. An answer is known by the
clientToken of its request, so that several may be under way and those of others are left alone.
"""

import asyncio
import json
import os
import random
from binascii import hexlify

import errors

_LATER = (429, 500, 503, "RequestThrottled", "InternalError")  # codes of the shadow and of jobs


class _Question:
    """A request under way: `answer` or `error` once `done`."""

    def __init__(self, operation):
        self.operation = operation
        self.sent = False
        self.done = asyncio.Event()
        self.answer = None
        self.error = None


class Service:
    """The topics `$aws/things/<thing>/<base>/...`.

    `listens`: the ends of those to subscribe to, at most 8, `+` allowed. `heard(end, payload)` is given what is no
    answer: the end of its topic (str) and a memoryview that is valid until it returns. `online()` is called on every
    connection, as soon as it is subscribed. Both are plain functions that do not wait. `one_by_one`: a request is sent
    when the one before has its answer.
    """

    qos = 1

    def __init__(self, base, listens, heard, online, one_by_one=False):
        self.base = base
        self.listens = listens
        self.heard = heard
        self.online = online
        self.prefix = b"\0"  # of its topics; until `belong` tells it, one that no topic has
        self.granted = False  # as of an inbox.Subscription
        self.refusal = None  # the CloudError of a SUBSCRIBE that was refused
        self.ready = asyncio.Event()  # connected and subscribed
        self._turn = asyncio.Lock() if one_by_one else None
        self._publish = None
        self._asked = {}  # clientToken -> _Question
        self._token = hexlify(os.urandom(4)).decode()
        self._number = 0

    def belong(self, thing, publish):
        """Be that of this thing. `publish(topic, payload, timeout_ms)`: a coroutine function, QoS 1."""
        self.prefix = ("$aws/things/%s/%s/" % (thing, self.base)).encode()
        self._publish = publish

    def filters(self):
        """What to subscribe to: list of bytes."""
        return [self.prefix + end.encode() for end in self.listens]

    # Asking

    async def ask(self, operation, document, timeout_s=20):
        """The answer (dict) to `document` (dict) on the topic with this end; waits for a connection, too.

        What the cloud asks to send again later is sent again within the time. So is what has lost its connection before
        its answer, unless it is meant for a certain version of something: whether it was done nobody knows then.
        Errors: `not_connected`, `no_answer`, `subscribe_refused`; `rejected`, with AWS's code as `reason` (int or str)
        and all of the `answer`; `limit` for an answer that the receive buffer does not hold.
        """
        try:
            return await asyncio.wait_for(self._in_turn(operation, document), timeout_s)
        except asyncio.TimeoutError:
            if self.ready.is_set():
                raise self._no_answer(operation)
            raise errors.error("not_connected")

    async def _in_turn(self, operation, document):
        if self._turn is None:
            return await self._until_answered(operation, document)
        async with self._turn:
            return await self._until_answered(operation, document)

    async def _until_answered(self, operation, document):
        wait_ms = 500
        while True:
            try:
                return await self._answer(operation, document)
            except errors.DeviceError as failure:
                if failure.code == "no_answer" and not _depends(document):
                    continue  # as soon as there is a connection
                if getattr(failure, "reason", None) not in _LATER:
                    raise
            await asyncio.sleep_ms(random.randint(wait_ms // 2, wait_ms))
            wait_ms = min(2 * wait_ms, 8000)

    async def _answer(self, operation, document):
        await self.ready.wait()
        if self.refusal is not None:
            raise self.refusal
        self._number += 1
        token = document["clientToken"] = "%s-%d" % (self._token, self._number)
        question = self._asked[token] = _Question(operation)
        try:
            payload = json.dumps(document).encode()
            await self._publish(self.prefix + operation.encode(), payload, 20000)
            question.sent = True
            await question.done.wait()
        finally:
            del self._asked[token]
        if question.error is not None:
            raise question.error
        return question.answer

    def lost(self):
        """The connection has ended."""
        self.ready.clear()
        for question in self._asked.values():
            if question.sent:  # else the publish itself survives
                self._end(question, self._no_answer(question.operation))

    def _no_answer(self, operation):
        return errors.error("no_answer", self.base + "/" + operation)

    @staticmethod
    def _end(question, error):
        question.error = error
        question.done.set()

    # Hearing

    def hear(self, end, payload):
        """Take a message of ours: the end of its topic (str), and a buffer."""
        verdict = end[-9:]
        if verdict not in ("/accepted", "/rejected"):
            self.heard(end, payload)
            return
        if not self._asked:
            return  # somebody else's: not worth the memory
        try:
            answer = json.loads(payload)
            question = self._asked.get(answer.get("clientToken"))
        except (ValueError, AttributeError, TypeError):
            return
        except MemoryError:
            self._fail(end, errors.error("no_memory"))
            return
        if question is None:
            return
        question.answer = answer
        self._end(question, None if verdict == "/accepted" else self._rejected(question.operation, answer))

    def _rejected(self, operation, answer):
        code = answer.get("code")
        details = "%s %s" % (code, answer.get("message", ""))
        failure = errors.error("rejected", self.base + "/" + operation, details.strip())
        failure.reason = code
        failure.answer = answer
        return failure

    def skipped(self, end):
        """A message of ours was too large for the receive buffer."""
        self._fail(end, errors.error("limit", "An answer on %s/%s" % (self.base, end), "limits.receive_buffer"))

    def _fail(self, end, error):
        for question in self._asked.values():
            if end.startswith(question.operation):
                self._end(question, error)


def _depends(document):
    return "version" in document or "expectedVersion" in document
