"""What devices ask of jobs, over MQTT and over HTTP (`iot-jobs-data`): parameters and results under AWS's names."""

from __future__ import annotations

from tools.cloud.aws_errors import TerminalState
from tools.cloud.jobs import forms
from tools.cloud.jobs.jobs import Jobs
from tools.cloud.jobs.pending import LISTED
from tools.cloud.jobs.states import IN_PROGRESS, QUEUED, TERMINAL
from tools.cloud.names import Names

_NEXT = "$next"


class JobsData:
    def __init__(self, jobs: Jobs, names: Names):
        self._jobs = jobs
        self._names = names

    def now(self) -> int:
        """Unix seconds, as answers carry them."""
        return int(self._names.now())

    def pending(self, request: dict) -> dict:
        rows = self._jobs.pending.of(request["thingName"])[:LISTED]
        in_progress, queued = (
            [forms.summary(row) for row in rows if row["status"] == s] for s in (IN_PROGRESS, QUEUED)
        )
        return {"inProgressJobs": in_progress, "queuedJobs": queued}

    def start_next(self, request: dict) -> dict:
        row = self._jobs.executions.start_next(request["thingName"], request)
        return {} if row is None else self._execution(row)

    def describe(self, request: dict) -> dict:
        """One execution, or the next one by the job id `$next`; nothing when none is pending."""
        job, thing = request["jobId"], request["thingName"]
        row = (
            self._jobs.pending.next(thing)
            if job == _NEXT
            else self._jobs.executions.get(job, thing, request.get("executionNumber"))
        )
        if row is None:
            return {}
        if row["status"] in TERMINAL:
            raise TerminalState(f"The execution of job {job} is {row['status']}")
        return self._execution(row, request.get("includeJobDocument", True))

    def update(self, request: dict) -> dict:
        row = self._jobs.executions.update(request["jobId"], request["thingName"], request)
        answer = {}
        if request.get("includeJobExecutionState"):
            answer["executionState"] = forms.state(row)
        if request.get("includeJobDocument"):
            answer["jobDocument"] = self._jobs.document_for(row)
        return answer

    def _execution(self, row, with_document: bool = True) -> dict:
        form = forms.execution(row, self._names.now())
        if with_document:
            form["jobDocument"] = self._jobs.document_for(row)
        return {"execution": form}
