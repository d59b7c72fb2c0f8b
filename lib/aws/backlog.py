"""The outbox: QoS 1 messages that were published with `keep=True` and wait to be sent.

Bounded in number and bytes; in memory, or in a queue of flash_queue.py. It is sent while connected, a few messages at
once, whenever the application's own publishing leaves the rates room. Loaded when a message is kept for the first time.
"""

import asyncio

from micropython import const

import errors
import events

from . import rate
from .link import explain

_AT_ONCE = const(5)  # of a window of 10: the rest is the application's
_LIVE_FIRST_MS = const(20)
_ANSWER_MS = const(60000)
_CROWDED_MS = const(5000)
_REFUSALS = const(5)  # failures.CUTS


class Memory:
    """What flash_queue.Queue is, in memory."""

    def __init__(self):
        self.first = 1
        self.size = 0
        self._records = []

    def __len__(self):
        return len(self._records)

    def append(self, record):
        """Put a record behind the others."""
        self._records.append(record)
        self.size += len(record)

    def read(self, number):
        """The record with this number; None when it is not there any more."""
        return self._records[number - self.first] if 0 <= number - self.first < len(self._records) else None

    def drop(self, number):
        """Forget the records up to this number, which included."""
        while self.first <= number and self._records:
            self.size -= len(self._records.pop(0))
            self.first += 1


def packed(topic, payload, retain):
    """A message as one record. Both are bytes."""
    return bytes((1 if retain else 0, len(topic) >> 8, len(topic) & 255)) + topic + payload


def unpacked(record):
    """(topic, payload, retain) of a record: bytes, a memoryview, bool."""
    end = 3 + (record[1] << 8 | record[2])
    return record[3:end], memoryview(record)[end:], bool(record[0])


class Backlog:
    """`store` is a `Memory` or a flash_queue.Queue, `client` an `Engine`, `up` the event of its being connected as the
    thing, `rates` those of rate.py; `dropped(topic, code)` is told what is given up."""

    def __init__(self, store, settings, bus, client, up, rates, dropped):
        self._store = store
        self._client = client
        self._up = up
        self._rates = rates
        self._when_full = settings.outbox.when_full
        self._most = settings.limits.outbox_messages
        self._size = settings.limits.outbox_bytes
        self._bus = bus
        self._dropped = dropped
        self._refused = 0  # how often in a row the oldest message ended the connection
        self._at_once = _AT_ONCE
        self._draining = None

    def __len__(self):
        return len(self._store)

    async def publish(self, topic, payload, retain, timeout_ms):
        """Publish a message, or keep it when it cannot be acknowledged now. Errors: as `keep`."""
        if self._up.is_set():
            try:
                await rate.wait(self._rates, len(payload))
                await self._publish_once(topic, payload, retain, timeout_ms)
                return
            except (errors.RetryError, MemoryError):
                pass  # then later
        try:
            self.keep(topic, payload, retain)
        except errors.DeviceError as failure:
            self._dropped(topic, failure.code)
            raise
        if self._up.is_set():
            self.begin()

    async def _publish_once(self, topic, payload, retain, timeout_ms):
        # On this connection only: the next one begins with what is kept.
        await self._client.publish(topic, payload, retain, 1, timeout_ms, False)
        self._bus.emit(events.PUBLISH_DONE, topic=str(topic, "utf-8"), qos=1)

    def keep(self, topic, payload, retain):
        """Keep a message; what gives way for it, or that it does, is told.

        Errors: `limit` for one that never fits, `outbox_full` where the settings want to refuse, those of flash.
        """
        record = packed(topic, payload, retain)
        if len(record) > self._size:
            raise errors.error("limit", "A message of %d bytes" % len(record), "limits.outbox_bytes")
        while len(self._store) >= self._most or self._store.size + len(record) > self._size:
            if not self._make_room(topic):
                return
        while True:
            try:
                self._store.append(record)
                return
            except errors.StorageError as failure:
                # Where the flash fails, to give up those that are kept makes no room.
                if failure.code != "flash_full" or self._when_full != "drop_oldest" or not len(self._store):
                    raise
                self._make_room(topic)

    def _make_room(self, topic):
        """Whether the new message may be kept."""
        if self._when_full == "refuse" or not self._most:
            raise errors.error("outbox_full", len(self._store))
        if self._when_full == "drop_newest":
            self._dropped(topic, "outbox_full")
            return False
        self._give_up("outbox_full")
        return True

    def _give_up(self, code):
        """Drop the oldest."""
        record = self._store.read(self._store.first)
        self._store.drop(self._store.first)
        self._refused = 0
        self._dropped(unpacked(record)[0] if record else b"?", code)

    # Sending

    def begin(self):
        """Begin to send what is kept: it is connected."""
        if self._draining is None and len(self._store):
            self._at_once = _AT_ONCE
            self._draining = asyncio.create_task(self._drain())

    async def drained(self, left_ms):
        """Wait until nothing is kept, the connection is lost, or `left_ms` are over; returns the ms that are left."""
        while self._draining is not None and left_ms > 0:
            await asyncio.sleep_ms(_LIVE_FIRST_MS)
            left_ms -= _LIVE_FIRST_MS
        return left_ms

    async def _drain(self):
        try:
            while len(self._store):
                try:
                    await self._send_some()
                except MemoryError as failure:  # a connection that begins takes much
                    self._at_once = 1
                    self._tell("no_memory", failure)
                    await asyncio.sleep_ms(_CROWDED_MS)
                except errors.RetryError:
                    if not self._client.is_connected or not self._up.is_set():
                        return  # the next connection goes on
                    await asyncio.sleep_ms(_CROWDED_MS)  # it took too long; the connection stands
        except errors.DeviceError as failure:
            self._tell(failure.code, failure)
        finally:
            self._draining = None

    def _tell(self, code, failure):
        try:
            self._bus.emit(events.TASK_FAILED, task="outbox", code=code, message="%s" % failure)
        except MemoryError:
            pass  # what is kept is sent all the same

    async def _send_some(self):
        first = self._store.first
        count = min(len(self._store), 1 if self._refused else self._at_once)
        sending = [self._send(number) for number in range(first, first + count)]
        results = await asyncio.gather(*sending, return_exceptions=True)
        for number, failure in enumerate(results, first):
            if isinstance(failure, BaseException):
                self._judge(number, failure)
                raise failure
            self._store.drop(number)
            self._refused = 0

    async def _send(self, number):
        record = self._store.read(number)
        if record is None:
            if number >= self._store.first:  # else it was dropped meanwhile
                self._dropped(b"?", "flash_failed")
            return
        topic, payload, retain = unpacked(record)
        while self._rates[0].waiting or rate.take(self._rates, len(payload)):
            await asyncio.sleep_ms(_LIVE_FIRST_MS)
        await self._publish_once(topic, payload, retain, _ANSWER_MS)

    def _judge(self, number, failure):
        # AWS closes the connection for a topic that the policy does not allow. One message must not do so for ever.
        if number == self._store.first and explain("is_closed", failure) is True:
            self._refused += 1
            if self._refused >= _REFUSALS:
                self._give_up("not_authorised")
