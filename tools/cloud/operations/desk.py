"""What the operations of the control plane are given to work with."""

from __future__ import annotations

from dataclasses import dataclass

from tools.cloud.broker import Broker
from tools.cloud.registry import Registry


@dataclass(frozen=True)
class Desk:
    registry: Registry
    broker: Broker
    endpoint: str  # host name that devices connect to
    mqtt_port: int
    fast_keys: bool = False  # EC keys in place of RSA
