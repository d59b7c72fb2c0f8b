"""Provisioning templates in the registry, and their versions."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping

from tools.cloud import templates
from tools.cloud.aws_errors import (
    DeleteConflict,
    InvalidRequest,
    ResourceAlreadyExists,
    ResourceNotFound,
    VersionsLimitExceeded,
)
from tools.cloud.names import Names
from tools.cloud.store import Store

_MAX_VERSIONS = 5
FLEET_PROVISIONING = "FLEET_PROVISIONING"


class ProvisioningTemplates:
    def __init__(self, store: Store, names: Names):
        self._store = store
        self._names = names

    def create(
        self, name: str, body: str, role: str, *, description: str, enabled: bool, hook: str | None = None
    ) -> sqlite3.Row:
        """A new template; `hook` is the ARN of the function that decides who may use it."""
        _check_body(body)
        now = self._names.now()
        with self._store.transaction():
            if self._store.row("SELECT 1 FROM templates WHERE name = ?", name):
                raise ResourceAlreadyExists(
                    f"Template with name {name} already exists", name, self._names.template(name)
                )
            self._store.execute(
                "INSERT INTO templates VALUES (?, ?, ?, ?, ?, 1, 1, ?, ?, ?)",
                *(name, description, enabled, role, FLEET_PROVISIONING, now, now, hook),
            )
            self._store.execute("INSERT INTO template_versions VALUES (?, 1, ?, ?)", name, body, now)
        return self.get(name)

    def get(self, name: str) -> sqlite3.Row:
        row = self._store.row("SELECT * FROM templates WHERE name = ?", name)
        if row is None:
            raise ResourceNotFound(f"Provisioning template not found: {name}")
        return row

    def body(self, name: str) -> str:
        """The text of the default version."""
        return self.version(name, self.get(name)["default_version"])["body"]

    def every(self) -> list[sqlite3.Row]:
        """All, by name."""
        return self._store.rows("SELECT * FROM templates ORDER BY name")

    def update(self, name: str, changes: Mapping[str, object]) -> None:
        """Change columns: `description`, `enabled`, `role`, `default_version`, `hook`."""
        with self._store.transaction():
            self.get(name)
            if "default_version" in changes:
                self.version(name, changes["default_version"])
            for column, value in {**changes, "changed_at": self._names.now()}.items():
                self._store.execute(f"UPDATE templates SET {column} = ? WHERE name = ?", value, name)

    def delete(self, name: str) -> None:
        with self._store.transaction():
            if len(self.versions(name)) > 1:
                raise DeleteConflict(f"Cannot delete the template {name} while it has versions beside the default one")
            self._store.execute("DELETE FROM templates WHERE name = ?", name)

    def add_version(self, name: str, body: str, default: bool) -> sqlite3.Row:
        _check_body(body)
        with self._store.transaction():
            if len(self.versions(name)) >= _MAX_VERSIONS:
                raise VersionsLimitExceeded(f"The template {name} already has {_MAX_VERSIONS} versions")
            number = self.get(name)["last_version"] + 1
            values = (name, number, body, self._names.now())
            self._store.execute("INSERT INTO template_versions VALUES (?, ?, ?, ?)", *values)
            self._store.execute("UPDATE templates SET last_version = ? WHERE name = ?", number, name)
            if default:
                self.update(name, {"default_version": number})
        return self.version(name, number)

    def version(self, name: str, number: int) -> sqlite3.Row:
        self.get(name)
        row = self._store.row("SELECT * FROM template_versions WHERE template = ? AND version = ?", name, number)
        if row is None:
            raise ResourceNotFound(f"Version {number} of provisioning template {name} not found")
        return row

    def versions(self, name: str) -> list[sqlite3.Row]:
        """The oldest first."""
        self.get(name)
        return self._store.rows("SELECT * FROM template_versions WHERE template = ? ORDER BY version", name)

    def delete_version(self, name: str, number: int) -> None:
        with self._store.transaction():
            self.version(name, number)
            if self.get(name)["default_version"] == number:
                raise DeleteConflict(f"Cannot delete the default version of template {name}")
            self._store.execute("DELETE FROM template_versions WHERE template = ? AND version = ?", name, number)


def _check_body(body: str) -> None:
    try:
        templates.parse(body)
    except templates.TemplateError as error:
        raise InvalidRequest(f"Invalid provisioning template: {error}") from None
