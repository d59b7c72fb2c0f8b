"""What the broker remembers, in the store: retained messages and persistent sessions outlive a restart and a kill.

A message that waits for a client that is away is written at once. One that a connected client has yet to acknowledge is
written when the client leaves or the cloud stops: a kill in between loses those.
"""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Iterable
from typing import TYPE_CHECKING, NamedTuple

from tools.cloud.names import Names
from tools.cloud.session import Message, Session, Stored
from tools.cloud.store import Store

if TYPE_CHECKING:
    from tools.cloud.broker import Broker


class KeptSession(NamedTuple):
    client_id: str
    subscriptions: dict[str, int]
    away_s: float  # for how long the client has been away
    messages: list[Stored]
    expiry_s: float | None  # None: as long as one of MQTT 3.1.1
    mqtt_5: bool


class NoMemory:
    """`interfaces.Memory` of a broker whose sessions end with it."""

    def retained(self, message: Message, changed_at: float) -> None: ...

    def session(self, session: Session, *, is_away: bool) -> None: ...

    def waiting(self, client_id: str, messages: Iterable[Stored]) -> None: ...

    def stored(self, client_id: str, message: Message) -> None: ...

    def forgotten(self, client_id: str) -> None: ...


class StoredMemory:
    """`interfaces.Memory` in SQLite; `kept_...` is what was there before."""

    def __init__(self, store: Store, names: Names):
        self._store = store
        self._names = names

    def restore(self, broker: Broker) -> None:
        """Give a new broker what an earlier one has left."""
        self._store.execute("DELETE FROM retained WHERE expires_at <= ?", self._names.now())
        for message, changed_at in self.kept_retained():
            broker.retained.keep(message, changed_at)
        for kept in self.kept_sessions():
            broker.restore(kept)

    def kept_retained(self) -> list[tuple[Message, float]]:
        """Messages, and when each was set."""
        kept = []
        for row in self._store.rows("SELECT * FROM retained"):
            kept.append((self._message(row, row["qos"]), row["changed_at"]))
        return kept

    def kept_sessions(self) -> list[KeptSession]:
        now = self._names.now()
        kept = []
        for row in self._store.rows("SELECT * FROM sessions"):
            sql = "SELECT * FROM session_messages WHERE client_id = ? ORDER BY sequence"
            waiting = self._store.rows(sql, row["client_id"])
            messages = [(each["packet_id"], self._message(each, 1)) for each in waiting]
            away_s = 0.0 if row["left_at"] is None else max(0.0, now - row["left_at"])
            more = (json.loads(row["subscriptions"]), away_s, messages, row["expiry_s"], bool(row["mqtt_5"]))
            kept.append(KeptSession(row["client_id"], *more))
        return kept

    def retained(self, message: Message, changed_at: float) -> None:
        if not message.payload:
            self._store.execute("DELETE FROM retained WHERE topic = ?", message.topic)
            return
        values = (message.topic, message.payload, message.qos, changed_at, self._expires_at(message), message.carried)
        self._store.execute("INSERT OR REPLACE INTO retained VALUES (?, ?, ?, ?, ?, ?)", *values)

    def session(self, session: Session, *, is_away: bool) -> None:
        left_at = self._names.now() if is_away else None
        self._store.execute(
            "INSERT INTO sessions VALUES (?, ?, ?, ?, ?) ON CONFLICT (client_id) DO UPDATE"
            " SET subscriptions = excluded.subscriptions, left_at = excluded.left_at, expiry_s = excluded.expiry_s,"
            " mqtt_5 = excluded.mqtt_5",
            *(session.client_id, json.dumps(session.subscriptions), left_at, session.expiry_s, session.mqtt_5),
        )

    def waiting(self, client_id: str, messages: Iterable[Stored]) -> None:
        with self._store.transaction():
            self._store.execute("DELETE FROM session_messages WHERE client_id = ?", client_id)
            for packet_id, message in messages:
                self._add(client_id, message, packet_id)

    def stored(self, client_id: str, message: Message) -> None:
        self._add(client_id, message, None)

    def forgotten(self, client_id: str) -> None:
        self._store.execute("DELETE FROM sessions WHERE client_id = ?", client_id)

    def _add(self, client_id: str, message: Message, packet_id: int | None) -> None:
        self._store.execute(
            "INSERT INTO session_messages (client_id, topic, payload, packet_id, expires_at, carried)"
            " VALUES (?, ?, ?, ?, ?, ?)",
            *(client_id, message.topic, message.payload, packet_id, self._expires_at(message), message.carried),
        )

    # The store has Unix seconds, which go on while the cloud is down; a message has those of time.monotonic().

    def _expires_at(self, message: Message) -> float | None:
        if message.expires_at is None:
            return None
        return self._names.now() + message.expires_at - time.monotonic()

    def _message(self, row: sqlite3.Row, qos: int) -> Message:
        message = Message(row["topic"], row["payload"], qos, carried=row["carried"])
        if row["expires_at"] is not None:
            message.expires_at = time.monotonic() + row["expires_at"] - self._names.now()
        return message
