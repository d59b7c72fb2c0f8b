"""One MQTT client's dialogue with the broker, by AWS IoT's rules: what is answered, and what ends the connection."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

from tools.cloud import packets, presence
from tools.cloud.interfaces import Identity
from tools.cloud.limits import Bucket
from tools.cloud.packets import Connect, PacketError, ProtocolVersionError, Publish
from tools.cloud.permissions import Permissions, refusal
from tools.cloud.reserved import check_publish, check_subscribe
from tools.cloud.service_queue import ServiceQueue
from tools.cloud.session import Message, Session
from tools.cloud.tls_alert import send_certificate_unknown
from tools.cloud.wire import Wire

if TYPE_CHECKING:
    from tools.cloud.broker import Broker

_REMEMBERED_TOPICS = 1024


class Connection(Wire):
    """A connected client. `session` is None before CONNECT and after the end."""

    def __init__(self, broker: Broker):
        super().__init__(broker.limits, broker.faults, broker.clock)
        self.broker = broker
        self.session: Session | None = None
        self.identity: Identity | None = None
        self.permissions: Permissions | None = None
        self.certificate_der = b""
        self.source_ip = ""
        self.connect: Connect | None = None
        self.session_id = str(uuid.uuid4())
        self.end_reason: str | None = None
        self.opened_at = broker.clock()
        self.services = ServiceQueue(self, broker.limits, broker.log, broker.tasks)
        self._throttled = 0  # messages discarded since the last one within the rate
        self._may_publish: set[str] = set()
        self._withheld: set[int] = set()  # what a fault left unacknowledged
        self._rate, self._rate_out = self._bucket(), self._bucket()
        self._handlers = {
            packets.SUBSCRIBE: self._on_subscribe,
            packets.UNSUBSCRIBE: self._on_unsubscribe,
            packets.PINGREQ: self._on_pingreq,
            packets.DISCONNECT: self._on_disconnect,
            packets.CONNECT: self._on_second_connect,
        }

    def _bucket(self) -> Bucket | None:
        return Bucket(self.limits.publishes_per_s, self.clock) if self.limits.publishes_per_s else None

    # ---- the transport's side ----

    def connection_made(self, transport) -> None:
        super().connection_made(transport)
        self.source_ip = (transport.get_extra_info("peername") or ("",))[0]  # None: the peer has gone already
        tls = transport.get_extra_info("ssl_object")
        if tls is not None:
            self.certificate_der = tls.getpeercert(binary_form=True) or b""
        self.identity = self.broker.registry.connection(self.certificate_der)
        reason = refusal(self.identity)
        self.broker.opened(self)
        if reason:
            if tls is not None:
                send_certificate_unknown(transport)
            self.end(presence.AUTH_ERROR, reason, at_once=True)

    def packet_received(self, first: int, body: bytes) -> None:
        if self.broker.tap is not None:
            self.broker.tap(self, first, body)
        kind = first & 0xF0
        if self.session is None:
            if kind != packets.CONNECT:
                raise PacketError("the first packet is not a CONNECT")
            self._on_connect(packets.decode_connect(body))
        elif kind == packets.PUBLISH:
            self._on_publish(packets.decode_publish(first, body))
        elif kind == packets.PUBACK:
            self.session.acknowledged(packets.decode_packet_id(body))
        else:
            self._handlers[first](body)

    def broken(self, error: PacketError) -> None:
        if isinstance(error, ProtocolVersionError):
            self.send(packets.connack(packets.UNACCEPTABLE_PROTOCOL))
        self.end(presence.CLIENT_ERROR, str(error))

    def drained(self) -> None:
        if self.session is not None:
            self.session.pump()

    def delayed(self, wait_s: float) -> None:
        self.broker.log("throughput_delayed", client_id=self.client_id, seconds=wait_s)

    def gone(self) -> None:
        self.end(presence.CONNECTION_LOST)
        self.broker.closed(self)

    def end(self, reason: str, detail: str = "", at_once: bool = False) -> None:
        """The one way out: close, leave the session, publish the last will unless the client took its leave.

        `reason` is one of `presence`; `at_once` throws away what is still to be sent.
        """
        if at_once:
            self.cut_off()
        else:
            self.close()
        self.broker.ended(self, reason, detail)

    def sweep(self, now: float) -> None:
        """End what is overdue: a close, a CONNECT, a sign of life."""
        if self.overdue(now):
            self.cut_off()
        elif self.session is None:
            if now - self.opened_at >= self.limits.connect_timeout_s:
                self.end(presence.CLIENT_ERROR, "no CONNECT in time")
        elif now - self.received_at >= self.limits.keepalive(self.connect.keepalive_s) * self.limits.keepalive_grace:
            self.end(presence.KEEP_ALIVE_TIMEOUT, "nothing was received for too long")

    # ---- what sessions, services and the broker ask ----

    def may_receive(self, topic: str) -> bool:
        return self.permissions.decide("iot:Receive", topic).allowed

    def take_turn(self) -> bool:
        return self._rate_out is None or self._rate_out.take()

    def too_slow(self, reason: str) -> None:
        self.end(presence.SERVER_INITIATED, f"slow consumer: {reason}", at_once=True)

    def reply(self, topic: str, payload: bytes) -> bool:
        """See `interfaces.Client`."""
        return self.session is not None and self.broker.deliver_to(self.session, topic, payload)

    def permissions_changed(self) -> None:
        self._may_publish.clear()
        if self.permissions is not None:
            self.permissions.forget()

    # ---- CONNECT ----

    def _on_connect(self, connect: Connect) -> None:
        self.client_id, self.connect = connect.client_id, connect
        identity = self.broker.registry.connection(self.certificate_der)
        code, detail = self._refuse_connect(connect, identity)
        if code:
            if not self.faults.strikes("no_connack", self.number, self.client_id):
                self.send(packets.connack(code))
            self.end(presence.THROTTLED if code == packets.SERVER_UNAVAILABLE else presence.AUTH_ERROR, detail)
            return
        self.identity = identity
        self.session, present = self.broker.admit(self)
        if not self.faults.strikes("no_connack", self.number, self.client_id):
            self.send(packets.connack(packets.ACCEPTED, present))
        self.broker.joined(self, present)
        if self.faults.strikes("close_after_connack", self.number, self.client_id):
            self.end(presence.SERVER_INITIATED, "ordered fault: close_after_connack")
            return
        self.session.attach(self)

    def _refuse_connect(self, connect: Connect, identity: Identity | None) -> tuple[int, str]:
        """The CONNACK code that refuses, and why; 0: welcome."""
        client_id = connect.client_id
        if not client_id or client_id.startswith("$"):
            return packets.IDENTIFIER_REJECTED, "the client id must not be empty or begin with $"
        if len(client_id.encode()) > self.limits.client_id_bytes:
            return packets.IDENTIFIER_REJECTED, f"the client id is longer than {self.limits.client_id_bytes} bytes"
        reason = refusal(identity)
        if reason:
            return packets.NOT_AUTHORISED, reason
        if connect.will is not None:
            if connect.will.qos == 2:
                raise PacketError("last will of QoS 2, which AWS IoT does not have")
            check_publish(connect.will.topic, connect.will.retain, self.limits)
        self.permissions = Permissions(self.broker.registry, self.certificate_der, connect, self.source_ip)
        decision = self.permissions.decide("iot:Connect", client_id)
        if not decision.allowed:
            return packets.NOT_AUTHORISED, decision.reason
        reason = self.broker.too_busy_for(client_id)
        return (packets.SERVER_UNAVAILABLE, reason) if reason else (packets.ACCEPTED, "")

    def _on_second_connect(self, body: bytes) -> None:
        raise PacketError("a second CONNECT")

    # ---- PUBLISH ----

    def _on_publish(self, publish: Publish) -> None:
        if publish.qos == 2:
            raise PacketError("PUBLISH of QoS 2, which AWS IoT does not have")
        if len(publish.payload) > self.limits.payload_bytes:
            raise PacketError(f"payload of {len(publish.payload)} bytes, the limit is {self.limits.payload_bytes}")
        if self._rate is not None and not self._within_rate():
            return
        if (publish.retain or publish.topic not in self._may_publish) and not self._authorise(publish):
            return
        if publish.qos and not self._acknowledge(publish.packet_id):
            return
        self.broker.accept(self, publish)

    def _within_rate(self) -> bool:
        """AWS discards what is beyond the rate; the connection stays. QoS 1 is not acknowledged, so it comes again."""
        if self._rate.take():
            if self._throttled:
                self.broker.log("publishes_throttled", client_id=self.client_id, discarded=self._throttled)
                self._throttled = 0
            return True
        self._throttled += 1
        return False

    def _authorise(self, publish: Publish) -> bool:
        """Check topic and policy, and end the connection when they forbid it, as AWS does."""
        topic = publish.topic
        check_publish(topic, publish.retain, self.limits)
        decision = self.permissions.decide("iot:Publish", topic)
        if decision.allowed and publish.retain:
            decision = self.permissions.decide("iot:RetainPublish", topic)
        if not decision.allowed:
            self.end(presence.FORBIDDEN_ACCESS, decision.reason)
            return False
        if not publish.retain:
            if len(self._may_publish) >= _REMEMBERED_TOPICS:
                self._may_publish.clear()
            self._may_publish.add(topic)
        return True

    def _acknowledge(self, packet_id: int) -> bool:
        """Send PUBACK. False: so many are unacknowledged that AWS takes no more."""
        if self.faults.strikes("no_puback", self.number, self.client_id):
            if packet_id not in self._withheld and len(self._withheld) >= self.limits.unacknowledged:
                return False
            self._withheld.add(packet_id)
            return True
        self._withheld.discard(packet_id)
        self.send(packets.puback(packet_id))
        return True

    # ---- SUBSCRIBE and the rest ----

    def _on_subscribe(self, body: bytes) -> None:
        packet_id, asked = packets.decode_subscribe(body)
        if len(asked) > self.limits.filters_per_subscribe:
            raise PacketError(f"{len(asked)} filters in one SUBSCRIBE; at most {self.limits.filters_per_subscribe}")
        for topic_filter, _ in asked:
            check_subscribe(topic_filter, self.limits)
            decision = self.permissions.decide("iot:Subscribe", topic_filter)
            if not decision.allowed:
                self.end(presence.FORBIDDEN_ACCESS, decision.reason)
                return
        granted = [self._subscribe(topic_filter, min(qos, 1)) for topic_filter, qos in asked]
        if not self.faults.strikes("no_suback", self.number, self.client_id):
            self.send(packets.suback(packet_id, granted))
        accepted = [each for each, qos in zip(asked, granted, strict=True) if qos != packets.SUBSCRIPTION_REFUSED]
        self.broker.subscribed(self, [topic_filter for topic_filter, _ in accepted])

    def _subscribe(self, topic_filter: str, qos: int) -> int:
        session = self.session
        if topic_filter not in session.subscriptions and len(session.subscriptions) >= self.limits.subscriptions:
            self.broker.log("subscription_refused", client_id=self.client_id, filter=topic_filter, reason="too many")
            return packets.SUBSCRIPTION_REFUSED
        session.subscriptions[topic_filter] = qos
        self.broker.subscriptions.add(topic_filter, session, qos)
        return qos

    def _on_unsubscribe(self, body: bytes) -> None:
        packet_id, filters = packets.decode_unsubscribe(body)
        for topic_filter in filters:
            if self.session.subscriptions.pop(topic_filter, None) is not None:
                self.broker.subscriptions.remove(topic_filter, self.session)
        self.send(packets.unsuback(packet_id))
        self.broker.unsubscribed(self, filters)

    def _on_pingreq(self, body: bytes) -> None:
        if not self.faults.strikes("no_pingresp", self.number, self.client_id):
            self.send(packets.PINGRESP_PACKET)

    def _on_disconnect(self, body: bytes) -> None:
        self.end(presence.CLIENT_INITIATED)

    def will(self) -> Message | None:
        """The last will, if there is one and the policy (still) allows to publish it."""
        will = self.connect.will if self.connect else None
        if will is None or self.permissions is None:
            return None
        actions = ["iot:Publish"] + (["iot:RetainPublish"] if will.retain else [])
        if not all(self.permissions.decide(action, will.topic).allowed for action in actions):
            self.broker.log("will_forbidden", client_id=self.client_id, topic=will.topic)
            return None
        return Message(will.topic, will.payload, will.qos, will.retain)
