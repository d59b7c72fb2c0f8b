"""Faults to order: what the local AWS IoT is to do wrong, for how long and to whom.

    order = faults.order("no_puback", client_id="lamp", packets=2)     # the next two PUBACKs to "lamp" get lost
    faults.order("close_after_connack", connections=5)                 # the next five connections
    faults.clear("no_puback");  order.cancel();  faults.clear()

May be called from any thread; takes effect with the next packet, on connections that already stand, too. The broker
asks `strikes` at every point where a fault can happen. Faults of the server's certificate are chosen by
`broker.use(ssl_context)` instead.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, field

KINDS = {
    "no_connack": "CONNECT is not answered",
    "no_puback": "a QoS 1 message is taken, but not acknowledged",
    "no_suback": "SUBSCRIBE has its effect, but is not acknowledged",
    "no_pingresp": "PINGREQ is not answered",
    "close_after_connack": "the connection is closed as soon as CONNACK was sent",
    "close_after_received": "the connection is cut once `amount` bytes of MQTT have come from the client",
    "close_after_sent": "the connection is cut once `amount` bytes of MQTT have gone to the client",
    "slow": "everything that is sent is late by `amount` seconds",
    "refuse": "a TCP connection is reset before TLS begins",
    "service_silent": "a request to a service (`$aws/...`) is not answered",
    "service_throttled": "a request to a service is rejected: too many requests (429)",
    "service_failed": "a request to a service is rejected: it has failed (500)",
}
_WITH_AMOUNT = {"close_after_received", "close_after_sent", "slow"}
_BEFORE_CONNECT = {"refuse"}
_OF_SERVICES = {"service_silent", "service_throttled", "service_failed"}
SERVICES = ("shadow", "jobs", "provisioning", "defender")


@dataclass(eq=False)
class Order:
    """One ordered fault. `amount` is bytes or seconds; None in a count is without end, in a name any."""

    kind: str
    client_id: str | None
    amount: float
    connections: int | None
    packets: int | None
    service: str | None
    _faults: Faults
    _struck: set[int] = field(default_factory=set)

    @property
    def exhausted(self) -> bool:
        """Has it happened as often as was ordered? (Connections it has struck suffer on until they end.)"""
        return self.packets == 0 or (self.connections is not None and len(self._struck) >= self.connections)

    def cancel(self) -> None:
        self._faults.cancel(self)

    def strike(self, connection: int, client_id: str, service: str) -> bool:
        if self.client_id not in (None, client_id) or self.service not in (None, service):
            return False
        if self.packets == 0:
            return False
        if self.connections is not None and connection not in self._struck:
            if len(self._struck) >= self.connections:
                return False
            self._struck.add(connection)
        if self.packets is not None:
            self.packets -= 1
        return True


class Faults:
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._orders: tuple[Order, ...] = ()  # replaced, never changed: read without the lock on the hot path

    def order(
        self,
        kind: str,
        *,
        client_id: str | None = None,
        amount: float = 0,
        connections: int | None = None,
        packets: int | None = None,
        service: str | None = None,
    ) -> Order:
        """Order a fault of `KINDS`: to one client id or all, for that many `connections` or `packets`.

        `amount` is the byte count of `close_after_...` and the seconds of `slow`; `service` is one of `SERVICES`.
        Raises ValueError for what makes no sense.
        """
        _check(kind, client_id, amount, connections, packets)
        if service is not None and (kind not in _OF_SERVICES or service not in SERVICES):
            raise ValueError(f"{kind}: service={service}; the services are {', '.join(SERVICES)}")
        order = Order(kind, client_id, amount, connections, packets, service, self)
        with self._lock:
            self._orders = (*self._orders, order)
        return order

    def cancel(self, order: Order) -> None:
        """End one order; nothing happens if it has ended already."""
        with self._lock:
            self._orders = tuple(each for each in self._orders if each is not order)

    def clear(self, kind: str | None = None) -> None:
        """End all orders, or those of one kind."""
        with self._lock:
            self._orders = tuple(each for each in self._orders if kind is not None and each.kind != kind)

    def orders(self) -> tuple[Order, ...]:
        """What is ordered and has not ended: to show it."""
        return tuple(each for each in self._orders if not each.exhausted)

    def strikes(self, kind: str, connection: int, client_id: str = "", service: str = "") -> Order | None:
        """The order that makes `kind` happen now to this connection (a number that names it), or None."""
        if not self._orders:
            return None
        with self._lock:
            for order in self._orders:
                if order.kind == kind and order.strike(connection, client_id, service):
                    return order
        return None


def _check(kind: str, client_id: str | None, amount: float, connections: int | None, packets: int | None) -> None:
    if kind not in KINDS:
        raise ValueError(f"no fault is called {kind!r}; there are: {', '.join(KINDS)}")
    if amount < 0 or bool(amount) != (kind in _WITH_AMOUNT):
        raise ValueError(f"{kind}: amount={amount}; {KINDS[kind]}")
    for name, count in (("connections", connections), ("packets", packets)):
        if count is not None and count < 1:
            raise ValueError(f"{kind}: {name}={count}; at least 1, or None for without end")
    if kind in _BEFORE_CONNECT and client_id is not None:
        raise ValueError(f"{kind}: happens before the client id is known, so it cannot be for one")
