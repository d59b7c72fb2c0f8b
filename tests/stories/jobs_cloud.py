"""Jobs as an operator sees them, through boto3."""

import itertools
import json

from tests.stories.conftest import eventually, thing_name

_ENDED = ("SUCCEEDED", "FAILED", "REJECTED", "CANCELED", "TIMED_OUT")


class Operator:
    """Makes jobs for the desk's device, one at a time, and looks what becomes of them."""

    def __init__(self, desk):
        self._iot = desk.cloud.iot()
        self._thing = thing_name(desk)
        self._numbers = itertools.count(1)

    def create(self, document, **more):
        """A job for the device; returns its id."""
        eventually(self._is_enrolled)
        arn = self._iot.describe_thing(thingName=self._thing)["thingArn"]
        job_id = f"job-{next(self._numbers)}"
        self._iot.create_job(jobId=job_id, targets=[arn], document=json.dumps(document), **more)
        return job_id

    def _is_enrolled(self):
        return any(thing["thingName"] == self._thing for thing in self._iot.list_things()["things"])

    def cancel(self, job_id):
        self._iot.cancel_job(jobId=job_id, force=True)

    def execution(self, job_id):
        return self._iot.describe_job_execution(jobId=job_id, thingName=self._thing)["execution"]

    def status(self, job_id):
        return self.execution(job_id)["status"]

    def details(self, job_id):
        return self.execution(job_id).get("statusDetails", {}).get("detailsMap", {})

    def end(self, job_id, timeout_s=40):
        """Wait until the job has ended; returns (status, reason)."""
        eventually(lambda: self.status(job_id) in _ENDED, timeout_s)
        return self.status(job_id), self.details(job_id).get("reason")

    def do(self, document, timeout_s=40):
        """Create a job and wait for its end; returns (status, reason)."""
        return self.end(self.create(document), timeout_s)
