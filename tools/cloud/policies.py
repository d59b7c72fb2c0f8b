"""Policies of the registry, their versions, and the certificates and thing groups they are attached to."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterable

from tools.cloud import policy as policy_language
from tools.cloud import strict_json
from tools.cloud.aws_errors import (
    DeleteConflict,
    InvalidRequest,
    MalformedPolicy,
    ResourceAlreadyExists,
    ResourceNotFound,
    VersionsLimitExceeded,
)
from tools.cloud.certificates import Certificates
from tools.cloud.names import Names
from tools.cloud.store import Store
from tools.cloud.watching import Watchers

_NAME = re.compile(r"[\w+=,.@-]{1,128}", re.ASCII)
_MAX_VERSIONS = 5
_MAX_DOCUMENT = 2048  # characters without white space


class Policies:
    def __init__(self, store: Store, names: Names, certificates: Certificates, watchers: Watchers):
        self._store = store
        self._names = names
        self._certificates = certificates
        self._watchers = watchers

    def create(self, name: str, document: str) -> sqlite3.Row:
        """A new policy with version 1. Raises MalformedPolicy, ResourceAlreadyExists."""
        if not _NAME.fullmatch(name):
            raise InvalidRequest(f"The policy name {name!r} does not match {_NAME.pattern}")
        check_document(document)
        now = self._names.now()
        with self._store.transaction():
            if self.find(name) is not None:
                message = f"Policy cannot be created - name already exists (name={name})"
                raise ResourceAlreadyExists(message, name, self._names.policy(name))
            self._store.execute("INSERT INTO policies VALUES (?, 1, 1, ?, ?)", name, now, now)
            self._store.execute("INSERT INTO policy_versions VALUES (?, 1, ?, ?)", name, document, now)
        return self.get(name)

    def get(self, name: str) -> sqlite3.Row:
        row = self.find(name)
        if row is None:
            raise ResourceNotFound(f"Policy not found. policyName={name}")
        return row

    def find(self, name: str) -> sqlite3.Row | None:
        return self._store.row("SELECT * FROM policies WHERE name = ?", name)

    def every(self) -> list[sqlite3.Row]:
        """All, by name."""
        return self._store.rows("SELECT * FROM policies ORDER BY name")

    def document(self, name: str) -> str:
        """The text of the default version."""
        return self.version(name, self.get(name)["default_version"])["document"]

    def delete(self, name: str) -> None:
        with self._store.transaction():
            if len(self.versions(name)) > 1:
                raise DeleteConflict(
                    f"Cannot delete the policy because it has one or more policy versions (name={name})"
                )
            if self.targets(name) or self.groups(name):
                raise DeleteConflict(
                    f"The policy cannot be deleted as the policy is attached to one or more targets (name={name})"
                )
            self._store.execute("DELETE FROM policies WHERE name = ?", name)

    # ---- versions ----

    def add_version(self, name: str, document: str, default: bool) -> sqlite3.Row:
        check_document(document)
        with self._store.transaction():
            if len(self.versions(name)) >= _MAX_VERSIONS:
                raise VersionsLimitExceeded(
                    f"The policy {name} already has the maximum number of versions ({_MAX_VERSIONS})"
                )
            number = self.get(name)["last_version"] + 1
            self._store.execute(
                "INSERT INTO policy_versions VALUES (?, ?, ?, ?)", name, number, document, self._names.now()
            )
            self._store.execute("UPDATE policies SET last_version = ? WHERE name = ?", number, name)
            if default:
                self.set_default(name, number)
        return self.version(name, number)

    def version(self, name: str, number: int) -> sqlite3.Row:
        self.get(name)
        row = self._store.row("SELECT * FROM policy_versions WHERE policy = ? AND version = ?", name, number)
        if row is None:
            raise ResourceNotFound(f"Policy version not found. policyName={name}, policyVersionId={number}")
        return row

    def versions(self, name: str) -> list[sqlite3.Row]:
        """The newest first."""
        self.get(name)
        return self._store.rows("SELECT * FROM policy_versions WHERE policy = ? ORDER BY version DESC", name)

    def set_default(self, name: str, number: int) -> None:
        with self._store.transaction():
            self.version(name, number)
            sql = "UPDATE policies SET default_version = ?, changed_at = ? WHERE name = ?"
            self._store.execute(sql, number, self._names.now(), name)
        for certificate_id in [None] if self.groups(name) else self.targets(name):
            self._watchers.identity_changed(certificate_id)

    def delete_version(self, name: str, number: int) -> None:
        with self._store.transaction():
            self.version(name, number)
            if self.get(name)["default_version"] == number:
                raise InvalidRequest(f"Cannot delete the default version of a policy (name={name}, version={number})")
            self._store.execute("DELETE FROM policy_versions WHERE policy = ? AND version = ?", name, number)

    # ---- attachments ----

    def attach(self, name: str, certificate_id: str) -> None:
        """Attaching twice is no error, as with AWS."""
        with self._store.transaction():
            self.get(name)
            self._certificates.get(certificate_id)
            self._store.execute("INSERT OR IGNORE INTO attached_policies VALUES (?, ?)", name, certificate_id)
        self._watchers.identity_changed(certificate_id)

    def detach(self, name: str, certificate_id: str) -> None:
        """Detaching what is not attached is no error, as with AWS."""
        with self._store.transaction():
            self.get(name)
            self._certificates.get(certificate_id)
            sql = "DELETE FROM attached_policies WHERE policy = ? AND certificate = ?"
            self._store.execute(sql, name, certificate_id)
        self._watchers.identity_changed(certificate_id)

    def attach_to_group(self, name: str, group: str) -> None:
        """For all things in this group, which must exist, and in the groups below it."""
        self.get(name)
        self._store.execute("INSERT OR IGNORE INTO group_policies VALUES (?, ?)", name, group)
        self._watchers.identity_changed(None)

    def detach_from_group(self, name: str, group: str) -> None:
        self.get(name)
        self._store.execute("DELETE FROM group_policies WHERE policy = ? AND group_name = ?", name, group)
        self._watchers.identity_changed(None)

    def groups(self, name: str) -> list[str]:
        """The thing groups that a policy is attached to, by name."""
        self.get(name)
        rows = self._store.rows("SELECT group_name FROM group_policies WHERE policy = ? ORDER BY group_name", name)
        return [row["group_name"] for row in rows]

    def of_groups(self, groups: Iterable[str]) -> list[str]:
        """The policies attached to any of these groups, by name."""
        rows = self._store.rows("SELECT policy, group_name FROM group_policies ORDER BY policy")
        wanted = set(groups)
        return list(dict.fromkeys(row["policy"] for row in rows if row["group_name"] in wanted))

    def targets(self, name: str) -> list[str]:
        """The certificates that a policy is attached to, by id."""
        self.get(name)
        rows = self._store.rows("SELECT certificate FROM attached_policies WHERE policy = ? ORDER BY certificate", name)
        return [row["certificate"] for row in rows]

    def of_certificate(self, certificate_id: str) -> list[str]:
        """The policies attached to a certificate, by name."""
        sql = "SELECT policy FROM attached_policies WHERE certificate = ? ORDER BY policy"
        return [row["policy"] for row in self._store.rows(sql, certificate_id)]


def check_document(text: str) -> None:
    """Raise MalformedPolicy for what AWS, or the evaluator of the broker, would not take."""
    try:
        policy_language.parse(strict_json.loads(text))
    except ValueError as error:  # PolicyError and JSONDecodeError are ones
        raise MalformedPolicy(f"Policy document is malformed: {error}") from None
    size = len("".join(text.split()))
    if size > _MAX_DOCUMENT:
        raise InvalidRequest(f"Policy document exceeds {_MAX_DOCUMENT} characters without white space: {size}")
