"""Publishing: AWS IoT's limits and rates are kept, and what cannot be sent now waits, or is kept in the outbox."""

import asyncio
import time

from micropython import const

import errors
import events

from . import rate
from .engine import SENT
from .link import borrow
from .session import Session

_TOPICS_REMEMBERED = const(8)
_PUBLISH_S = const(60)
_LONGEST_S = const(518400)  # 6 days: the ticks of the port do not reach further
_PAYLOAD_LIMIT = const(131072)  # bytes: AWS's


class Publisher(Session):
    """The part of `Aws` that publishes."""

    def __init__(self, bus, settings, resolve, clock_is_set, backoff):
        super().__init__(bus, settings, resolve, clock_is_set, backoff)
        limits = settings.limits
        self._rates = rate.both(limits.publishes_per_s, limits.bytes_per_s)
        self._names = {}  # checked topics of the application: str or bytes -> bytes
        self._topics = None  # topics.py, where it stays loaded
        self.dropped = 0  # publishes that were given up, so far
        self._backlog = None  # the outbox, once it is needed
        self._open_queue = None

    def publish(self, topic, payload, qos=0, retain=False, timeout_s=_PUBLISH_S, keep=False):
        """await publish(...): returns when sent (QoS 0) or acknowledged (QoS 1). Payload: bytes, a buffer, or str.

        While not connected it waits, as long as `timeout_s`; a QoS 1 message that was on its way when the connection
        was lost is sent again on the next one. With `keep`, which makes it QoS 1, it does not wait: what cannot be
        acknowledged now is kept in the outbox and sent later, and it returns as soon as it is there.

        Errors: `limit` and `not_supported` at once; `too_fast`, `not_connected` and the errors of a connection after a
        while, each with an event publish.dropped; with `keep` only `outbox_full` and those of flash, where the settings
        say so.
        """
        name = self._names.get(topic) or self._remember(topic)
        if qos and qos != 1:
            raise errors.error("not_supported", "QoS %r" % qos)
        if type(payload) is str:
            payload = payload.encode()
        elif not isinstance(payload, (bytes, bytearray, memoryview)):
            raise errors.error("not_supported", "A payload of type %s (json.dumps makes text)" % type(payload).__name__)
        size = len(payload)
        if size > _PAYLOAD_LIMIT:
            raise errors.error("limit", "A payload of %d bytes" % size, "%d bytes" % _PAYLOAD_LIMIT)
        if retain and name.startswith(b"$aws/"):
            raise errors.error("limit", "Retaining on '%s'" % topic, "a topic outside $aws")
        timeout_ms = int(min(timeout_s, _LONGEST_S) * 1000)
        if keep:
            return self._outbox().publish(name, payload, retain, timeout_ms)
        # The fast path: nothing to wait for, no coroutine of ours.
        if not qos and self._up.is_set() and not rate.take(self._rates, size):
            sending = self._client.publish(name, payload, retain, 0, timeout_ms)
            return sending if sending is SENT else self._publish(name, payload, qos, retain, timeout_ms, sending)
        return self._publish(name, payload, qos, retain, timeout_ms)

    def _remember(self, topic):
        topics = self._topics or borrow("topics")
        name = topics.check_topic(topic)
        if len(self._names) >= _TOPICS_REMEMBERED:
            self._names.clear()
            self._topics = topics  # an application with so many topics needs it again and again: it stays loaded
        self._names[topic] = name
        return name

    async def _publish(self, name, payload, qos, retain, timeout_ms, sending=None):
        """Publish it in its turn; `sending`: what the client has to say of one that had its turn, and waits."""
        try:
            if sending is None:
                timeout_ms = await self._until_up(timeout_ms)
                await rate.wait(self._rates, len(payload))
                sending = self._client.publish(name, payload, retain, qos, timeout_ms)
            await sending
        except errors.DeviceError as failure:
            self._drop(name, failure.code)
            raise
        if qos:
            self._bus.emit(events.PUBLISH_DONE, topic=str(name, "utf-8"), qos=qos)

    def _drop(self, name, code):
        self.dropped += 1
        self._bus.emit(events.PUBLISH_DROPPED, topic=str(name, "utf-8"), code=code, dropped=self.dropped)

    async def _until_up(self, timeout_ms):
        """Wait until connected as the thing, and not by the claim; returns how many ms of the time are left."""
        if self._up.is_set():
            return timeout_ms
        end_ms = time.ticks_add(time.ticks_ms(), timeout_ms)
        try:
            await asyncio.wait_for_ms(self._up.wait(), timeout_ms)
        except asyncio.TimeoutError:
            raise errors.error("not_connected")
        return max(time.ticks_diff(end_ms, time.ticks_ms()), 1)

    # The outbox: backlog.py is loaded when it is used for the first time

    @property
    def kept(self):
        """How many messages wait in the outbox."""
        return len(self._backlog) if self._backlog is not None else 0

    def keep_in(self, open_queue):
        """Keep the outbox on flash: `open_queue(name)` returns a flash_queue.Queue. Call it before `run`."""
        self._open_queue = open_queue

    def _outbox(self):
        if self._backlog is None:
            from . import backlog

            store = self._open_queue("outbox") if self._open_queue is not None else backlog.Memory()
            hands = self._bus, self._client, self._up, self._rates
            self._backlog = backlog.Backlog(store, self._settings, *hands, self._drop)
        return self._backlog

    def _drain(self):
        if self._backlog is not None or self._open_queue is not None:
            self._outbox().begin()
