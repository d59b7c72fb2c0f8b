"""One MQTT connection that stands: its reader, its flusher and its keeper.

The reader takes packets in and acknowledges them; the flusher finishes writes for which the socket had no room; the
keeper re-sends what was not acknowledged, pings, and notices a dead link. Whatever ends the connection goes through
`fail`, once.
"""

import asyncio
import time
from asyncio import core

from micropython import const

import errors

from .link import explain, readable
from .sender import Sender

_KEEPER_MS = const(250)
_BYTES_PER_TURN = const(4096)  # received in a row, before the other tasks get a turn

_CONNACK = const(0x20)
_PUBACK = const(0x40)
_SUBACK = const(0x90)
_UNSUBACK = const(0xB0)
_PINGRESP = const(0xD0)


class Connection(Sender):
    """Serves `link`, on which CONNECT has been sent, until `error` is set.

    `deliver(topic, payload)` is called with bytes and a memoryview, `dropped(topic, reason)` for a message that was
    skipped, `ended(error)` once at the end. None of them may wait.
    """

    def __init__(self, link, receiver, outbox, send_buffer, timing, deliver, dropped, ended):
        super().__init__(link, outbox, send_buffer)
        self.answered = False  # CONNACK was received
        self.refusal = 0  # its return code
        self.session_present = 0
        self.opened = asyncio.Event()  # CONNACK received, or ended
        self._receiver = receiver
        self._timing = timing
        self._deliver = deliver
        self._dropped = dropped
        self._ended = ended
        self._topic = b""  # of the last message: the next one often has the same
        self._taking = False
        self._heard_ms = self._pinged_ms = time.ticks_ms()
        self._tasks = ()

    def start(self):
        """Start the tasks."""
        self._tasks = [asyncio.create_task(self._guarded(work())) for work in (self._read, self._flush, self._keep)]

    async def _guarded(self, work):
        try:
            await work
        except (errors.DeviceError, OSError, MemoryError) as failure:
            self.fail(failure)
        except Exception as failure:  # noqa: BLE001 - a mistake of ours ends the connection, not the device
            self.fail(errors.error("task_failed", "mqtt", repr(failure)))

    def fail(self, error):
        """End the connection with `error`: an errors.DeviceError, or what the socket raised."""
        if self.error is not None:
            return
        if not isinstance(error, errors.DeviceError):
            error = explain("connection_failure", error)
        if not self.answered or error.code == "connection_lost":  # `judge` has nothing to say of other ends
            explain("judge", error, self)
        self.error = error
        self.ready = False
        for task in self._tasks:
            # Neither the task that runs nor the reader while it delivers can be cancelled: they see `error` and return.
            if task is not core.cur_task and not (self._taking and task is self._tasks[0]):
                task.cancel()
        self._link.close()
        self._receiver.reset()
        if self._writing is not None and not self._writing.qos:
            self._writing.finish(error)
        self._ended(error)
        self.opened.set()

    # Receiving

    async def _read(self):
        receiver = self._receiver
        link = self._link
        in_turn = 0
        while True:
            space = receiver.space()
            count = link.stream.readinto(space)
            if count:
                self._heard_ms = time.ticks_ms()
                receiver.added(count)
                while not self._take_packets():
                    # The peer does not read, so there is no room for our acknowledgements: read nothing more either.
                    self._drained.clear()
                    await self._drained.wait()
                if self.error is not None:
                    return
            elif count == 0:
                raise errors.error("connection_lost", "by the other side")
            if count == len(space):  # there may be more in the TLS layer, where the poller does not see it
                in_turn += count
                if in_turn < _BYTES_PER_TURN:
                    continue
            in_turn = 0
            self._send_acks()
            if count == len(space):
                await core.sleep_ms(0)
            else:
                await readable(link.raw)

    def _take_packets(self):
        """Handle every whole packet in the receiver; False when there was no room for more acknowledgements."""
        receiver = self._receiver
        self._taking = True
        try:
            while self.error is None:
                if self._acks_end == len(self._acks) and not self._send_acks():
                    return False
                if not receiver.next():
                    break
                if receiver.first >> 4 == 3:
                    self._take_message()
                else:
                    self._take_answer(receiver.first, receiver.body, receiver.stop)
        finally:
            self._taking = False
        return True

    def _take_message(self):
        receiver = self._receiver
        buffer = receiver.buffer
        at = receiver.body
        qos_bits = receiver.first & 6  # 2 for QoS 1, which is as many as the packet id has bytes
        if not self.ready or qos_bits > 2 or receiver.stop - at < 2:
            raise errors.error("protocol", "PUBLISH of type %02x" % receiver.first)
        size = buffer[at] << 8 | buffer[at + 1]
        at += 2
        payload_at = at + size + qos_bits
        if not size or payload_at > receiver.stop:
            raise errors.error("protocol", "a topic of %d bytes" % size)
        topic = self._topic
        if len(topic) != size or not buffer.startswith(topic, at):
            topic = self._topic = bytes(receiver.view[at : at + size])
        if qos_bits:
            self._acknowledge(buffer[payload_at - 2], buffer[payload_at - 1])
        if receiver.skipped:
            self._dropped(topic, receiver.skipped)
        else:
            self._deliver(topic, receiver.view[payload_at : receiver.stop])

    def _take_answer(self, first, at, stop):
        buffer = self._receiver.buffer
        if first == _PINGRESP and at == stop and self.ready:
            return
        if first == _CONNACK and stop - at == 2 and not self.opened.is_set():
            self._take_connack(buffer[at], buffer[at + 1])
            return
        short = stop - at == 2 and first in (_PUBACK, _UNSUBACK)
        if not self.ready or not (short or (first == _SUBACK and stop - at > 2)):
            raise explain("unexpected_packet", first, stop - at)
        request = self._outbox.acknowledged(buffer[at] << 8 | buffer[at + 1], first)
        if request is not None:
            if first == _SUBACK:
                request.granted = bytes(buffer[at + 2 : stop])
            request.finish()
            self.pump()

    def _take_connack(self, flags, code):
        if flags > 1:
            raise errors.error("protocol", "CONNACK flags %02x" % flags)
        self.answered = True
        self.refusal = code
        self.session_present = flags
        if code == 0:
            self.ready = True
            self._outbox.expire("not_connected")  # else it would be sent again, too late
            self._outbox.reconnected(flags == 1)
            self.pump()
        self.opened.set()

    # Keeping

    def is_unheard(self):
        """Whether something waits for the other side, of which nothing came for as long as an answer may take."""
        before_ms = time.ticks_add(time.ticks_ms(), -self._timing.ack_ms)
        if time.ticks_diff(self._heard_ms, before_ms) > 0:
            return False
        return self._link.busy or self._outbox.is_overdue(before_ms)

    async def _keep(self):
        while self.error is None:  # a write of its own may have ended the connection
            await core.sleep_ms(_KEEPER_MS)
            self._outbox.expire("no_acknowledgement")
            if self._link.busy:
                self._check_writing()
            if self.ready:
                self._resend()
                self._keep_alive()

    def _check_writing(self):
        """A peer that takes nothing, or too slowly, ends the connection: what is half written cannot be taken back."""
        now_ms = time.ticks_ms()
        stalled = time.ticks_diff(now_ms, self._spoke_ms) >= self._timing.ack_ms * self._timing.tries
        writing = self._writing
        if stalled or (writing is not None and time.ticks_diff(now_ms, writing.deadline_ms) >= 0):
            raise errors.error("connection_lost", "the other side does not read")

    def _resend(self):
        before_ms = time.ticks_add(time.ticks_ms(), -self._timing.ack_ms)
        while not self._link.busy and self.error is None:
            request = self._outbox.unacknowledged(before_ms)
            if request is None:
                return
            if request.tries >= self._timing.tries:
                raise errors.error("no_acknowledgement")
            self._transmit(request)

    def _keep_alive(self):
        """Ping when nothing was received, or sent, for half of the keepalive; all of it without a byte is the end."""
        keepalive_ms = self._timing.keepalive_ms
        if not keepalive_ms:
            return
        now_ms = time.ticks_ms()
        silent_ms = time.ticks_diff(now_ms, self._heard_ms)
        if silent_ms >= keepalive_ms:
            raise errors.error("no_pingresp")
        quiet_ms = max(silent_ms, time.ticks_diff(now_ms, self._spoke_ms))
        if quiet_ms <= keepalive_ms // 2:
            self._pinged_ms = time.ticks_add(now_ms, -quiet_ms)  # it must not grow old: ticks wrap around
        elif time.ticks_diff(now_ms, self._pinged_ms) > keepalive_ms // 2 and not self._link.busy:
            self._pinged_ms = now_ms
            self._send(b"\xc0\x00", 2)
