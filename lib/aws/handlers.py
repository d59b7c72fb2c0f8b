"""Runs the handlers of received messages, one after the other, in order of arrival.

A handler is started inside the reader and runs there until its first await: until then its message's payload is the
receive buffer itself, nothing is copied, and a handler that never awaits costs no task. From its first await on it is
a task, so that it may publish and wait without holding up the reader; messages for handlers that arrive meanwhile are
copied and wait, bounded, the oldest give way.
"""

import asyncio
import time
from asyncio import core

import errors

from .ring import Message


class Handlers:
    """`waiting` is the `Ring` for messages that arrive while a handler is at work.

    `dropped(topic, reason, count=1)` is told what gave way, and raises nothing; `failed(topic, error)` gets the
    errors.DeviceError for a handler that raised an exception (`task_failed`) or took longer than `timeout_s`
    (`task_stuck`; it is cancelled); `trace(exception)` tells where it came from.
    """

    def __init__(self, waiting, timeout_s, dropped, failed, trace):
        self._waiting = waiting
        self.timeout_s = timeout_s
        self._dropped = dropped
        self._failed = failed
        self._trace = trace
        self._message = Message(None, None)  # one for all: the next handler starts only after the last has ended
        self._task = None
        self._started_ms = 0
        self._topic = None
        self._expired = False

    def hand(self, handler, topic, payload):
        """Give a message to `handler(message)`, a coroutine function or a plain one. Raises nothing."""
        if self._task is not None:
            self._keep(handler, topic, payload)
            return
        message = self._message
        message.topic = topic
        message.payload = payload
        work = self._call(handler, message)
        if work is None:
            message.payload = None  # a large one has memory of its own, which must be free to go
            return
        try:
            self._start(work)
        except MemoryError:
            message.payload = None
            self._dropped(topic, "no_memory")

    def _keep(self, handler, topic, payload):
        try:
            message = Message(topic, bytes(payload))
            message.handler = handler
            gave_way = self._waiting.put(message)
        except MemoryError:
            self._dropped(topic, "no_memory")
            return
        if gave_way:
            self._dropped(self._waiting.lost, "handler_busy", gave_way)

    def _call(self, handler, message):
        self._topic = message.topic
        self._started_ms = time.ticks_ms()
        self._expired = False  # the one before may have ended well after all
        try:
            work = handler(message)
            return work if hasattr(work, "send") else None  # a plain handler may return anything
        except Exception as failure:  # noqa: BLE001 - the handler's own fault, told and not fatal
            self._tell(failure)
        return None

    def _start(self, work):
        # asyncio has no eager start: run the first step with the new task in the place of the one that runs now, so
        # that whatever the handler waits for wakes the new one.
        self._task = core.Task(self._run(work))
        reader = core.cur_task
        core.cur_task = self._task
        try:
            self._task.coro.send(None)
        except StopIteration:
            self._task = None
        finally:
            core.cur_task = reader

    async def _run(self, work):
        try:
            await self._guarded(work)
            while True:
                message = self._waiting.get_nowait()
                if message is None:
                    break
                work = self._call(message.handler, message)
                if work is not None:
                    await self._guarded(work)
        finally:
            self._message.payload = None
            self._task = None

    async def _guarded(self, work):
        try:
            await work
        except asyncio.CancelledError:
            if self._task is None:
                raise  # by `stop`
            if not self._expired:
                self._tell("cancelled")  # it awaited a task of its own that was
                return
            self._expired = False
            self._failed(self._topic, errors.error("task_stuck", self._topic, self.timeout_s))
        except Exception as failure:  # noqa: BLE001 - the handler's own fault, told and not fatal
            self._tell(failure)

    def _tell(self, failure):
        try:
            if isinstance(failure, Exception):
                self._trace(failure)  # where it happened is what the application's writer needs
            self._failed(self._topic, errors.error("task_failed", "handler of %s" % self._topic, repr(failure)))
        except MemoryError:
            pass  # the next message is handled all the same

    def check(self):
        """Cancel the handler at work when its time is over; to be called about once a second."""
        if self._task is None or self._expired:
            return
        if time.ticks_diff(time.ticks_ms(), self._started_ms) >= self.timeout_s * 1000:
            self._expired = True
            self._task.cancel()

    def stop(self):
        """Cancel the handler at work and forget the messages that wait."""
        while self._waiting.get_nowait() is not None:
            pass
        if self._task is not None:
            self._task.cancel()
            self._task = None
