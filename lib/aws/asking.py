"""A request to a service of AWS IoT, until it has its answer. Pure. Loaded for one, then unloaded: see service.py."""

import asyncio
import json
import random
import time

import errors

_LONGEST_S = 518400  # 6 days: the ticks of the port do not reach further
_FORBIDDEN_MS = 3600000  # then it costs one connection to see whether it still is
_LATER = (429, 500, 503, "RequestThrottled", "InternalError")  # codes of the shadow and of jobs


class Question:
    """A request under way: `answer` or `error` once `done`."""

    def __init__(self, topic, operation):
        self.topic = topic  # as people know it
        self.operation = operation
        self.sent = False
        self.done = asyncio.Event()
        self.answer = None
        self.error = None

    def fail(self, *error):
        """It has no answer, for the reason of an error code."""
        self.error = errors.error(*error)
        self.done.set()

    def lost(self):
        """The connection has ended."""
        if self.sent:  # else the publish itself survives
            self.fail("no_answer", self.topic)

    def skipped(self, end, reason):
        """A message on the topic with this end was "too_large", or there was "no_memory" for it."""
        if not end.startswith(self.operation):
            return
        if reason == "no_memory":
            self.fail(reason)
        else:
            self.fail("limit", "An answer on %s" % self.topic, "limits.receive_buffer")


async def ask(service, operation, document, timeout_s):
    """As `Service.ask`."""
    try:
        return await asyncio.wait_for(_in_turn(service, operation, document), min(timeout_s, _LONGEST_S))
    except asyncio.TimeoutError:
        if service.ready.is_set():
            raise errors.error("no_answer", "%s/%s" % (service.base, operation))
        raise errors.error("not_connected")


async def _in_turn(service, operation, document):
    if service.turn is None:
        return await _until_answered(service, operation, document)
    await service.turn.acquire()
    try:
        return await _until_answered(service, operation, document)
    finally:
        service.turn.release()


async def _until_answered(service, operation, document):
    wait_ms = 500
    while True:
        try:
            return await _answer(service, operation, document)
        except errors.DeviceError as failure:
            if failure.code == "no_answer" and "version" not in document and "expectedVersion" not in document:
                continue  # as soon as there is a connection
            if getattr(failure, "reason", None) not in _LATER:
                raise
        await asyncio.sleep_ms(random.randint(wait_ms // 2, wait_ms))
        wait_ms = min(2 * wait_ms, 8000)


async def _answer(service, operation, document):
    await service.ready.wait()
    if service.refusal is not None:
        raise service.refusal
    if service.forbidden is not None and service.forbidden[0] == operation:
        # Not so for ever: a cloud that was unstable for a while has ended connections, too. A difference below zero is
        # one of many days, of which the ticks know no more.
        if 0 <= time.ticks_diff(time.ticks_ms(), service.forbidden[2]) < _FORBIDDEN_MS:
            raise service.forbidden[1]
        service.forbidden = None
    service.number += 1
    token = document["clientToken"] = "%s-%d" % (service.token, service.number)
    question = service.asked[token] = Question("%s/%s" % (service.base, operation), operation)
    service.take_answer = hear
    try:
        payload = json.dumps(document).encode()
        await service.publish(service.prefix + operation.encode(), payload, 20000)
        question.sent = True
        await question.done.wait()
    except errors.CloudError as failure:
        service.forbidden = operation, failure, time.ticks_ms()
        raise
    finally:
        del service.asked[token]
        if not service.asked:
            service.take_answer = None
    if question.error is not None:
        raise question.error
    return question.answer


def hear(service, end, payload):
    """Take a message with an answer: the end of its topic (str), and a buffer."""
    try:
        answer = json.loads(payload)
        question = service.asked.get(answer.get("clientToken"))
    except (ValueError, AttributeError, TypeError):
        return
    except MemoryError:
        for question in service.asked.values():
            question.skipped(end, "no_memory")
        return
    if question is None:
        return
    question.answer = answer
    if end.endswith("/rejected"):
        _reject(question, answer)
    question.done.set()


def _reject(question, answer):
    code = answer.get("code")
    details = "%s %s" % (code, answer.get("message", ""))
    question.error = failure = errors.error("rejected", question.topic, details.strip())
    failure.reason = code
    failure.answer = answer
