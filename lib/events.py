"""Event names and the bus that carries them.

Every event is a name from the list below and a dict of plain values, never a secret. `emit` never blocks. A listener
that does not keep up loses its oldest events, and an event that there is no memory for; it can read how many in
`dropped`.

For each name there is a constant in this module: `events.WIFI_CONNECTED` is "wifi.connected".

| event | data |
|---|---|
| mode.changed | mode, event, previous |
| wifi.connected | ssid, ip, rssi |
| wifi.disconnected | ssid, code, message, wait_ms (until the next attempt) |
| clock.set | time (unix seconds), source: the name of a time server, "phone" or "cloud" |
| ble.connected | phone (its address) |
| ble.authenticated | phone; also in open mode, with its first message |
| ble.disconnected | phone (None: the radio failed), reason |
| settings.received | source: "phone", or who else gave a candidate |
| aws.provisioned | thing |
| aws.connected | endpoint, client_id, session_present |
| aws.disconnected | code, message, wait_ms |
| publish.done | topic, qos |
| publish.dropped | topic, code, dropped (so far) |
| message.dropped | topic, reason, dropped (so far) |
| shadow.delta | shadow (None: the classic one), version, fields (their names) |
| job.received | job, operation, resumed (it was begun before a restart) |
| job.finished | job, status, reason (of FAILED and REJECTED), message |
| ota.started | job, version |
| ota.progress | percent (of the image, in steps of 10) |
| ota.finished | version: of the new image, which has confirmed itself |
| ota.failed | version, code, message |
| flash.flushed | writes |
| task.failed | task, code, message |
| restart.requested | reason |
"""

import asyncio
import sys

_NAMES = (
    " mode.changed wifi.connected wifi.disconnected clock.set ble.connected ble.authenticated ble.disconnected"
    " settings.received aws.provisioned aws.connected aws.disconnected publish.done publish.dropped"
    " message.dropped shadow.delta job.received job.finished ota.started ota.progress ota.finished ota.failed"
    " flash.flushed task.failed restart.requested "
)


def __getattr__(constant):
    # As constants these would take 1.6 KB of a board's heap, of which a device needs a few.
    name = constant.lower().replace("_", ".", 1)
    if constant.isupper() and " %s " % name in _NAMES:
        return name
    raise AttributeError(constant)


class Event:
    """One thing that happened: `name` (a constant of this module) and `data` (dict)."""

    __slots__ = ("data", "name")

    def __init__(self, name, data):
        self.name = name
        self.data = data


class Listener:
    """A bounded queue of events, read with `await get()` or `async for`. `dropped` counts what was lost unread."""

    def __init__(self, bus, names, limit):
        self.dropped = 0
        self._bus = bus
        self._names = names
        self._limit = limit
        self._queue = []
        self._ready = asyncio.Event()

    def _put(self, name, event):
        if self._names and name not in self._names:
            return
        if event is None:
            self.dropped += 1
            return
        if len(self._queue) >= self._limit:
            self._queue.pop(0)
            self.dropped += 1
        try:
            self._queue.append(event)
        except MemoryError:
            self.dropped += 1
            return
        self._ready.set()

    def any(self):
        """How many events wait to be read."""
        return len(self._queue)

    async def get(self):
        """The oldest unread event; waits for one."""
        while not self._queue:
            self._ready.clear()
            await self._ready.wait()
        return self._queue.pop(0)

    def __aiter__(self):
        return self

    async def __anext__(self):
        return await self.get()

    def close(self):
        """Stop listening."""
        self._bus._forget(self)


class Bus:
    """Carries events from whoever emits them to every listener.

    `trace(failure)` prints where an exception came from, for code that catches one of the application's; `tell(event)`
    is called with every event, at once. Both are the console's.
    """

    def __init__(self):
        self._listeners = []
        self.trace = _print_trace
        self.tell = None

    def emit(self, name, **data):
        """Tell every listener. With no listener for it nothing is kept.

        A MemoryError comes only where there is none for the dict of `data`, which is made before this begins.
        """
        event = None
        try:
            event = Event(name, data)
            if self.tell is not None:
                self.tell(event)
        except MemoryError:
            pass  # the listeners hear it all the same, or count it
        for listener in self._listeners:
            listener._put(name, event)

    def listen(self, *names, limit=16):
        """A new `Listener` for the events of these `names`, all of them without any; at most `limit` wait unread."""
        listener = Listener(self, names, limit)
        self._listeners.append(listener)
        return listener

    def _forget(self, listener):
        if listener in self._listeners:
            self._listeners.remove(listener)


def _print_trace(failure):
    sys.print_exception(failure)
