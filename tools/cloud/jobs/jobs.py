"""Jobs: a document for things, and how far it has come. Raises `aws_errors`."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping, Sequence

from tools.cloud.aws_errors import InvalidRequest, InvalidStateTransition, NotImplementedHere
from tools.cloud.events import Events
from tools.cloud.jobs import checks, documents
from tools.cloud.jobs.executions import Executions
from tools.cloud.jobs.ledger import Ledger, config
from tools.cloud.jobs.pending import Pending
from tools.cloud.jobs.progress import Progress
from tools.cloud.jobs.states import CONTINUOUS, IN_PROGRESS, JOB_ACTIVE, JOB_IN_PROGRESS, JOB_SCHEDULED
from tools.cloud.jobs.targets import Targets
from tools.cloud.names import Names
from tools.cloud.store import Store
from tools.cloud.watching import Watchers

_NO_FILES = "This local AWS IoT serves no files: %s"


class Jobs:
    """`ledger` has the jobs, `executions` and `pending` what concerns one thing, `progress` goes on by itself.

    `presign` and `read_object` are given by whoever serves files: a link to bucket and key for so many seconds, and
    the contents of an object (KeyError: there is none).
    """

    def __init__(self, store: Store, names: Names, watchers: Watchers, targets: Targets, events: Events):
        self._store = store
        self._events = events
        self._names = names
        self.presign: documents.Presign | None = None
        self.read_object: documents.Read | None = None
        self.targets = targets
        self.ledger = Ledger(store, names)
        self.pending = Pending(store, names, watchers, lambda row: json.loads(self.document_for(row)))
        self.executions = Executions(store, names, self.pending, events, self._execution_ended, self._timeout_s)
        self.progress = Progress(store, names, self.ledger, self.executions, targets, events)
        watchers.membership_changed = self.progress.membership_changed

    def document_for(self, execution: sqlite3.Row) -> str:
        """The job document as the execution's device gets it now."""
        row = self.ledger.get(execution["job"])
        if not documents.has_links(row["document"]):
            return row["document"]
        expires_s = config(row, "presignedUrlConfig").get("expiresInSec", documents.DEFAULT_LINK_S)
        return documents.delivered(row["document"], self._presign(), expires_s)

    def fetch_document(self, url: str) -> str:
        """The job document at an S3 address."""
        if self.read_object is None:
            raise NotImplementedHere(_NO_FILES % "job documents cannot be fetched")
        try:
            return self.read_object(*documents.location(url)).decode()
        except (KeyError, UnicodeDecodeError):
            raise InvalidRequest(f"There is no job document at {url}") from None

    def create(
        self, job_id: str, targets: Sequence[str], document: str, selection: str, configs: Mapping[str, object]
    ) -> sqlite3.Row:
        """A new job, and executions for its targets. `configs` are under AWS's names."""
        checks.check(document, configs, self._names.now())
        if documents.has_links(document):
            self._presign()
        starts_later = "startTime" in configs.get("schedulingConfig", {})
        with self._store.transaction():
            self.targets.things(targets)  # all of them must be there
            self.ledger.add(job_id, document, selection, JOB_SCHEDULED, configs)
            self.targets.add(job_id, targets)
            if not starts_later:
                self.progress.start(job_id)
        return self.ledger.get(job_id)

    def update(self, job_id: str, changes: Mapping[str, object]) -> None:
        """Replace configurations of a job that has not ended."""
        with self._store.transaction():
            row = self.ledger.expect_active(job_id)
            configs = {**json.loads(row["config"]), **changes}
            checks.check(row["document"], {**configs, "schedulingConfig": {}}, self._names.now())
            self.ledger.set(job_id, config=json.dumps(configs))

    def associate(self, job_id: str, targets: Sequence[str], comment: str | None) -> None:
        """More targets for a job that goes on and on."""
        with self._store.transaction():
            row = self.ledger.expect_active(job_id)
            if row["selection"] != CONTINUOUS or row["status"] != JOB_IN_PROGRESS:
                raise InvalidRequest("Targets can be associated with CONTINUOUS jobs that are IN_PROGRESS only")
            things = self.targets.things(targets)
            self.targets.add(job_id, targets)
            self.ledger.set(job_id, comment=comment)
            self.progress.admit(row, things)

    def cancel(self, job_id: str, force: bool, reason_code: str | None, comment: str | None) -> None:
        """No execution starts any more; by force those in progress end, too."""
        with self._store.transaction():
            self.ledger.expect_active(job_id)
            self.progress.cancel(job_id, force, reason_code, comment)

    def delete(self, job_id: str, force: bool) -> None:
        """One that is still going on, or has executions in progress, goes by force only."""
        with self._store.transaction():
            row = self.ledger.get(job_id)
            executions = self.executions.of_job(job_id)
            in_progress = any(each["status"] == IN_PROGRESS for each in executions)
            if (row["status"] in JOB_ACTIVE or in_progress) and not force:
                raise InvalidStateTransition(f"Job {job_id} is {row['status']}; cancel it, or set force")
            targets = self.targets.of(job_id)
            self._events.job(row, targets, "deletion_in_progress")
            for thing in {each["thing"] for each in executions}:
                self.executions.forget(job_id, thing)
            self.ledger.remove(job_id)
            self._events.job(row, targets, "deleted")

    def _execution_ended(self, execution: sqlite3.Row) -> None:
        self.progress.execution_ended(execution)

    def _presign(self) -> documents.Presign:
        if self.presign is None:
            raise NotImplementedHere(_NO_FILES % "presigned links cannot be made")
        return self.presign

    def _timeout_s(self, job_id: str) -> float | None:
        minutes = config(self.ledger.get(job_id), "timeoutConfig").get("inProgressTimeoutInMinutes")
        return None if minutes is None else 60.0 * minutes
