"""What the cloud saw of the device, in order and with times: the evidence of every case."""

import threading
import time
from dataclasses import dataclass, field

from tools.cloud import packets
from tools.cloud.mqtt5 import Mqtt5

_NAMES = {
    packets.CONNECT: "CONNECT",
    packets.PUBACK: "PUBACK",
    packets.SUBSCRIBE: "SUBSCRIBE",
    packets.UNSUBSCRIBE: "UNSUBSCRIBE",
    packets.PINGREQ: "PINGREQ",
    packets.DISCONNECT: "DISCONNECT",
}


class Ended(BaseException):
    """Nobody wants to know any more, as after Ctrl-C: no case may take it for an error of its own."""


@dataclass(frozen=True)
class Seen:
    """One thing: `what` (a packet's name, or an event of the cloud), when (monotonic seconds), on which connection."""

    what: str
    at: float
    connection: int = 0
    fields: dict = field(default_factory=dict)

    def __getitem__(self, name):
        return self.fields.get(name)


class Watch:
    """Hears the cloud's log and every packet; the case reads it in its own thread."""

    def __init__(self, client_id):
        self._client_id = client_id
        self._seen = []
        self._changed = threading.Condition()
        self._over = False
        self._address = None  # where it was when it last connected

    # ---- in the cloud's thread ----

    def log(self, event, **details):
        """For `LocalCloud(log=)`. Who fails before the CONNECT is known by the address alone."""
        own = details.get("client_id", self._client_id) == self._client_id
        if own and (self._address is None or details.get("source", self._address) == self._address):
            self._add(Seen(event, time.monotonic(), details.get("connection", 0), details))

    def packet(self, connection, first, body):
        """For `LocalCloud.tap`."""
        name, fields = _described(connection, first, body)
        if (fields.get("client_id") or connection.client_id) == self._client_id:
            self._address = connection.source_ip
            self._add(Seen(name, time.monotonic(), connection.number, dict(fields, tls=_tls(connection, name))))

    def _add(self, seen):
        with self._changed:
            self._seen.append(seen)
            self._changed.notify_all()

    # ---- in the case's thread ----

    def forget(self):
        """Begin anew: nothing has been seen."""
        with self._changed:
            self._seen.clear()

    def end(self):
        """Whoever waits here gets `Ended`."""
        with self._changed:
            self._over = True
            self._changed.notify_all()

    def pause(self, seconds):
        """Let time pass."""
        deadline = time.monotonic() + seconds
        with self._changed:
            while (left_s := deadline - time.monotonic()) > 0:
                self._wait(left_s)

    def _wait(self, seconds):
        if self._over:
            raise Ended
        self._changed.wait(seconds)

    def now(self):
        """A place in what was seen: what comes after it has not happened yet."""
        with self._changed:
            return len(self._seen)

    def since(self, place, what=None):
        """What was seen from there on, of one kind or all."""
        with self._changed:
            return [seen for seen in self._seen[place:] if what in (None, seen.what)]

    def wait_for(self, what, timeout_s, since=0, where=lambda _: True, count=1):
        """The `count`-th of its kind from that place on. Raises TimeoutError."""
        deadline = time.monotonic() + timeout_s
        with self._changed:
            while True:
                found = [seen for seen in self._seen[since:] if seen.what == what and where(seen)]
                if len(found) >= count:
                    return found[count - 1]
                left_s = deadline - time.monotonic()
                if left_s <= 0:
                    raise TimeoutError(f"{what}: {len(found)} of {count} in {timeout_s:.0f} s")
                self._wait(left_s)


def _described(connection, first, body):
    kind, dialect = first & 0xF0, connection.dialect
    if kind == packets.PUBLISH:
        publish = dialect.decode_publish(first, body)
        return "PUBLISH", {
            "topic": publish.topic, "qos": publish.qos, "dup": publish.dup, "retain": publish.retain,
            "id": publish.packet_id, "payload": bytes(publish.payload),
        }  # fmt: skip
    if kind == packets.CONNECT:
        if packets.is_mqtt_5(body):
            dialect = Mqtt5(connection.limits)  # the connection takes it on after this
        connect = dialect.decode_connect(body)
        return "CONNECT", {
            "client_id": connect.client_id, "clean": not connect.keeps_session, "keepalive_s": connect.keepalive_s,
        }  # fmt: skip
    if first == packets.SUBSCRIBE:
        packet_id, filters = dialect.decode_subscribe(body)
        return "SUBSCRIBE", {"id": packet_id, "filters": [name for name, _ in filters]}
    if kind == packets.PUBACK:
        return "PUBACK", _acknowledged(connection, dialect.decode_acknowledgement(body))
    return _NAMES.get(first, f"packet 0x{first:02x}"), {}


def _acknowledged(connection, packet_id):
    """Which message a PUBACK is for; only the id when nobody waits for it any more."""
    backlog = connection.session.backlog() if connection.session is not None else ()
    message = dict(backlog).get(packet_id)
    of = {} if message is None else {"topic": message.topic, "size": len(message.payload)}
    return {"id": packet_id, **of}


def _tls(connection, name):
    """(version, cipher suite) of a connection, once: with its CONNECT."""
    tls = connection.transport.get_extra_info("ssl_object") if name == "CONNECT" else None
    return (tls.version(), tls.cipher()[0]) if tls else None
