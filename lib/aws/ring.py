"""The ring buffer of received messages: bounded in number and bytes, the oldest give way, drops are counted."""

import asyncio


class Message:
    """One received message: `topic` (str), `payload` (bytes, or a memoryview that is valid until the first await)."""

    def __init__(self, topic, payload):
        self.topic = topic
        self.payload = payload


class Ring:
    """At most `limit` messages and `size` bytes of payload wait. `dropped` counts what gave way unread, `lost` is the
    topic of the last one that did."""

    def __init__(self, limit, size):
        self.dropped = 0
        self.lost = None
        self._slots = [None] * limit
        self._size = size
        self._bytes = 0
        self._first = 0
        self._count = 0
        self._ready = asyncio.Event()

    def keep(self, topic, payload):
        """Keep a copy of what is in a buffer; as `put`."""
        return self.put(Message(topic, bytes(payload)))

    def put(self, message):
        """Keep a message; returns how many older ones gave way for it."""
        gave_way = 0
        size = len(message.payload)
        while self._count and (self._count == len(self._slots) or self._bytes + size > self._size):
            self.lost = self._pop().topic
            gave_way += 1
        self.dropped += gave_way
        self._slots[(self._first + self._count) % len(self._slots)] = message
        self._count += 1
        self._bytes += size
        self._ready.set()
        return gave_way

    def any(self):
        """How many messages wait."""
        return self._count

    def get_nowait(self):
        """The oldest message, or None."""
        return self._pop() if self._count else None

    async def get(self):
        """The oldest message; waits for one."""
        while not self._count:
            self._ready.clear()
            await self._ready.wait()
        return self._pop()

    def _pop(self):
        message = self._slots[self._first]
        self._slots[self._first] = None
        self._first = (self._first + 1) % len(self._slots)
        self._count -= 1
        self._bytes -= len(message.payload)
        return message
