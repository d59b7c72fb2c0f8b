"""The send queue of the MQTT client: what waits to be sent or acknowledged, the window, packet ids, deadlines.

No sockets: sender.py sends what `next` gives, connection.py asks for `unacknowledged` from time to time.
"""

import asyncio
import time

from micropython import const

import errors

_LAST_PACKET_ID = const(0xFFFF)


class Request:
    """One packet on its way, and the caller who waits for it at `done`. Used again and again: see `Outbox.take`."""

    def __init__(self):
        self.done = asyncio.Event()
        self.clear()

    def clear(self):
        """Reset it for its next use."""
        self.first = 0  # first byte of the packet, without DUP
        self.topic = None  # bytes; for SUBSCRIBE and UNSUBSCRIBE a list of filters
        self.payload = None
        self.qos = 0
        self.survive = False  # the end of a connection is not its end
        self.packet_id = 0  # 0 until it was sent for the first time
        self.order = 0
        self.tries = 0  # how often it was sent on this connection
        self.resend = False  # sent before, so the peer may know it: DUP
        self.sent_ms = 0
        self.deadline_ms = 0
        self.granted = None  # return codes of a SUBACK
        self.error = None
        self.done.clear()

    def finish(self, error=None):
        """Wake the caller, with an error or without."""
        self.error = error
        self.done.set()


class Outbox:
    """At most `window` requests wait for acknowledgements; the others wait in `waiting` in their order of arrival.

    Each waiting request is a coroutine of a caller, so its length is bounded by what the application starts at once.
    """

    def __init__(self, window):
        self.waiting = []
        self._window = window
        self._in_flight = {}
        self._spare = []
        self._packet_id = 0
        self._order = 0
        self.suspect = None  # the topic for whose message the cloud seems to close the connection: see failures.py
        self.cuts = 0  # how often in a row

    def take(self, first, topic, payload, qos, timeout_ms, survive):
        """A request for a packet, to be given to `add` and, when its caller is through with it, to `give_back`."""
        request = self._spare.pop() if self._spare else Request()
        request.first = first
        request.topic = topic
        request.payload = payload
        request.qos = qos
        request.survive = survive
        request.deadline_ms = time.ticks_add(time.ticks_ms(), timeout_ms)
        return request

    def give_back(self, request):
        """Its caller does not wait any longer, for whatever reason; an acknowledgement yet to come is ignored."""
        self.drop(request)
        request.clear()
        if len(self._spare) < self._window:
            self._spare.append(request)

    def drop(self, request):
        """Neither send it nor wait for its acknowledgement."""
        if request.packet_id and self._in_flight.get(request.packet_id) is request:
            del self._in_flight[request.packet_id]
        elif request in self.waiting:
            self.waiting.remove(request)

    def add(self, request):
        """Put the request behind those that wait."""
        self._order = request.order = self._order + 1
        self.waiting.append(request)

    def idle(self):
        """Nothing waits, neither to be sent nor for an acknowledgement."""
        return not self.waiting and not self._in_flight

    def next(self):
        """The next request to be sent, with its packet id; None when there is none or the window is full."""
        if not self.waiting:
            return None
        request = self.waiting[0]
        if request.qos:
            if len(self._in_flight) >= self._window:
                return None
            if not request.packet_id:
                request.packet_id = self._next_packet_id()
            self._in_flight[request.packet_id] = request
        return self.waiting.pop(0)

    def _next_packet_id(self):
        # MQTT 3.1.1, 2.3.1: never 0, never one that is in use. Those that wait to be sent again after a reconnect stand
        # in front: they are in flight before a new one is needed.
        while True:
            self._packet_id += 1
            if self._packet_id > _LAST_PACKET_ID:
                self._packet_id = 1
            if self._packet_id not in self._in_flight:
                return self._packet_id

    def acknowledged(self, packet_id, kind):
        """The request that an acknowledgement (PUBACK, SUBACK, UNSUBACK) is for, no longer in flight; or None.

        Errors: `protocol` when the request with this id is of another kind.
        """
        request = self._in_flight.get(packet_id)
        if request is None:
            return None  # of a caller who gave up, or of an earlier life with the same session
        if kind != (request.first & 0xF0) + 0x10:  # MQTT numbers each answer right after its question
            raise errors.error("protocol", "acknowledgement of type %d for another packet" % (kind >> 4))
        del self._in_flight[packet_id]
        if request.topic == self.suspect:
            self.suspect = None
        return request

    def reconnected(self, session_present):
        """A new connection: all that was in flight waits in front, to be sent again in its old order.

        With the old session the peer may know the packets: the same ids, DUP. Without it they are new.
        """
        self.waiting = sorted(self._in_flight.values(), key=lambda request: request.order) + self.waiting
        self._in_flight.clear()  # not before: where there was no memory for the list, nobody has lost them
        for request in self.waiting:
            # Those that waited to be sent again when the last connection ended have an id, too.
            request.tries = 0
            request.resend = session_present and bool(request.packet_id)
            if not session_present:
                request.packet_id = 0

    def unacknowledged(self, before_ms):
        """The oldest request in flight that was not sent since the tick `before_ms`; or None."""
        oldest = None
        for request in self._in_flight.values():
            late = time.ticks_diff(request.sent_ms, before_ms) < 0
            if late and (oldest is None or request.order < oldest.order):
                oldest = request
        return oldest

    def is_overdue(self, before_ms):
        """Whether an acknowledgement did not come in time: of one sent before the tick `before_ms`, or sent again."""
        for request in self._in_flight.values():
            if request.tries > 1 or time.ticks_diff(request.sent_ms, before_ms) < 0:
                return True
        return False

    def expire(self, code):
        """Finish what is past its caller's deadline with the error of this `code`; returns how many."""
        now_ms = time.ticks_ms()
        late = 0
        for request in self._all():
            if time.ticks_diff(now_ms, request.deadline_ms) >= 0:
                late += 1
                self.drop(request)
                request.finish(errors.error(code))
        return late

    def fail(self, error):
        """The connection ended: finish with `error` what does not survive it."""
        for request in self._all():
            if not request.survive:
                self.drop(request)
                request.finish(error)

    def _all(self):
        return self.waiting + list(self._in_flight.values())
