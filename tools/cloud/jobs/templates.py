"""Job templates: documents with configurations to make jobs of. Raises `aws_errors`."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping

from tools.cloud.aws_errors import Conflict, InvalidRequest, ResourceNotFound
from tools.cloud.jobs import checks, managed
from tools.cloud.jobs.jobs import Jobs
from tools.cloud.names import Names
from tools.cloud.store import Store


class JobTemplates:
    def __init__(self, store: Store, names: Names, jobs: Jobs):
        self._store = store
        self._names = names
        self._jobs = jobs

    def create(self, template_id: str, document: str, configs: Mapping[str, object]) -> None:
        checks.check(document, configs, self._names.now())
        with self._store.transaction():
            if self._find(template_id) is not None:
                raise Conflict(f"Job template {template_id} already exists", resourceId=template_id)
            values = (template_id, document, json.dumps(configs), self._names.now())
            self._store.execute("INSERT INTO job_templates VALUES (?, ?, ?, ?)", *values)

    def get(self, template_id: str) -> sqlite3.Row:
        row = self._find(template_id)
        if row is None:
            raise ResourceNotFound(f"Job template {template_id} does not exist")
        return row

    def every(self) -> list[sqlite3.Row]:
        """All, by id."""
        return self._store.rows("SELECT * FROM job_templates ORDER BY id")

    def delete(self, template_id: str) -> None:
        self.get(template_id)
        self._store.execute("DELETE FROM job_templates WHERE id = ?", template_id)

    def resolve(self, arn: str, parameters: Mapping[str, str]) -> tuple[str, dict, dict[str, str]]:
        """Document, configurations and all parameters of the template with this ARN, of AWS or of this account."""
        own = self._names.job_template("")
        if arn.startswith(own):
            row = self.get(arn.removeprefix(own))
            return row["document"], json.loads(row["config"]), dict(parameters)
        found = self._names.managed_job_template_name(arn)
        if found is None:
            raise InvalidRequest(f"Not the ARN of a job template: {arn}")
        template = managed.find(*found)
        return template.document(), {}, template.values(parameters)

    def _find(self, template_id: str) -> sqlite3.Row | None:
        return self._store.row("SELECT * FROM job_templates WHERE id = ?", template_id)
