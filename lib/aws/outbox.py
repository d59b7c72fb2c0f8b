"""What waits to be sent and what waits for its acknowledgement: the window, packet ids, re-sending, deadlines.

Pure: no sockets. mqtt.py sends what `next` gives, and asks `overdue` from time to time.
"""

import asyncio
import time

import errors

from . import packets

_PACKET_ID_MASK = 0xFFFF


class Request:
    """One packet on its way, and the caller who waits for it at `done`. Used again and again: see `Outbox.take`."""

    def __init__(self):
        self.done = asyncio.Event()
        self._clear()

    def _clear(self):
        self.first = 0  # first byte of the packet, without DUP
        self.topic = None  # bytes; for SUBSCRIBE and UNSUBSCRIBE a list of filters
        self.payload = None
        self.qos = 0
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
    """At most `window` requests wait for acknowledgements; the others wait in their order of arrival.

    Every waiting request is a caller's coroutine that waits, so what the application starts at once is the bound.
    """

    def __init__(self, window):
        self._window = window
        self._waiting = []
        self._in_flight = {}
        self._spare = []
        self._packet_id = 0
        self._order = 0

    def take(self, first, topic, payload, qos, timeout_ms):
        """A request for a packet, to be given to `add` and, when its caller is through with it, to `give_back`."""
        request = self._spare.pop() if self._spare else Request()
        request.first = first
        request.topic = topic
        request.payload = payload
        request.qos = qos
        request.deadline_ms = time.ticks_add(time.ticks_ms(), timeout_ms)
        return request

    def give_back(self, request):
        """Its caller does not wait any longer, for whatever reason; an acknowledgement yet to come is ignored."""
        if request.packet_id and self._in_flight.get(request.packet_id) is request:
            del self._in_flight[request.packet_id]
        elif request in self._waiting:
            self._waiting.remove(request)
        request._clear()
        if len(self._spare) < self._window:
            self._spare.append(request)

    def add(self, request):
        """Put the request behind those that wait."""
        self._order = request.order = self._order + 1
        self._waiting.append(request)

    @property
    def idle(self):
        """Nothing waits, neither to be sent nor for an acknowledgement."""
        return not self._waiting and not self._in_flight

    @property
    def waiting(self):
        """How many requests wait to be sent."""
        return len(self._waiting)

    def next(self):
        """The next request to be sent, with its packet id; None when there is none or the window is full."""
        if not self._waiting:
            return None
        request = self._waiting[0]
        if not request.qos:
            return self._waiting.pop(0)
        if len(self._in_flight) >= self._window:
            return None
        if not request.packet_id:
            request.packet_id = self._next_packet_id()
        self._in_flight[request.packet_id] = request
        return self._waiting.pop(0)

    def _next_packet_id(self):
        # MQTT 3.1.1, 2.3.1: never 0, never one that is in use. One may be in use by a request that waits to be sent
        # again after a reconnect; those are looked through, too.
        while True:
            self._packet_id = (self._packet_id & _PACKET_ID_MASK) + 1
            if self._packet_id > _PACKET_ID_MASK:
                self._packet_id = 1
            if self._packet_id not in self._in_flight and not self._waits_with(self._packet_id):
                return self._packet_id

    def _waits_with(self, packet_id):
        for request in self._waiting:
            if request.packet_id == packet_id:
                return True
            if not request.packet_id:
                return False  # those with ids stand in front
        return False

    def acknowledged(self, packet_id, kind):
        """The request that an acknowledgement (PUBACK, SUBACK, UNSUBACK) is for, no longer in flight; or None.

        Errors: `protocol` when the request with this id is of another kind.
        """
        request = self._in_flight.get(packet_id)
        if request is None:
            return None  # of a caller who gave up, or of an earlier life with the same session
        if kind != _ACKNOWLEDGED_BY[request.first & 0xF0]:
            raise errors.error("protocol", "acknowledgement of type %d for another packet" % (kind >> 4))
        del self._in_flight[packet_id]
        return request

    def reconnected(self, session_present):
        """A new connection: all that was in flight waits in front, to be sent again in its old order.

        With the old session the peer may know the packets: the same ids, DUP. Without it they are new.
        """
        again = sorted(self._in_flight.values(), key=_order)
        self._in_flight.clear()
        for request in again:
            request.tries = 0
            request.resend = session_present
            if not session_present:
                request.packet_id = 0
        self._waiting = again + self._waiting

    def unacknowledged(self, before_ms):
        """The oldest request in flight that was not sent since the tick `before_ms`; or None."""
        oldest = None
        for request in self._in_flight.values():
            late = time.ticks_diff(request.sent_ms, before_ms) < 0
            if late and (oldest is None or request.order < oldest.order):
                oldest = request
        return oldest

    def expire(self, error):
        """Finish what is past its caller's deadline with `error`; returns how many."""
        now_ms = time.ticks_ms()
        late = [r for r in self._waiting if time.ticks_diff(now_ms, r.deadline_ms) >= 0]
        late += [r for r in self._in_flight.values() if time.ticks_diff(now_ms, r.deadline_ms) >= 0]
        self._finish(late, error)
        return len(late)

    def fail(self, error, but_publishes):
        """The connection ended: finish everything with `error`, `but_publishes` when they may be sent on the next."""
        requests = self._waiting + list(self._in_flight.values())
        if but_publishes:
            requests = [r for r in requests if r.first & 0xF0 != packets.PUBLISH]
        self._finish(requests, error)

    def _finish(self, requests, error):
        for request in requests:
            if request.packet_id and self._in_flight.get(request.packet_id) is request:
                del self._in_flight[request.packet_id]
            else:
                self._waiting.remove(request)
            request.finish(error)


_ACKNOWLEDGED_BY = {
    packets.PUBLISH: packets.PUBACK,
    packets.SUBSCRIBE & 0xF0: packets.SUBACK,
    packets.UNSUBSCRIBE & 0xF0: packets.UNSUBACK,
}


def _order(request):
    return request.order
