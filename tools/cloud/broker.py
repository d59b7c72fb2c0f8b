"""The data plane of the local AWS IoT: an MQTT broker with AWS IoT Core's rules, in one asyncio loop.

    broker = Broker(registry, services, time.monotonic, Limits(), Faults(), log)
    port = await broker.start("127.0.0.1", 0, ssl_context)

`interfaces.Broker` says what the control plane gets. A connection's dialogue is in `connection`, what is remembered
for a client id in `session`; here is what they share: who is connected, who gets a message, what is due.
"""

from __future__ import annotations

import asyncio
import math
import ssl
import time
from collections.abc import Sequence

from tools.cloud import presence
from tools.cloud.connection import Connection
from tools.cloud.faults import Faults
from tools.cloud.interfaces import Clock, Log, Memory, Registry, Service
from tools.cloud.limits import Limits
from tools.cloud.listener import Listener
from tools.cloud.memory import KeptSession, NoMemory
from tools.cloud.packets import Publish
from tools.cloud.reserved import is_heard
from tools.cloud.retained import Retained
from tools.cloud.session import Message, Session
from tools.cloud.shares import SharedSubscriptions

_SWEEP_S = 1.0


def silent(event: str, **details: object) -> None:
    """A log that keeps nothing."""


class Broker:
    def __init__(
        self,
        registry: Registry,
        services: Sequence[Service] = (),
        clock: Clock = time.monotonic,
        limits: Limits | None = None,
        faults: Faults | None = None,
        log: Log = silent,
        memory: Memory | None = None,
    ):
        self.tap = None  # hears each packet of a client: tap(connection, first byte, body)
        self.memory, self.registry = memory or NoMemory(), registry
        self.services = list(services)
        self.clock = clock
        self.limits = limits or Limits()
        self.faults = faults or Faults()
        self.log = log
        self.subscriptions = SharedSubscriptions()
        self.retained = Retained(self.limits.retained_messages, lambda: self.memory)
        self.sessions: dict[str, Session] = {}
        self.connections: dict[int, Connection] = {}
        self.tasks: set[asyncio.Task] = set()  # services at work
        self.presence = presence.Presence(self.publish, self.limits.sessions)
        self._connects: dict[str, float] = {}  # when a client id connected last
        self._listener: Listener | None = None
        self._sweeper: asyncio.Handle | None = None
        self._all_closed = asyncio.Event()

    # ---- see interfaces.Broker ----

    async def start(self, host: str = "127.0.0.1", port: int = 0, ssl_context: ssl.SSLContext | None = None) -> int:
        listener = Listener(lambda: Connection(self), self.faults, self.limits, self.log)
        listener.use(ssl_context)
        port = listener.open(host, port)
        self._listener = listener
        self._all_closed = asyncio.Event()
        self._sweeper = asyncio.get_running_loop().call_soon(self._sweep_for_ever)
        self.log("listening", host=host, port=port, tls=ssl_context is not None)
        return port

    async def stop(self) -> None:
        if self._listener is None:
            return
        self._sweeper.cancel()
        await self._listener.close()
        for connection in list(self.connections.values()):
            connection.end(presence.SERVER_INITIATED, "the broker stops")
        await self._closed_within(self.limits.close_timeout_s)
        for connection in list(self.connections.values()):
            connection.cut_off()
        await self._closed_within(self.limits.close_timeout_s)
        for task in list(self.tasks):
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)
        self._listener = None
        self.log("stopped")

    def use(self, ssl_context: ssl.SSLContext) -> None:
        if self._listener is None:
            raise RuntimeError("the broker is not running: give the context to start()")
        self._listener.use(ssl_context)

    def publish(self, topic: str, payload: bytes, qos: int = 0, retain: bool = False) -> int:
        return self.route(Message(topic, payload, qos), retain)

    def identity_changed(self, certificate_id: str | None = None) -> None:
        for connection in self._of_certificate(certificate_id):
            connection.permissions_changed()

    def disconnect_certificate(self, certificate_id: str) -> int:
        found = self._of_certificate(certificate_id)
        for connection in found:
            connection.permissions_changed()
            connection.end(presence.SERVER_INITIATED, "the certificate was deactivated")
        return len(found)

    # ---- what connections ask and tell ----

    def opened(self, connection: Connection) -> None:
        self.connections[connection.number] = connection
        self._all_closed.clear()
        self.log("opened", connection=connection.number, source=connection.source_ip)

    def closed(self, connection: Connection) -> None:
        self.connections.pop(connection.number, None)
        if not self.connections:
            self._all_closed.set()

    def too_busy_for(self, client_id: str) -> str:
        """Why a client that may connect cannot do so now; empty when it can, and then this CONNECT is on record."""
        now = self.clock()
        if now - self._connects.get(client_id, -math.inf) < self.limits.connect_interval_s:
            return f"less than {self.limits.connect_interval_s} s since its last CONNECT"
        if client_id not in self.sessions and len(self.sessions) >= self.limits.sessions:
            return f"there are {len(self.sessions)} sessions already"
        if self.limits.connect_interval_s:
            self._connects[client_id] = now
        return ""

    def admit(self, connection: Connection) -> tuple[Session, bool]:
        """The session of a client that may connect, and whether there was one. Who had its client id has to go."""
        client_id, connect = connection.client_id, connection.connect
        session = self.sessions.get(client_id)
        if session is not None and session.outlet is not None:
            session.outlet.end(presence.DUPLICATE_CLIENT_ID, "another connection took its client id")
            session = self.sessions.get(client_id)
        mqtt_5 = connect.session_expiry_s is not None
        present = session is not None and not connect.clean_session and session.mqtt_5 == mqtt_5
        if not present:
            if session is not None:
                self.forget(session)
            session = self._new_session(client_id, not connect.keeps_session, mqtt_5)
        expiry_s = connect.session_expiry_s
        self.keep_for(session, self.limits.session_expiry_s if expiry_s is None else expiry_s)
        return session, present

    def keep_for(self, session: Session, expiry_s: float) -> None:
        """How long a session that is kept outlives its connection."""
        session.expiry_s = expiry_s
        if not session.clean and not expiry_s:  # MQTT 5: it was resumed to end with this connection
            self.memory.forgotten(session.client_id)
            session.clean = True
        self._remember_subscriptions(session)

    def restore(self, kept: KeptSession) -> None:
        """A session as it was when another broker had it."""
        session = self._new_session(kept.client_id, False, kept.mqtt_5)
        session.restore(kept.messages, kept.away_s, kept.expiry_s)
        for topic_filter, qos in kept.subscriptions.items():
            session.subscriptions[topic_filter] = qos
            self.subscriptions.add(topic_filter, session, qos)

    def _new_session(self, client_id: str, clean: bool, mqtt_5: bool) -> Session:
        session = Session(client_id, clean, self.limits, self.clock)
        session.mqtt_5 = mqtt_5
        if not clean:
            session.stored = lambda message: self.memory.stored(client_id, message)
        self.sessions[client_id] = session
        return session

    def joined(self, connection: Connection, present: bool) -> None:
        client_id, principal = connection.client_id, connection.identity.certificate_id
        self.log("connected", client_id=client_id, certificate=principal, session_present=present)
        self.presence.connected(connection)

    def ended(self, connection: Connection, reason: str, detail: str) -> None:
        """A connection has ended: called as often as somebody notices, works once."""
        session, connection.session = connection.session, None
        if session is None:
            if connection.end_reason is None:
                self.log("refused", client_id=connection.client_id, reason=reason, detail=detail)
            connection.end_reason = connection.end_reason or reason
            return
        connection.end_reason = reason
        session.detach(reason)
        if session.clean:
            self.forget(session)
        else:
            self._remember(session)
        self.log("disconnected", client_id=session.client_id, reason=reason, detail=detail, dropped=session.dropped)
        will = connection.will(reason)
        if will is not None:
            self.route(Message.of(will), will.retain)
        self.presence.disconnected(connection, reason)

    def accept(self, connection: Connection, publish: Publish) -> None:
        """A client's message that has passed all checks."""
        topic = publish.topic
        if not topic.startswith("$"):
            self.route(Message.of(publish), publish.retain)
            return
        if is_heard(topic):
            self.route(Message.of(publish), False)
        connection.services.ask(self.services, topic, publish.payload)

    def subscribed(self, connection: Connection, filters: list[str], retained: list[str]) -> None:
        """Subscriptions stand and are acknowledged: retained messages follow, for those that ask for them."""
        session = connection.session
        messages = [(self.retained.message(each), session.subscriptions[each]) for each in retained]
        self._remember_subscriptions(session)
        self.log("subscribed", client_id=connection.client_id, filters=filters)
        self.presence.subscribed(connection, filters)
        for message, qos in messages:  # last: a client that is too slow for one of them ends here
            if message is not None:
                session.deliver(message, qos)

    def unsubscribed(self, connection: Connection, filters: list[str]) -> None:
        self._remember_subscriptions(connection.session)
        self.log("unsubscribed", client_id=connection.client_id, filters=filters)
        self.presence.subscribed(connection, filters, "unsubscribed")

    def deliver_to(self, session: Session, topic: str, payload: bytes) -> bool:
        """A service's answer: to this session alone, whether it subscribed to `topic` or not, as AWS has it."""
        subscribers = dict(self.subscriptions.matching(topic))
        if session not in subscribers:
            self.log("reply_unsubscribed", client_id=session.client_id, topic=topic)
        session.deliver(Message(topic, payload, 1), subscribers.get(session, 0))
        return True

    # ---- inside ----

    def route(self, message: Message, retain: bool) -> int:
        if retain and not self.retained.keep(message):
            self.log("retained_full", topic=message.topic)
        subscribers = self.subscriptions.matching(message.topic)
        for session, qos in subscribers:
            session.deliver(message, qos)
        return len(subscribers)

    def _remember(self, session: Session) -> None:
        backlog = session.backlog()
        self.memory.session(session, is_away=True)
        self.memory.waiting(session.client_id, backlog)
        session.is_kept = bool(backlog)

    def _remember_subscriptions(self, session: Session) -> None:
        if not session.clean:
            self.memory.session(session, is_away=False)

    def forget(self, session: Session) -> None:
        if not session.clean:
            self.memory.forgotten(session.client_id)
        for topic_filter in session.subscriptions:
            self.subscriptions.remove(topic_filter, session)
        session.subscriptions.clear()
        if self.sessions.get(session.client_id) is session:
            del self.sessions[session.client_id]

    def _of_certificate(self, certificate_id: str | None) -> list[Connection]:
        return [
            connection
            for connection in self.connections.values()
            if connection.identity is not None and certificate_id in (None, connection.identity.certificate_id)
        ]

    async def _closed_within(self, timeout_s: float) -> None:
        if self.connections:
            try:
                await asyncio.wait_for(self._all_closed.wait(), timeout_s)
            except asyncio.TimeoutError:
                self.log("closing_takes_long", connections=len(self.connections))

    def _sweep_for_ever(self) -> None:
        # The next one first: a sweep that fails, as on a full disk, is not the last.
        self._sweeper = asyncio.get_running_loop().call_later(_SWEEP_S, self._sweep_for_ever)
        self.sweep()

    def sweep(self) -> None:
        """Everything that is due by the clock: keep alives, time-outs, repetitions, expired sessions."""
        now = self.clock()
        for connection in list(self.connections.values()):
            connection.sweep(now)
        for session in list(self.sessions.values()):
            session.retry(now)
            if session.is_kept and session.outlet is not None and not session.backlog():
                session.is_kept = False
                self.memory.waiting(session.client_id, ())
            if session.expired(now):
                self.log("session_expired", client_id=session.client_id)
                self.forget(session)
        horizon = now - self.limits.connect_interval_s
        self._connects = {client_id: at for client_id, at in self._connects.items() if at > horizon}
