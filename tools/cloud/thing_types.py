"""Thing types of the registry."""

from __future__ import annotations

import json
import sqlite3
import uuid
from collections.abc import Mapping

from tools.cloud.aws_errors import InvalidRequest, ResourceAlreadyExists, ResourceNotFound
from tools.cloud.names import Names
from tools.cloud.store import Store

_DELETE_AFTER_S = 300  # AWS: a type can be deleted five minutes after it was deprecated


class ThingTypes:
    def __init__(self, store: Store, names: Names):
        self._store = store
        self._names = names

    def create(self, name: str, properties: Mapping) -> sqlite3.Row:
        """A new type; the same one when it is there already with the same properties."""
        with self._store.transaction():
            existing = self._find(name)
            if existing is not None:
                if json.loads(existing["properties"]) == properties:
                    return existing
                message = f"Thing type {name} already exists with different properties"
                raise ResourceAlreadyExists(message, existing["id"], self._names.thing_type(name))
            self._store.execute(
                "INSERT INTO thing_types VALUES (?, ?, ?, ?, NULL)",
                name,
                str(uuid.uuid4()),
                json.dumps(properties),
                self._names.now(),
            )
        return self.get(name)

    def get(self, name: str) -> sqlite3.Row:
        row = self._find(name)
        if row is None:
            raise ResourceNotFound(f"Thing type {name} not found")
        return row

    def every(self) -> list[sqlite3.Row]:
        """All, by name."""
        return self._store.rows("SELECT * FROM thing_types ORDER BY name")

    def update(self, name: str, properties: Mapping) -> None:
        """Change what is given of its properties."""
        with self._store.transaction():
            changed = {**json.loads(self.get(name)["properties"]), **properties}
            self._store.execute("UPDATE thing_types SET properties = ? WHERE name = ?", json.dumps(changed), name)

    def deprecate(self, name: str, undo: bool) -> None:
        with self._store.transaction():
            self.get(name)
            when = None if undo else self._names.now()
            self._store.execute("UPDATE thing_types SET deprecated_at = ? WHERE name = ?", when, name)

    def delete(self, name: str) -> None:
        with self._store.transaction():
            row = self.get(name)
            if row["deprecated_at"] is None or self._names.now() < row["deprecated_at"] + _DELETE_AFTER_S:
                raise InvalidRequest(f"Thing type {name} must have been deprecated for {_DELETE_AFTER_S // 60} minutes")
            if self._store.row("SELECT 1 FROM things WHERE type_name = ?", name):
                raise InvalidRequest(f"Thing type {name} is still in use")
            self._store.execute("DELETE FROM thing_types WHERE name = ?", name)

    def _find(self, name: str) -> sqlite3.Row | None:
        return self._store.row("SELECT * FROM thing_types WHERE name = ?", name)
