"""Events of registry and jobs: what AWS IoT publishes on `$aws/events/...` of kinds that the account has switched on.

Shapes as in "Registry events" and "Jobs events" of the AWS IoT Core developer guide. Events of connections, which need
no switching on, are in `presence`.
"""

from __future__ import annotations

import json
import sqlite3
import uuid
from collections.abc import Mapping

from tools.cloud.aws_errors import InvalidRequest, NotImplementedHere
from tools.cloud.names import Names
from tools.cloud.store import Store
from tools.cloud.watching import Watchers

THING, GROUP, MEMBERSHIP = "THING", "THING_GROUP", "THING_GROUP_MEMBERSHIP"
JOB, EXECUTION = "JOB", "JOB_EXECUTION"
KINDS = (THING, GROUP, MEMBERSHIP, JOB, EXECUTION)
_NOT_HERE = (
    *("THING_TYPE", "THING_GROUP_HIERARCHY", "THING_TYPE_ASSOCIATION"),
    *("POLICY", "CERTIFICATE", "CA_CERTIFICATE"),
)


class Events:
    def __init__(self, store: Store, names: Names, watchers: Watchers):
        self._store = store
        self._names = names
        self._watchers = watchers

    # ---- which are switched on ----

    def configurations(self) -> dict[str, bool]:
        """Every kind that AWS knows, and whether it is on."""
        on = {row["kind"] for row in self._store.rows("SELECT kind FROM event_kinds")}
        return {kind: kind in on for kind in (*KINDS, *_NOT_HERE)}

    def configure(self, changes: Mapping[str, bool]) -> None:
        """Switch kinds on and off. Raises InvalidRequest, and NotImplementedHere for kinds that are not told here."""
        with self._store.transaction():
            for kind, is_on in changes.items():
                if kind not in (*KINDS, *_NOT_HERE):
                    raise InvalidRequest(f"There are no events of the kind {kind}")
                if is_on and kind in _NOT_HERE:
                    raise NotImplementedHere(f"Events of the kind {kind} are not part of the local AWS IoT")
                self._store.execute("DELETE FROM event_kinds WHERE kind = ?", kind)
                if is_on:
                    self._store.execute("INSERT INTO event_kinds VALUES (?)", kind)

    # ---- what is told ----

    def thing(self, row: sqlite3.Row, operation: str) -> None:
        """`operation` is CREATED, UPDATED or DELETED."""
        event = {
            "thingId": row["id"],
            "thingName": row["name"],
            "versionNumber": row["version"],
            "thingTypeName": row["type_name"],
            "attributes": json.loads(row["attributes"]),
        }
        self._tell_registry(THING, f"thing/{row['name']}/{operation.lower()}", operation, event)

    def group(self, row: sqlite3.Row, operation: str) -> None:
        event = {
            "thingGroupId": row["id"],
            "thingGroupName": row["name"],
            "versionNumber": row["version"],
            "parentGroupName": row["parent"],
            "description": row["description"],
            "attributes": json.loads(row["attributes"]),
        }
        self._tell_registry(GROUP, f"thingGroup/{row['name']}/{operation.lower()}", operation, event)

    def membership(self, group: sqlite3.Row, thing: sqlite3.Row, operation: str) -> None:
        """`operation` is ADDED or REMOVED."""
        event = {
            "groupArn": self._names.thing_group(group["name"]),
            "groupId": group["id"],
            "thingArn": self._names.thing(thing["name"]),
            "thingId": thing["id"],
        }
        topic = f"thingGroupMembership/thingGroup/{group['name']}/thing/{thing['name']}/{operation.lower()}"
        self._tell_registry(MEMBERSHIP, topic, operation, event)

    def job(self, row: sqlite3.Row, targets: list[str], operation: str, **more: object) -> None:
        """`operation` is completed, canceled, deleted, or cancellation_in_progress, deletion_in_progress."""
        event = {
            "operation": operation,
            "jobId": row["id"],
            "status": operation.upper(),
            "targetSelection": row["selection"],
            "targets": targets,
            "description": json.loads(row["config"]).get("description"),
            "createdAt": int(row["created_at"] * 1000),
            "lastUpdatedAt": int(row["changed_at"] * 1000),
            "comment": row["comment"],
        }
        self._tell(JOB, f"job/{row['id']}/{operation}", {**event, **more}, int(self._names.now()))

    def execution(self, row: sqlite3.Row, operation: str) -> None:
        """`operation` is a final state in small letters, or deleted."""
        event = {
            "operation": operation,
            "jobId": row["job"],
            "thingArn": self._names.thing(row["thing"]),
            "status": row["status"],
            "statusDetails": json.loads(row["details"]),
        }
        self._tell(EXECUTION, f"jobExecution/{row['job']}/{operation}", event, int(self._names.now()))

    def _tell_registry(self, kind: str, topic: str, operation: str, event: dict) -> None:
        event = {"operation": operation, "accountId": self._names.account, **event}
        self._tell(kind, topic, event, int(self._names.now() * 1000), f"{kind}_EVENT")

    def _tell(self, kind: str, topic: str, event: dict, timestamp: int, event_type: str | None = None) -> None:
        if not self._store.row("SELECT 1 FROM event_kinds WHERE kind = ?", kind):
            return
        event = {"eventType": event_type or kind, "eventId": str(uuid.uuid4()), "timestamp": timestamp, **event}
        payload = json.dumps({name: value for name, value in event.items() if value is not None}).encode()
        self._store.afterwards(lambda: self._watchers.publish(f"$aws/events/{topic}", payload))
