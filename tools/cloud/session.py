"""What the broker remembers for one client id: its subscriptions and the QoS 1 messages on their way to it.

A session outlives its connection when the client asked for it (clean session 0). Messages go through `deliver`; what
cannot go out yet waits, within bounds. What waited for a client that was away is sent at AWS's rate for it, beside
what is new. What is sent again has no DUP flag: "The MQTT DUP flag is not supported" by AWS IoT.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable
from typing import Protocol

from tools.cloud.interfaces import Clock
from tools.cloud.limits import Bucket, Limits
from tools.cloud.packets import Publish, Will, publish_head

_LAST_PACKET_ID = 65535
_SHORTEST_S, _LONGEST_S = 1, 7 * 86400  # AWS's, of how long a message is good


class Message:
    """A message on its way to any number of sessions; encoded once for each QoS.

    `carried` and `expires_at` (as time.monotonic()) come from a publisher of MQTT 5: see `packets.Publish`.
    """

    __slots__ = ("_packet_0", "carried", "expires_at", "head_1", "payload", "qos", "retain", "topic")

    def __init__(self, topic: str, payload: bytes, qos: int, retain: bool = False, carried: bytes = b""):
        self.topic, self.payload, self.qos, self.retain = topic, payload, qos, retain
        self.carried = carried
        self.expires_at: float | None = None
        self._packet_0: bytes | None = None
        self.head_1: bytes | None = None

    @classmethod
    def of(cls, said: Publish | Will) -> Message:
        """What a client publishes, or leaves as its will."""
        message = cls(said.topic, said.payload, said.qos, False, said.carried)
        if said.expiry_s is not None:
            message.expire_in(said.expiry_s)
        return message

    def expire_in(self, seconds: int) -> None:
        """After this, a second at least and a week at most, it is given to nobody."""
        self.expires_at = time.monotonic() + min(max(seconds, _SHORTEST_S), _LONGEST_S)

    def is_over(self) -> bool:
        return self.expires_at is not None and time.monotonic() >= self.expires_at

    def packet_0(self) -> bytes:
        """The whole PUBLISH of QoS 0."""
        if self._packet_0 is None:
            self._packet_0 = publish_head(self.topic, len(self.payload), 0, self.retain) + self.payload
        return self._packet_0

    def packet_1(self, packet_id: int) -> bytes:
        """The whole PUBLISH of QoS 1 with this identifier."""
        if self.head_1 is None:
            self.head_1 = publish_head(self.topic, len(self.payload), 1, self.retain)
        return self.head_1 + packet_id.to_bytes(2, "big") + self.payload


class Outlet(Protocol):
    """A connection, as its session sees it."""

    writable: bool  # False: the client takes less than it is sent
    window: int  # so many QoS 1 messages may be unacknowledged

    def send_message(self, message: Message, packet_id: int = 0) -> None: ...

    def may_receive(self, message: Message) -> bool: ...

    def take_turn(self) -> bool:
        """Use up one of the messages a second that AWS sends to a client. False: there is none left now."""

    def too_slow(self, reason: str) -> None:
        """Close: what waits for this client has outgrown its bounds."""


class _InFlight:
    __slots__ = ("first_sent_at", "message", "sent_at")

    def __init__(self, message: Message, now: float):
        self.message = message
        self.first_sent_at = self.sent_at = now


Stored = tuple[int | None, Message]  # the identifier under which it was sent before, None: it was not


def _nowhere(message: Message) -> None:
    """The session ends with the broker."""


class Session:
    """`outlet` is the connection, None while the client is away. `dropped` counts messages that were lost here."""

    def __init__(self, client_id: str, clean: bool, limits: Limits, clock: Clock):
        self.client_id = client_id
        self.clean = clean
        self.mqtt_5 = False  # AWS lets nobody resume a session with another version of MQTT than it was made with
        self.outlet: Outlet | None = None
        self.left_at = clock()
        self.left_because: str | None = None
        self.expiry_s = limits.session_expiry_s
        self.subscriptions: dict[str, int] = {}
        self.dropped = 0
        self.is_kept = False  # something of its backlog is in the broker's memory
        self.stored: Callable[[Message], None] = _nowhere  # told of what waits for a client that is away
        self._limits = limits
        self._clock = clock
        self._waiting: deque[Message] = deque()
        self._waiting_bytes = 0
        self._in_flight: dict[int, _InFlight] = {}
        self._stored: deque[Stored] = deque()  # from before this connection
        self._stored_rate = Bucket(limits.stored_per_s, clock) if limits.stored_per_s else None
        self._last_id = 0

    def deliver(self, message: Message, qos: int) -> None:
        """Send a message with the lower of its QoS and `qos`, now or, QoS 1 only, when that becomes possible."""
        outlet = self.outlet
        if qos and message.qos:
            self._deliver_1(outlet, message)
        elif outlet is None:
            return  # QoS 0 is not stored for a client that is away
        elif not outlet.writable:
            self.dropped += 1
        elif outlet.may_receive(message):
            if outlet.take_turn():
                outlet.send_message(message)
            else:
                self.dropped += 1

    def acknowledged(self, packet_id: int) -> None:
        """PUBACK came. One that nobody waits for is the late answer to a repeated message: nothing to do."""
        if self._in_flight.pop(packet_id, None) is not None and (self._waiting or self._stored):
            self.pump()

    def attach(self, outlet: Outlet) -> None:
        """The client is there: what it has not acknowledged goes out again, then what has waited."""
        self.outlet = outlet
        self._stored = deque(self.backlog())
        self._waiting.clear()
        self._waiting_bytes = 0
        self.pump()

    def detach(self, reason: str | None = None) -> None:
        """The client has gone; `reason` is one of `presence`."""
        self._waiting.extend(message for packet_id, message in self._stored if packet_id is None)
        self._stored.clear()
        self._waiting_bytes = sum(len(message.payload) for message in self._waiting)
        self.outlet = None
        self.left_at, self.left_because = self._clock(), reason

    def backlog(self) -> list[Stored]:
        """Everything that is yet to be acknowledged, the oldest first."""
        sent = [(packet_id, each.message) for packet_id, each in self._in_flight.items()]
        unsent = [each for each in self._stored if each[0] is None]
        return [*sent, *unsent, *((None, message) for message in self._waiting)]

    def restore(self, backlog: Iterable[Stored], away_s: float, expiry_s: float | None) -> None:
        """Of a session that was kept elsewhere: its `backlog`, for how long its client has been away, and may be."""
        now = self._clock()
        self.left_at = now - away_s
        self.expiry_s = self.expiry_s if expiry_s is None else expiry_s
        for packet_id, message in backlog:
            if packet_id is None:
                self._waiting.append(message)
                self._waiting_bytes += len(message.payload)
            else:
                self._in_flight[packet_id] = _InFlight(message, now)
        self.is_kept = bool(self._waiting or self._in_flight)

    def pump(self) -> None:
        """Send what waits, as far as the window, the rates and the client allow."""
        self._pump_stored()
        while self._waiting and self._open() and self.outlet.take_turn():
            message = self._waiting.popleft()
            self._waiting_bytes -= len(message.payload)
            self._send_1(message)

    def _pump_stored(self) -> None:
        while self._stored and self.outlet is not None and self.outlet.writable:
            packet_id, message = self._stored[0]
            if packet_id is None and not self._open():
                return
            if packet_id is not None and packet_id not in self._in_flight:  # acknowledged meanwhile
                self._stored.popleft()
                continue
            if self._stored_rate is not None and not self._stored_rate.take():
                return
            self._stored.popleft()
            if packet_id is None:
                self._send_1(message)
            else:
                self._in_flight[packet_id].sent_at = self._clock()
                self.outlet.send_message(message, packet_id)

    def retry(self, now: float) -> None:
        """Send again what was not acknowledged in time, and give up what never is."""
        outlet = self.outlet
        if outlet is None or not outlet.writable:
            return
        to_come = {packet_id for packet_id, _ in self._stored}
        for packet_id, each in list(self._in_flight.items()):
            if packet_id in to_come:
                continue
            if now - each.first_sent_at >= self._limits.retry_for_s:
                del self._in_flight[packet_id]
                self.dropped += 1
            elif now - each.sent_at >= self._limits.retry_s:
                each.sent_at = now
                outlet.send_message(each.message, packet_id)
        self.pump()

    def expired(self, now: float) -> bool:
        return self.outlet is None and now - self.left_at >= self.expiry_s

    def _deliver_1(self, outlet: Outlet | None, message: Message) -> None:
        if not self._waiting and self._open() and self.outlet.take_turn():
            self._send_1(message)
            return
        limits = self._limits
        size = len(message.payload)
        full = len(self._waiting) >= limits.waiting_messages or self._waiting_bytes + size > limits.waiting_bytes
        if not full:
            self._waiting.append(message)
            self._waiting_bytes += size
            if outlet is None:
                self.is_kept = True
                self.stored(message)
            return
        self.dropped += 1
        if outlet is not None:
            outlet.too_slow(f"{len(self._waiting)} messages ({self._waiting_bytes} bytes) wait for it")

    def _open(self) -> bool:
        outlet = self.outlet
        return outlet is not None and outlet.writable and len(self._in_flight) < outlet.window

    def _send_1(self, message: Message) -> None:
        if message.is_over() or not self.outlet.may_receive(message):
            return
        packet_id = self._last_id
        while True:
            packet_id = packet_id + 1 if packet_id < _LAST_PACKET_ID else 1
            if packet_id not in self._in_flight:
                break
        self._last_id = packet_id
        self._in_flight[packet_id] = _InFlight(message, self._clock())
        self.outlet.send_message(message, packet_id)
