"""What AWS IoT Core allows a device, as numbers that a test can change.

Values are the defaults of "AWS IoT Core endpoints and quotas" (AWS General Reference), per connection unless it says
otherwise. Rates can be switched off for benchmarks: `Limits().without_rates()`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from tools.cloud.interfaces import Clock


@dataclass(frozen=True)
class Limits:
    payload_bytes: int = 128 * 1024
    client_id_bytes: int = 128
    topic_bytes: int = 256
    topic_slashes: int = 7
    filters_per_subscribe: int = 8
    subscriptions: int = 50
    keepalive_min_s: int = 30
    keepalive_max_s: int = 1200
    keepalive_grace: float = 1.5
    unacknowledged: int = 100  # QoS 1 messages in flight, each way
    session_expiry_s: float = 3600.0
    # Each way. From the client: what is beyond is discarded, without PUBACK; the connection stays. To the client: QoS 0
    # is discarded, QoS 1 waits for its turn.
    publishes_per_s: float | None = 100.0
    stored_per_s: float | None = 10.0  # to a client that has come back, of what waited for it; beside what is new
    metrics_interval_s: float = 300.0  # of one thing, between two reports to Device Defender
    websocket_s: float = 86400.0  # as long a WebSocket stands
    bytes_per_s: float | None = 512 * 1024.0  # from the client; what is beyond is delayed
    # AWS: one CONNECT a second for each client id. Off by default, because a device on the desk restarts faster than
    # any real one; switch it on to see how a firmware takes it (CONNACK 3, then closed).
    connect_interval_s: float = 0.0
    # AWS: True. Off by default, because on the desk much connects to an address, for which no name is sent.
    require_server_name: bool = False

    # Not AWS's numbers, but ours: what keeps one peer from harming the others.
    retry_s: float = 10.0  # an unacknowledged QoS 1 message is sent again after this
    retry_for_s: float = 3600.0  # and given up after this (AWS: one hour)
    connect_timeout_s: float = 30.0  # from the end of the handshake to CONNECT
    handshake_timeout_s: float = 30.0
    close_timeout_s: float = 5.0  # for the peer to take what is left to send before it is cut off
    frame_bytes: int = 256 * 1024  # of one WebSocket message, which may hold several packets
    write_buffer_bytes: int = 256 * 1024  # beyond it a consumer is slow: QoS 0 is dropped, QoS 1 waits
    waiting_messages: int = 10_000  # QoS 1 messages that wait for one session; beyond it a connected client is closed
    waiting_bytes: int = 8 * 1024 * 1024
    retained_messages: int = 10_000
    sessions: int = 10_000
    service_queue: int = 100  # messages to `$aws` services that wait, per connection
    service_timeout_s: float = 30.0  # for a service to deal with one

    def for_benchmarks(self) -> Limits:
        """Without limits per second, and with room for a burst that a measured client has yet to take."""
        room = {"write_buffer_bytes": 16 << 20, "waiting_messages": 250_000, "waiting_bytes": 64 << 20}
        return replace(self.without_rates(), **room)

    def without_rates(self) -> Limits:
        """The same without limits per second."""
        return replace(self, publishes_per_s=None, bytes_per_s=None, stored_per_s=None, connect_interval_s=0.0)

    @property
    def packet_bytes(self) -> int:
        """The largest packet read: a payload, a topic name of any legal length, identifier and lengths."""
        return self.payload_bytes + 65535 + 4

    def keepalive(self, asked_s: int) -> float:
        """The keep alive that AWS uses: 0 means the longest, everything else is brought into the range."""
        if asked_s == 0:
            return float(self.keepalive_max_s)
        return float(min(max(asked_s, self.keepalive_min_s), self.keepalive_max_s))


class Bucket:
    """A token bucket: one second's worth may come at once."""

    def __init__(self, per_s: float, clock: Clock):
        self._per_s = per_s
        self._clock = clock
        self._tokens = per_s
        self._at = clock()

    def take(self, count: float = 1.0) -> bool:
        """Take `count` if they are there."""
        self._refill()
        if self._tokens < count:
            return False
        self._tokens -= count
        return True

    def overdraw(self, count: float) -> float:
        """Take `count` in any case; the seconds until the debt is paid (0.0: there is none)."""
        self._refill()
        self._tokens -= count
        return max(0.0, -self._tokens / self._per_s)

    def _refill(self) -> None:
        now = self._clock()
        self._tokens = min(self._per_s, self._tokens + (now - self._at) * self._per_s)
        self._at = now
