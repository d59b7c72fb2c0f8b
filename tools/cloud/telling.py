"""A broker that tells of every message that a device publishes: for a person who watches."""

from __future__ import annotations

from tools.cloud.broker import Broker
from tools.cloud.connection import Connection
from tools.cloud.packets import Publish


class TellingBroker(Broker):
    def accept(self, connection: Connection, publish: Publish) -> None:
        details = {"topic": publish.topic, "bytes": len(publish.payload), "qos": publish.qos, "retain": publish.retain}
        self.log("published", client_id=connection.client_id, **details)
        super().accept(connection, publish)
