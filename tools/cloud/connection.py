"""One MQTT client's dialogue with the broker, by AWS IoT's rules: what is answered, and what ends the connection."""

from __future__ import annotations

import dataclasses
import functools
import uuid
from typing import TYPE_CHECKING

from tools.cloud import packets, presence
from tools.cloud.admission import refuse
from tools.cloud.interfaces import Identity
from tools.cloud.limits import Bucket
from tools.cloud.mqtt5 import NO_QOS_2, NOT_AUTHORISED, Mqtt5
from tools.cloud.mqtt311 import Mqtt311
from tools.cloud.packets import Connect, PacketError, ProtocolVersionError, Publish, Will
from tools.cloud.permissions import Permissions, refusal
from tools.cloud.reserved import check_publish
from tools.cloud.service_queue import ServiceQueue
from tools.cloud.session import Message, Session
from tools.cloud.shares import share_of
from tools.cloud.subscribing import subscribe, unsubscribe
from tools.cloud.tls_alert import send_certificate_unknown
from tools.cloud.wire import Wire

if TYPE_CHECKING:
    from tools.cloud.broker import Broker

_REMEMBERED_TOPICS = 1024
_MQTT_3_1_1 = Mqtt311()


class Connection(Wire):
    """A connected client. `session` is None before CONNECT and after the end.

    It is judged by its certificate, unless it is `signed`: then by that identity, whose signature was good.
    """

    def __init__(self, broker: Broker, signed: Identity | None = None):
        super().__init__(broker.limits, broker.faults, broker.clock)
        self.broker = broker
        self._signed = signed
        self.session: Session | None = None
        self.identity: Identity | None = None
        self.permissions: Permissions | None = None
        self.certificate_der = b""
        self.source_ip = ""
        self.connect: Connect | None = None
        self.dialect: Mqtt311 | Mqtt5 = _MQTT_3_1_1
        self.window = self.limits.unacknowledged
        self._largest: int | None = None  # of the packets that the client takes
        self.session_id = str(uuid.uuid4())
        self.lifecycle_version = 0
        self.end_reason: str | None = None
        self.opened_at = broker.clock()
        self.services = ServiceQueue(self, broker.limits, broker.log, broker.tasks)
        self._leaves_will = False
        self._throttled = 0  # messages discarded since the last one within the rate
        self._may_publish: set[str] = set()
        self._withheld: set[int] = set()  # what a fault left unacknowledged
        self._rate, self._rate_out = self._bucket(), self._bucket()
        self._handlers = {
            packets.SUBSCRIBE: functools.partial(subscribe, self),
            packets.UNSUBSCRIBE: functools.partial(unsubscribe, self),
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
        self.identity = self.registered()
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
            if packets.is_mqtt_5(body):
                self.dialect = Mqtt5(self.limits)
            self._on_connect(self.dialect.decode_connect(body))
        elif kind == packets.PUBLISH:
            self._on_publish(self.dialect.decode_publish(first, body))
        elif kind == packets.PUBACK:
            self.session.acknowledged(self.dialect.decode_acknowledgement(body))
        else:
            self._handlers[first](body)

    def broken(self, error: PacketError) -> None:
        if isinstance(error, ProtocolVersionError):
            self.send(self.dialect.connack(packets.UNACCEPTABLE_PROTOCOL))
        self.end(presence.CLIENT_ERROR, str(error), code=error.code)

    def drained(self) -> None:
        if self.session is not None:
            self.session.pump()

    def delayed(self, wait_s: float) -> None:
        self.broker.log("throughput_delayed", client_id=self.client_id, seconds=wait_s)

    def gone(self) -> None:
        self.end(presence.CONNECTION_LOST)
        self.broker.closed(self)

    def end(self, reason: str, detail: str = "", at_once: bool = False, code: int | None = None) -> None:
        """The one way out: close, leave the session, publish the last will unless the client took its leave.

        `reason` is one of `presence`; `at_once` throws away what is still to be sent; `code` is told in MQTT 5.
        """
        if at_once:
            self.cut_off()
        else:
            if self.session is not None:
                self.send(self.dialect.farewell(reason, detail, code))
            self.close()
        self.broker.ended(self, reason, detail)

    def sweep(self, now: float) -> None:
        """End what is overdue: a close, a CONNECT, a sign of life."""
        if self.overdue(now):
            self.cut_off()
        elif self.session is None:
            if now - self.opened_at >= self.limits.connect_timeout_s:
                self.end(presence.CLIENT_ERROR, "no CONNECT in time")
        elif self._signed and now - self.opened_at >= self.limits.websocket_s:
            self.end(presence.WEBSOCKET_TTL, "a WebSocket lives no longer")
        elif now - self.received_at >= self.limits.keepalive(self.connect.keepalive_s) * self.limits.keepalive_grace:
            self.end(presence.KEEP_ALIVE_TIMEOUT, "nothing was received for too long")

    # ---- what sessions, services and the broker ask ----

    def registered(self) -> Identity | None:
        """Who the client is now; None: nobody who is registered."""
        return self._signed or self.broker.registry.connection(self.certificate_der)

    def send_message(self, message: Message, packet_id: int = 0) -> None:
        self.send(self.dialect.publish(message, packet_id))

    def may_receive(self, message: Message) -> bool:
        largest = self._largest
        if largest is not None and len(self.dialect.publish(message, 1)) > largest:
            return False
        if self.permissions.decide("iot:Receive", message.topic).allowed:
            return True
        shares = [shared[0] for shared in map(share_of, self.session.subscriptions) if shared]
        return any(self.permissions.decide("iot:Receive", f"{share}/{message.topic}").allowed for share in shares)

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
        self.window, self._largest = min(self.limits.unacknowledged, connect.receive_maximum), connect.packet_maximum
        identity = self.registered()
        try:
            code, detail = refuse(self, connect, identity)
        except PacketError as error:
            if error.code is None or not self.dialect.answers_refusals:
                raise
            code, detail = error.code, str(error)
        if code:
            if not self.faults.strikes("no_connack", self.number, self.client_id):
                self.send(self.dialect.connack(code, reason=detail))
            self.end(presence.THROTTLED if code == packets.SERVER_UNAVAILABLE else presence.AUTH_ERROR, detail)
            if code == packets.NOT_AUTHORISED and identity is not None:
                self.broker.presence.connect_failed(self)
            return
        self.identity = identity
        self.session, present = self.broker.admit(self)
        if not self.faults.strikes("no_connack", self.number, self.client_id):
            self.send(self.dialect.connack(packets.ACCEPTED, present, connect))
        self.broker.joined(self, present)
        if self.faults.strikes("close_after_connack", self.number, self.client_id):
            self.end(presence.SERVER_INITIATED, "ordered fault: close_after_connack")
            return
        self.session.attach(self)

    def _on_second_connect(self, body: bytes) -> None:
        raise PacketError("a second CONNECT")

    # ---- PUBLISH ----

    def _on_publish(self, publish: Publish) -> None:
        if publish.qos == 2:
            if self.dialect.answers_refusals:
                raise PacketError("PUBLISH of QoS 2, which AWS IoT does not have", NO_QOS_2)
            self.broker.log("qos_2_unanswered", client_id=self.client_id, publish=publish.topic)
            return
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
        decision = self.permissions.decide_publish(topic, publish.retain)
        if not decision.allowed:
            if self.dialect.answers_refusals and publish.qos:
                self.send(self.dialect.puback(publish.packet_id, NOT_AUTHORISED))
            else:
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
        self.send(self.dialect.puback(packet_id))
        return True

    # ---- the rest ----

    def _on_pingreq(self, body: bytes) -> None:
        if not self.faults.strikes("no_pingresp", self.number, self.client_id):
            self.send(packets.PINGRESP_PACKET)

    def _on_disconnect(self, body: bytes) -> None:
        self._leaves_will, expiry_s = self.dialect.decode_disconnect(body)
        if expiry_s is not None and not self.session.clean:
            self.broker.keep_for(self.session, expiry_s)
        self.end(presence.CLIENT_INITIATED)

    def withhold_will(self) -> None:
        """However this connection ends, its last will is not published."""
        self.connect = dataclasses.replace(self.connect, will=None)

    def will(self, reason: str) -> Will | None:
        """The last will, if there is one for this end and the policy still allows to publish it."""
        will = self.connect.will if self.connect else None
        if will is None or self.permissions is None or (reason == presence.CLIENT_INITIATED and not self._leaves_will):
            return None
        if not self.permissions.decide_publish(will.topic, will.retain).allowed:
            self.broker.log("will_forbidden", client_id=self.client_id, topic=will.topic)
            return None
        return will
