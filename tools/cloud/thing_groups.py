"""Thing groups: a hierarchy of them, and which things are in which."""

from __future__ import annotations

import json
import re
import sqlite3
import uuid
from collections.abc import Iterable, Mapping

from tools.cloud.aws_errors import InvalidRequest, ResourceAlreadyExists, ResourceNotFound, VersionConflict
from tools.cloud.events import Events
from tools.cloud.names import Names
from tools.cloud.store import Store
from tools.cloud.things import Things
from tools.cloud.watching import Watchers

_MAX_DEPTH = 7
_MAX_GROUPS_OF_A_THING = 10
_ATTRIBUTE = re.compile(r"[a-zA-Z0-9_.,@/:#=\[\]-]{0,800}")
# A group and all that are below it.
_BELOW = (
    "WITH RECURSIVE below(name) AS (SELECT ? UNION SELECT thing_groups.name FROM thing_groups JOIN below"
    " ON parent = below.name)"
)


class ThingGroups:
    def __init__(self, store: Store, names: Names, things: Things, watchers: Watchers, events: Events):
        self._events = events
        self._store = store
        self._names = names
        self._things = things
        self._watchers = watchers

    def create(
        self, name: str, parent: str | None, description: str | None, attributes: Mapping[str, str]
    ) -> sqlite3.Row:
        """A new group; the same one when it is there already with the same contents."""
        _check_attributes(attributes)
        with self._store.transaction():
            existing = self._find(name)
            if existing is not None:
                own = (existing["parent"], existing["description"], json.loads(existing["attributes"]))
                if own == (parent, description, dict(attributes)):
                    return existing
                message = f"Thing Group {name} already exists in current account with different values"
                raise ResourceAlreadyExists(message, existing["id"], self._names.thing_group(name))
            if parent is not None and len(self.ancestors(parent)) + 1 >= _MAX_DEPTH:
                raise InvalidRequest(f"A hierarchy of thing groups has at most {_MAX_DEPTH} levels")
            values = (name, str(uuid.uuid4()), parent, description, json.dumps(dict(attributes)), self._names.now())
            self._store.execute("INSERT INTO thing_groups VALUES (?, ?, ?, ?, ?, 1, ?)", *values)
            self._events.group(self.get(name), "CREATED")
        return self.get(name)

    def get(self, name: str) -> sqlite3.Row:
        row = self._find(name)
        if row is None:
            raise ResourceNotFound(f"Thing group {name} cannot be found.")
        return row

    def every(self) -> list[sqlite3.Row]:
        """All, by name."""
        return self._store.rows("SELECT * FROM thing_groups ORDER BY name")

    def name_of(self, group_id: str) -> str | None:
        """The name of the group with this id; None: there is none."""
        row = self._store.row("SELECT name FROM thing_groups WHERE id = ?", group_id)
        return None if row is None else row["name"]

    def ancestors(self, name: str) -> list[str]:
        """The names of the groups above this one, the root first."""
        above: list[str] = []
        parent = self.get(name)["parent"]
        while parent is not None:
            above.insert(0, parent)
            parent = self.get(parent)["parent"]
        return above

    def update(
        self,
        name: str,
        *,
        description: str | None = None,
        attributes: Mapping[str, str] | None = None,
        merge: bool = False,
        expected_version: int | None = None,
    ) -> int:
        """Change what is given; the new version."""
        with self._store.transaction():
            row = self._expect(name, expected_version)
            kept = json.loads(row["attributes"])
            if attributes is not None:
                kept = {key: value for key, value in {**(kept if merge else {}), **attributes}.items() if value}
                _check_attributes(kept)
            description = row["description"] if description is None else description
            sql = "UPDATE thing_groups SET description = ?, attributes = ?, version = version + 1 WHERE name = ?"
            self._store.execute(sql, description, json.dumps(kept), name)
            self._events.group(self.get(name), "UPDATED")
        return self.get(name)["version"]

    def delete(self, name: str, expected_version: int | None = None) -> None:
        """Deleting one that is not there is no error; one with groups below it stays."""
        with self._store.transaction():
            if self._find(name) is None:
                return
            self._expect(name, expected_version)
            if self._store.row("SELECT 1 FROM thing_groups WHERE parent = ?", name):
                raise InvalidRequest(
                    f"Cannot delete thing group {name} when there are still child groups attached to it"
                )
            members = self.members(name)
            self._events.group(self.get(name), "DELETED")
            self._store.execute("DELETE FROM thing_groups WHERE name = ?", name)
            self._tell(members)

    # ---- members ----

    def members(self, name: str, recursive: bool = False) -> list[str]:
        """The names of the things in a group, or also in the groups below it, in order."""
        self.get(name)
        if recursive:
            sql = f"{_BELOW} SELECT DISTINCT thing FROM group_members JOIN below ON group_name = name ORDER BY thing"
        else:
            sql = "SELECT thing FROM group_members WHERE group_name = ? ORDER BY thing"
        return [row["thing"] for row in self._store.rows(sql, name)]

    def of_thing(self, thing: str) -> list[str]:
        """The names of the groups that a thing is in, in order."""
        rows = self._store.rows("SELECT group_name FROM group_members WHERE thing = ? ORDER BY group_name", thing)
        return [row["group_name"] for row in rows]

    def around(self, thing: str) -> list[str]:
        """The names of the groups that a thing is in, and of all above them."""
        groups = self.of_thing(thing)
        return list(dict.fromkeys(each for name in groups for each in (*self.ancestors(name), name)))

    def change(self, thing: str, join: Iterable[str] = (), leave: Iterable[str] = ()) -> None:
        """Put a thing into groups, and take it out of others."""
        with self._store.transaction():
            row = self._things.get(thing)
            for name in leave:
                group = self.get(name)
                if self._store.execute("DELETE FROM group_members WHERE group_name = ? AND thing = ?", name, thing):
                    self._events.membership(group, row, "REMOVED")
            for name in join:
                group = self.get(name)
                if self._store.execute("INSERT OR IGNORE INTO group_members VALUES (?, ?)", name, thing):
                    self._events.membership(group, row, "ADDED")
            if len(self.of_thing(thing)) > _MAX_GROUPS_OF_A_THING:
                raise InvalidRequest(f"A thing can be in at most {_MAX_GROUPS_OF_A_THING} thing groups")
            self._tell([thing])

    def _tell(self, things: Iterable[str]) -> None:
        for thing in things:
            self._store.afterwards(lambda thing=thing: self._watchers.membership_changed(thing))
        self._store.afterwards(lambda: self._watchers.identity_changed(None))  # groups have policies

    def _find(self, name: str) -> sqlite3.Row | None:
        return self._store.row("SELECT * FROM thing_groups WHERE name = ?", name)

    def _expect(self, name: str, version: int | None) -> sqlite3.Row:
        row = self.get(name)
        if version is not None and version != row["version"]:
            raise VersionConflict(f"The version for thing group {name} does not match the expected version {version}")
        return row


def _check_attributes(attributes: Mapping[str, str]) -> None:
    for key, value in attributes.items():
        if not _ATTRIBUTE.fullmatch(value):
            raise InvalidRequest(f"The value of the attribute {key!r} has characters or a length that AWS refuses")
