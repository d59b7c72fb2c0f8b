"""Shadows as they are kept: documents with versions, and what is published when they change.

A shadow needs no thing in the registry. `name` is "" for the classic one. Documents are dicts as AWS's payloads have
them; errors are `aws_errors`, whose status is the code that MQTT answers carry.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass

from tools.cloud import strict_json
from tools.cloud.aws_errors import Conflict, InvalidRequest, ResourceNotFound
from tools.cloud.names import Names
from tools.cloud.shadows import updates
from tools.cloud.shadows.state import EMPTY, Half, Json, delta, merged, part, stamps
from tools.cloud.store import Store
from tools.cloud.watching import Watchers

_VERSION_KEPT_S = 48 * 3600  # of a deleted shadow
_THING_NAME = re.compile(r"[a-zA-Z0-9:_-]{1,128}")
_SHADOW_NAME = re.compile(r"[$a-zA-Z0-9:_-]{1,64}")


@dataclass(frozen=True)
class Shadow:
    desired: Half
    reported: Half
    version: int  # 0: there has been none
    exists: bool = True

    @classmethod
    def of_row(cls, row) -> Shadow:
        if row["state"] is None:
            return cls(EMPTY, EMPTY, row["version"], exists=False)
        state, metadata = json.loads(row["state"]), json.loads(row["metadata"])
        return cls(*(Half(state.get(half, {}), metadata.get(half, {})) for half in updates.HALVES), row["version"])

    def state(self) -> Json:
        return _present(self.desired.state, self.reported.state)

    def metadata(self) -> Json:
        return _present(self.desired.metadata, self.reported.metadata)

    def document(self) -> Json:
        return {"state": self.state(), "metadata": self.metadata(), "version": self.version}

    def delta(self) -> Json:
        return delta(self.desired.state, self.reported.state)

    def changed(self, state: Json | None, now: int) -> Shadow:
        """After an update; a half, or all of the state, that is null is deleted."""
        state = {"desired": None, "reported": None} if state is None else state
        halves = {"desired": self.desired, "reported": self.reported}
        for name, patch in state.items():
            halves[name] = EMPTY if patch is None else merged(halves[name], patch, now)
        return Shadow(halves["desired"], halves["reported"], self.version + 1)


def _present(desired: Json, reported: Json) -> Json:
    """An empty half is not part of a document."""
    return {name: half for name, half in zip(updates.HALVES, (desired, reported), strict=True) if half}


def topic(thing: str, name: str, rest: str) -> str:
    return f"$aws/things/{thing}/shadow{'/name/' + name if name else ''}/{rest}"


class Shadows:
    def __init__(self, store: Store, names: Names, watchers: Watchers):
        self._store = store
        self._names = names
        self._watchers = watchers

    def get(self, thing: str, name: str) -> Json:
        """The whole document with `delta` and `timestamp`. Raises ResourceNotFound."""
        shadow = self._existing(thing, name)
        document = shadow.document()
        if different := shadow.delta():
            document["state"]["delta"] = different
        return document | {"timestamp": self.now()}

    def update(self, thing: str, name: str, request: Json) -> Json:
        """Carry out an update; the answer. Tells `update/accepted`, `update/delta`, `update/documents`."""
        token = updates.client_token(request)
        wanted = updates.update(request)
        now = self.now()
        with self._store.transaction():
            before = self._find(thing, name)
            if wanted.version is not None and wanted.version != before.version:
                raise Conflict("Version conflict")
            after = before.changed(wanted.state, now)
            updates.check_size(after.desired.state, after.reported.state)
            self._keep(thing, name, after)
            common = {"timestamp": now, **({"clientToken": token} if token is not None else {})}
            answer = {"state": wanted.state, "metadata": stamps(wanted.state, now), "version": after.version}
            answer |= common
            self._tell(thing, name, "update/accepted", answer)
            if different := after.delta():
                stamped = part(after.desired.metadata, different)
                told = {"version": after.version, "timestamp": now, "state": different, "metadata": stamped}
                self._tell(thing, name, "update/delta", told | common)
            previous = before.document() if before.exists else None
            self._tell(thing, name, "update/documents", {"previous": previous, "current": after.document()} | common)
        return answer

    def delete(self, thing: str, name: str, request: Json) -> Json:
        """Delete a shadow; the answer. Its version goes on should it come again soon. Tells `delete/accepted`."""
        token = updates.client_token(request)
        with self._store.transaction():
            shadow = self._existing(thing, name)
            self._write(thing, name, shadow.version + 1, None, None)
            answer = {"version": shadow.version, "timestamp": self.now()}
            if token is not None:
                answer["clientToken"] = token
            self._tell(thing, name, "delete/accepted", answer)
        return answer

    def named(self, thing: str) -> list[str]:
        """The names of a thing's named shadows, in order."""
        sql = "SELECT name FROM shadows WHERE thing = ? AND name != '' AND state IS NOT NULL ORDER BY name"
        return [row["name"] for row in self._store.rows(sql, thing)]

    def _existing(self, thing: str, name: str) -> Shadow:
        shadow = self._find(thing, name)
        if not shadow.exists:
            raise ResourceNotFound(f"No shadow exists with name: '{name or thing}'")
        return shadow

    def _find(self, thing: str, name: str) -> Shadow:
        if not _THING_NAME.fullmatch(thing) or (name and not _SHADOW_NAME.fullmatch(name)):
            raise InvalidRequest("The thing's or the shadow's name has characters or a length that AWS refuses")
        row = self._store.row("SELECT * FROM shadows WHERE thing = ? AND name = ?", thing, name)
        forgotten = row and row["state"] is None and self._names.now() >= row["changed_at"] + _VERSION_KEPT_S
        return Shadow(EMPTY, EMPTY, 0, exists=False) if row is None or forgotten else Shadow.of_row(row)

    def _keep(self, thing: str, name: str, shadow: Shadow) -> None:
        self._write(thing, name, shadow.version, json.dumps(shadow.state()), json.dumps(shadow.metadata()))

    def _write(self, thing: str, name: str, version: int, state: str | None, metadata: str | None) -> None:
        values = (thing, name, version, state, metadata, self._names.now())
        self._store.execute("INSERT OR REPLACE INTO shadows VALUES (?, ?, ?, ?, ?, ?)", *values)

    def _tell(self, thing: str, name: str, rest: str, document: Json) -> None:
        payload = strict_json.encode(document)
        self._store.afterwards(lambda: self._watchers.publish(topic(thing, name, rest), payload))

    def now(self) -> int:
        """Unix seconds, as answers carry them."""
        return int(self._names.now())
