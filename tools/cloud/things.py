"""Things and thing types of the registry, and which certificates belong to which thing."""

from __future__ import annotations

import json
import re
import sqlite3
import uuid
from collections.abc import Mapping

from tools.cloud.aws_errors import InvalidRequest, ResourceAlreadyExists, ResourceNotFound, VersionConflict
from tools.cloud.certificates import Certificates
from tools.cloud.events import Events
from tools.cloud.names import Names
from tools.cloud.store import Store
from tools.cloud.watching import Watchers

_NAME = re.compile(r"[a-zA-Z0-9:_-]{1,128}")
_ATTRIBUTE_NAME = re.compile(r"[a-zA-Z0-9_.,@/:#-]{1,128}")
_ATTRIBUTE_VALUE = re.compile(r"[a-zA-Z0-9_.,@/:#=\[\]-]{0,800}")
_MAX_ATTRIBUTES, _MAX_ATTRIBUTES_WITHOUT_TYPE = 50, 3
EXCLUSIVE, NON_EXCLUSIVE = "EXCLUSIVE_THING", "NON_EXCLUSIVE_THING"


class Things:
    def __init__(self, store: Store, names: Names, certificates: Certificates, watchers: Watchers, events: Events):
        self._events = events
        self._store = store
        self._names = names
        self._certificates = certificates
        self._watchers = watchers

    def create(self, name: str, type_name: str | None, attributes: Mapping[str, str]) -> sqlite3.Row:
        """A new thing; the same one when it is there already with the same contents, as AWS has it."""
        _check_name(name)
        with self._store.transaction():
            attributes = self._checked(type_name, attributes)
            existing = self.find(name)
            if existing is not None:
                if existing["type_name"] == type_name and json.loads(existing["attributes"]) == attributes:
                    return existing
                message = f"Thing {name} already exists in account with different attributes or type"
                raise ResourceAlreadyExists(message, existing["id"], self._names.thing(name))
            self._store.execute(
                "INSERT INTO things VALUES (?, ?, ?, ?, 1)", name, str(uuid.uuid4()), type_name, json.dumps(attributes)
            )
            self._events.thing(self.get(name), "CREATED")
        return self.get(name)

    def get(self, name: str) -> sqlite3.Row:
        row = self.find(name)
        if row is None:
            raise ResourceNotFound(f"Thing {name} cannot be found.")
        return row

    def find(self, name: str) -> sqlite3.Row | None:
        return self._store.row("SELECT * FROM things WHERE name = ?", name)

    def every(self) -> list[sqlite3.Row]:
        """All, by name."""
        return self._store.rows("SELECT * FROM things ORDER BY name")

    def update(
        self,
        name: str,
        *,
        type_name: str | None = None,
        remove_type: bool = False,
        attributes: Mapping[str, str] | None = None,
        merge: bool = False,
        expected_version: int | None = None,
    ) -> None:
        """Change what is given. `merge` keeps other attributes; an empty value removes one (AWS: UpdateThing)."""
        with self._store.transaction():
            row = self._expect(name, expected_version)
            if remove_type and type_name:
                raise InvalidRequest("removeThingType and thingTypeName exclude each other")
            new_type = None if remove_type else type_name or row["type_name"]
            kept = json.loads(row["attributes"])
            if attributes is not None:
                together = {**kept, **attributes} if merge else attributes
                kept = {key: value for key, value in together.items() if value != ""}
            self._store.execute(
                "UPDATE things SET type_name = ?, attributes = ?, version = version + 1 WHERE name = ?",
                new_type,
                json.dumps(self._checked(new_type, kept, row["type_name"])),
                name,
            )
            self._events.thing(self.get(name), "UPDATED")
        self._tell_certificates(name)

    def delete(self, name: str, expected_version: int | None = None) -> None:
        """Deleting one that is not there is no error, as with AWS."""
        with self._store.transaction():
            if self.find(name) is None:
                return
            self._expect(name, expected_version)
            if self.principals(name):
                raise InvalidRequest(f"Cannot delete. Thing {name} is still attached to one or more principals")
            self._events.thing(self.get(name), "DELETED")
            self._store.execute("DELETE FROM things WHERE name = ?", name)
            self._store.afterwards(lambda: self._watchers.membership_changed(name))

    # ---- principals: the certificates of a thing ----

    def attach(self, name: str, certificate_id: str, kind: str = NON_EXCLUSIVE) -> None:
        with self._store.transaction():
            self.get(name)
            self._certificates.get(certificate_id)
            others = [row for row in self._attachments(certificate_id) if row["thing"] != name]
            if others and (kind == EXCLUSIVE or any(row["type"] == EXCLUSIVE for row in others)):
                raise InvalidRequest(
                    f"The principal is, or would be, attached exclusively; it has {others[0]['thing']}"
                )
            self._store.execute("INSERT OR REPLACE INTO thing_principals VALUES (?, ?, ?)", name, certificate_id, kind)
        self._watchers.identity_changed(certificate_id)

    def detach(self, name: str, certificate_id: str) -> None:
        with self._store.transaction():
            self.get(name)
            self._certificates.get(certificate_id)
            sql = "DELETE FROM thing_principals WHERE thing = ? AND certificate = ?"
            if not self._store.execute(sql, name, certificate_id):
                raise ResourceNotFound(f"The principal is not attached to thing {name}")
        self._watchers.identity_changed(certificate_id)

    def principals(self, name: str) -> list[sqlite3.Row]:
        """`certificate` and `type` of each certificate of a thing."""
        self.get(name)
        return self._store.rows("SELECT * FROM thing_principals WHERE thing = ? ORDER BY certificate", name)

    def of_certificate(self, certificate_id: str) -> list[sqlite3.Row]:
        """The things that a certificate belongs to, by name."""
        return self._store.rows(
            "SELECT things.* FROM things JOIN thing_principals ON thing = name WHERE certificate = ? ORDER BY name",
            certificate_id,
        )

    def _attachments(self, certificate_id: str) -> list[sqlite3.Row]:
        return self._store.rows("SELECT * FROM thing_principals WHERE certificate = ?", certificate_id)

    def _tell_certificates(self, name: str) -> None:
        for row in self.principals(name):
            self._watchers.identity_changed(row["certificate"])

    def _expect(self, name: str, version: int | None) -> sqlite3.Row:
        row = self.get(name)
        if version is not None and version != row["version"]:
            raise VersionConflict(f"The version for thing {name} does not match the expected version {version}")
        return row

    def _checked(
        self, type_name: str | None, attributes: Mapping[str, str], had_type: str | None = None
    ) -> dict[str, str]:
        if type_name and type_name != had_type:
            self._check_type(type_name)
        limit = _MAX_ATTRIBUTES if type_name else _MAX_ATTRIBUTES_WITHOUT_TYPE
        if len(attributes) > limit:
            kind = "a thing" if type_name else "a thing without a thing type"
            raise InvalidRequest(f"Maximum number of attributes of {kind} exceeded: {len(attributes)} of {limit}")
        for key, value in attributes.items():
            if not _ATTRIBUTE_NAME.fullmatch(key) or not _ATTRIBUTE_VALUE.fullmatch(value):
                raise InvalidRequest(f"The attribute {key!r} or its value has characters or a length that AWS refuses")
        return dict(attributes)

    def _check_type(self, name: str) -> None:
        row = self._store.row("SELECT * FROM thing_types WHERE name = ?", name)
        if row is None:
            raise ResourceNotFound(f"Thing type {name} not found")
        if row["deprecated_at"] is not None:
            raise InvalidRequest(f"Thing type {name} is deprecated: new things cannot have it")


def _check_name(name: str) -> None:
    """The service model checks names that come over HTTP; those that a template makes come here."""
    if not _NAME.fullmatch(name):
        raise InvalidRequest(f"The thing name {name!r} does not match {_NAME.pattern}")
