"""Whom a job is for: things, and things in groups and in the groups below them."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable

from tools.cloud.aws_errors import InvalidRequest, ResourceNotFound
from tools.cloud.names import Names
from tools.cloud.store import Store
from tools.cloud.thing_groups import ThingGroups
from tools.cloud.things import Things

_MAX_TARGETS = 100


class Targets:
    def __init__(self, store: Store, names: Names, things: Things, groups: ThingGroups):
        self._store = store
        self._names = names
        self._things = things
        self._groups = groups

    def of(self, job: str) -> list[str]:
        """The ARNs of a job's targets."""
        return [row["arn"] for row in self._store.rows("SELECT arn FROM job_targets WHERE job = ? ORDER BY rowid", job)]

    def add(self, job: str, arns: Iterable[str]) -> None:
        for arn in arns:
            self._store.execute("INSERT OR IGNORE INTO job_targets VALUES (?, ?)", job, arn)
        if len(self.of(job)) > _MAX_TARGETS:
            raise InvalidRequest(f"A job has at most {_MAX_TARGETS} targets")

    def things(self, arns: Iterable[str]) -> list[str]:
        """The things that targets are now, each once. Raises ResourceNotFound, InvalidRequest."""
        found: dict[str, None] = {}
        for arn in arns:
            found.update(dict.fromkeys(self._things_of(arn)))
        return list(found)

    def things_of(self, job: str) -> list[str]:
        """The things that a job's targets are now. Targets that are no more are passed over."""
        found: dict[str, None] = {}
        for arn in self.of(job):
            with contextlib.suppress(ResourceNotFound):
                found.update(dict.fromkeys(self._things_of(arn)))
        return list(found)

    def exists(self, thing: str) -> bool:
        return self._things.find(thing) is not None

    def include(self, job: str, thing: str) -> bool:
        """Is this thing one of those that the job is for?"""
        return thing in self.things_of(job)

    def _things_of(self, arn: str) -> list[str]:
        thing, group = self._names.thing_name(arn), self._names.thing_group_name(arn)
        if thing is not None:
            return [self._things.get(thing)["name"]]
        if group is not None:
            return self._groups.members(group, recursive=True)
        raise InvalidRequest(f"Not the ARN of a thing or a thing group of this account: {arn}")
