"""What the two halves of the local AWS IoT give each other.

The control plane (registry, provisioning, REST) owns what is remembered; the data plane (broker) owns connections.
The broker asks the registry who is connecting, hands `$aws/...` messages to services, and is told when something it
may have cached has changed. Everything here happens in the broker's event loop unless it says otherwise.

    registry.connection(der) <- broker -> service.handle(client, topic, payload)
    registry/services -> broker.publish(...), broker.identity_changed(id), broker.disconnect_certificate(id)
"""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol, runtime_checkable

if TYPE_CHECKING:
    from tools.cloud.session import Message, Session, Stored

Clock = Callable[[], float]  # seconds that never go backwards, as time.monotonic()


@dataclass(frozen=True)
class Thing:
    """A thing of the registry, as far as policy variables speak of it."""

    name: str
    type_name: str | None = None
    attributes: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Identity:
    """Who a client certificate is, at the moment it was asked.

    `certificate_id` is the SHA-256 fingerprint in hex, or the access key of who came with a signature;
    `certificate_arn` (`arn:aws:iot:REGION:ACCOUNT:cert/ID`) also tells the broker region and account for resource
    names; `status` is AWS's ("ACTIVE", "INACTIVE", "REVOKED", ...); `policies` are the attached policy documents as
    dicts; `things` are the things the certificate is attached to.
    """

    certificate_id: str
    certificate_arn: str
    status: str = "ACTIVE"
    policies: tuple[dict, ...] = ()
    things: tuple[Thing, ...] = ()


class Registry(Protocol):
    """The control plane's memory, as the broker needs it."""

    def connection(self, certificate_der: bytes) -> Identity | None:
        """The identity of this certificate, or None when it is not registered. Must not block for long."""


@runtime_checkable
class Client(Protocol):
    """One connected device, as a service sees it."""

    client_id: str
    identity: Identity  # as it was at CONNECT
    certificate_der: bytes  # empty in plain TCP mode, and where a signature stands for it

    def reply(self, topic: str, payload: bytes) -> bool:
        """Send to this connection only, if it may receive `topic`, at QoS 0 where it has not subscribed.

        False when it has gone.
        """


class Service(Protocol):
    """Something behind `$aws/...` topics: provisioning, shadow, jobs, Device Defender."""

    name: str
    in_flight: int | None  # as many requests of a connection may be on their way; None: no such limit

    def claims(self, topic: str) -> bool:
        """Is a message published to `topic` by a client mine? Asked once per message, so keep it cheap."""

    async def handle(self, client: Client, topic: str, payload: bytes) -> None:
        """Do what the message asks. Messages of one connection come one after the other, in their order.

        The client's PUBACK does not wait for this. An exception is logged and costs nobody else anything.
        """

    def refuse(self, client: Client, topic: str, payload: bytes, status: int) -> None:
        """Answer that it is not done: 429, too many requests at a time, or 500, a failure of the service."""


class Memory(Protocol):
    """Where the broker puts what must outlive it: retained messages, and sessions of clients that want them kept."""

    def retained(self, message: Message, changed_at: float) -> None:
        """The retained message of its topic; an empty payload is the end of it."""

    def session(self, session: Session, *, is_away: bool) -> None:
        """A session begins, has other subscriptions or another expiry, or its client has left."""

    def waiting(self, client_id: str, messages: Iterable[Stored]) -> None:
        """All that waits for a client. Always of QoS 1."""

    def stored(self, client_id: str, message: Message) -> None:
        """One message more waits for a client that is away."""

    def forgotten(self, client_id: str) -> None:
        """A session is over."""


class Log(Protocol):
    """Where both halves say what happens: a short event name and its details, never a secret or a payload."""

    def __call__(self, event: str, **details: object) -> None: ...


class Broker(Protocol):
    """The data plane: `tools.cloud.broker.Broker(registry, services, clock, limits, faults, log)`."""

    async def start(self, host: str = "127.0.0.1", port: int = 0, ssl_context: ssl.SSLContext | None = None) -> int:
        """Listen and return the port. Without a context: plain TCP; the registry is asked about an empty certificate.

        The context must have `verify_mode = ssl.CERT_REQUIRED`, so that a missing client certificate fails in the
        handshake. May be called again after `stop()`; sessions and retained messages are kept in between.
        """

    async def stop(self) -> None:
        """Close the listener and all connections."""

    def use(self, ssl_context: ssl.SSLContext) -> None:
        """Serve new connections with another context (another server certificate). Thread-safe."""

    def publish(self, topic: str, payload: bytes, qos: int = 0, retain: bool = False) -> int:
        """Publish as AWS itself, to every subscriber that may receive it. How many sessions it was given to."""

    def identity_changed(self, certificate_id: str | None = None) -> None:
        """Policies or things of this certificate (None: of any) changed: ask the registry anew before the next act."""

    def disconnect_certificate(self, certificate_id: str) -> int:
        """Close every connection of this certificate (it was deactivated). How many there were."""
