"""What the operations of the control plane are given to work with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from tools.cloud.broker import Broker
from tools.cloud.registry import Registry


@dataclass(frozen=True)
class Desk:
    registry: Registry
    broker: Broker
    endpoint: str  # host name that devices connect to
    mqtt_port: int
    control_url: Callable[[], str]  # of the control plane itself; known once it listens
    fast_keys: bool = False  # EC keys in place of RSA
