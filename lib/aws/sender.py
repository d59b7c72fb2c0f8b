"""The sending half of a connection: one packet, one write; what the socket does not take is finished by the flusher."""

import asyncio
import time

from micropython import const

import errors

from .link import borrow, writable
from .packets import publish_head

_ACK_BYTES = const(128)  # 32 acknowledgements go out in one write
_PUBLISHES_PER_TURN = const(8)  # QoS 0 in a row, before the other tasks get a turn
_ROOM_MS = const(20)  # until the next part of a message that comes in slices for want of memory

_PUBLISH = const(0x30)
_PUBACK = const(0x40)
_SUBSCRIBE = const(0x82)
_DUP = const(8)


class Sender:
    """Sends the requests of `outbox`, QoS 0 messages and acknowledgements over `link`, from `send_buffer`."""

    def __init__(self, link, outbox, send_buffer):
        self.ready = False  # CONNACK was received, requests may be sent
        self.error = None  # why the connection ended
        self._link = link
        self._outbox = outbox
        self._buffer = send_buffer
        self._acks = bytearray(_ACK_BYTES)
        self._acks_spare = bytearray(_ACK_BYTES)
        self._acks_end = 0
        self._in_turn = 0
        self._writing = None  # the request whose payload the link is busy with
        self._blocked = asyncio.Event()
        self._drained = asyncio.Event()
        self._spoke_ms = time.ticks_ms()
        self.last_topic = None  # of the last message, if that was of QoS 0: nothing says whether the cloud took it

    def publish_now(self, topic, payload, retain):
        """Send a QoS 0 message of bytes at once; False when it has to wait, take turns, or is too large for that."""
        size = len(payload)
        if not self.ready or self._link.busy or self._outbox.waiting or size + len(topic) + 9 > len(self._buffer):
            return False
        if self._in_turn >= _PUBLISHES_PER_TURN:
            self._in_turn = 0
            return False
        self._in_turn += 1
        self._send_publish(0x31 if retain else 0x30, topic, 0, payload)
        return self.error is None

    def pump(self):
        """Send what waits, as far as the window and the socket allow."""
        while self.ready and not self._link.busy:
            request = self._outbox.next()
            if request is None:
                return
            self._transmit(request)

    def send_last(self, packet):
        """Send a packet that has no acknowledgement (PINGREQ, DISCONNECT), where the socket has room."""
        if self.ready and not self._link.busy:
            self._send(packet, len(packet))

    def _transmit(self, request):
        request.sent_ms = time.ticks_ms()
        request.tries += 1
        first = request.first
        if first & 0xF0 != _PUBLISH:
            self._send_filters(first, request)
            return
        if request.qos and (request.resend or request.tries > 1):
            first |= _DUP
        try:
            complete = self._send_publish(first, request.topic, request.packet_id, request.payload)
        except MemoryError as failure:  # nothing of it is out; one of QoS 1 is in flight, and sent again
            if not request.qos:
                request.finish(failure)
            return
        if not complete and self.error is None:
            self._writing = request
        elif not request.qos:
            request.finish(self.error)

    def _send_filters(self, first, request):
        try:
            requests = borrow("requests")
        except MemoryError as failure:
            self.fail(failure)
            return
        if first == _SUBSCRIBE:
            packet = requests.subscribe(request.packet_id, request.topic, request.payload)
        else:
            packet = requests.unsubscribe(request.packet_id, request.topic)
        self._send(packet, len(packet))

    def _send_publish(self, first, topic, packet_id, payload):
        buffer = self._buffer
        self.last_topic = None if packet_id else topic
        size = len(payload)
        at = publish_head(buffer, first, topic, packet_id, size)
        room = len(buffer) - at
        if size <= room:
            buffer[at : at + size] = payload
            return self._send(buffer, at + size)
        # As much as fits goes with the head, the rest straight from the caller's own buffer.
        rest = memoryview(payload)
        buffer[at : at + room] = rest[:room]
        return self._send(buffer, at + room, rest, room)

    def _send(self, data, size, tail=None, tail_at=0):
        """Write; False when a part is left, which the flusher finishes, or when the connection ended."""
        self._spoke_ms = time.ticks_ms()
        try:
            if self._link.send(data, size, tail, tail_at):
                return True
        except (OSError, MemoryError) as failure:
            self.fail(failure)
            return False
        self._blocked.set()
        return False

    def abandon(self, request):
        """The caller has given up: the object will be reused, so that the end of this write must not finish it."""
        if self._writing is request:
            self._writing = None
            if not isinstance(request.payload, bytes):
                # Half of it is out, and its owner may change the buffer from now on.
                self.fail(errors.error("connection_lost", "a message was given up while it was written"))

    async def _flush(self):
        while True:
            await self._blocked.wait()
            self._blocked.clear()
            while self._link.busy:
                await writable(self._link.raw)
                self._spoke_ms = time.ticks_ms()  # the other side takes something
                if not self._link.resume() and self._link.network is not None:
                    await asyncio.sleep_ms(_ROOM_MS)
            request = self._writing
            if request is not None:
                if request.qos:
                    request.sent_ms = self._spoke_ms  # not before can it be acknowledged
                else:
                    request.finish()
                self._writing = None
            self._send_acks()
            self.pump()
            self._drained.set()

    def _acknowledge(self, high, low):
        # It leaves with the others when all that was received has been handed over.
        if not high and not low:
            raise errors.error("protocol", "packet id 0")
        acks = self._acks
        at = self._acks_end
        acks[at] = _PUBACK
        acks[at + 1] = 2
        acks[at + 2] = high
        acks[at + 3] = low
        self._acks_end = at + 4

    def _send_acks(self):
        """Write the collected acknowledgements; False when the socket is busy."""
        if not self._acks_end:
            return True
        if self._link.busy or self.error is not None:
            return False
        # The link may hold on to the buffer, so the next ones are collected in the other.
        acks, size = self._acks, self._acks_end
        self._acks, self._acks_spare = self._acks_spare, acks
        self._acks_end = 0
        self._send(acks, size)
        return True
