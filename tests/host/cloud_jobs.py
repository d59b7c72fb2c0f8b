"""What the tests of jobs share: a cloud with a lamp that is connected, and what it asks and hears of its jobs."""

from __future__ import annotations

import contextlib
import itertools
import json

from tests.host.cloud_control import Device, WallClock
from tools.cloud import LocalCloud
from tools.cloud.recipes import create_fleet, create_thing

JOBS = "$aws/things/lamp/jobs"
DOCUMENT = {"operation": "blink", "times": 3}


class JobsDesk:
    """`clock` is the cloud's, `iot` its control plane, `lamp` the connected device."""

    def __init__(self, folder):
        self.clock = WallClock()
        self._folder = folder
        self._numbers = itertools.count(1)

    def __enter__(self) -> JobsDesk:
        with contextlib.ExitStack() as stack:
            self.cloud = stack.enter_context(LocalCloud(self._folder / "cloud", fast_keys=True, now=self.clock))
            self.iot = self.cloud.iot()
            fleet = create_fleet(self.iot)
            own = create_thing(self.iot, "lamp", fleet.thing_policy)
            self.lamp = stack.enter_context(Device(self.cloud, self._folder, "lamp", own.cert_pem, own.key_pem))
            self.lamp.subscribe(f"{JOBS}/notify", f"{JOBS}/notify-next")
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *error: object) -> None:
        self._stack.close()

    def clear(self) -> None:
        """No jobs any more, and nothing that was heard of them."""
        for job in self.iot.list_jobs()["jobs"]:
            self.iot.delete_job(jobId=job["jobId"], force=True)
        self.lamp.settle()

    def arn(self, thing: str = "lamp") -> str:
        return self.iot.describe_thing(thingName=thing)["thingArn"]

    def create(self, document: dict = DOCUMENT, **more: object) -> str:
        """A job for the lamp, or for `targets`; its id."""
        job_id = f"job-{next(self._numbers)}"
        more.setdefault("targets", [self.arn()])
        self.iot.create_job(jobId=job_id, document=json.dumps(document), **more)
        return job_id

    def hear(self) -> tuple[str, dict]:
        """The end of the next topic, and its document."""
        topic, payload = self.lamp.message()
        return topic.removeprefix(f"{JOBS}/"), json.loads(payload)

    def ask(self, verb: str, request: bytes | dict = b"") -> tuple[str, dict]:
        """The answer to a request: "accepted" or "rejected", and its document. Notifications before it are dropped."""
        self.lamp.publish(f"{JOBS}/{verb}", request if isinstance(request, bytes) else json.dumps(request))
        while True:
            end, document = self.hear()
            if end.startswith(f"{verb}/"):
                return end.removeprefix(f"{verb}/"), document

    def update(self, job_id: str, status: str, **more: object) -> tuple[str, dict]:
        return self.ask(f"{job_id}/update", {"status": status, **more})

    def rejected(self, verb: str, request: bytes | dict = b"") -> str:
        """The code with which a request is rejected."""
        end, document = self.ask(verb, request)
        assert end == "rejected", document
        assert document["message"]
        return document["code"]

    def execution(self, job_id: str, thing: str = "lamp") -> dict:
        return self.iot.describe_job_execution(jobId=job_id, thingName=thing)["execution"]

    def status(self, job_id: str, thing: str = "lamp") -> str:
        return self.execution(job_id, thing)["status"]
