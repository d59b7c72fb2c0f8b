"""The cloud's side of AWS IoT Jobs for one thing, as a script of the scripted broker, and a device that does them.

    async with JobsDesk() as desk:
        desk.add("job-1", {"operation": "blink"})
        await until(lambda: desk.status("job-1") == "SUCCEEDED")

It knows the states and rejections of the developer guide, as far as one thing sees them.
"""

import asyncio
import json

import aws_desk
from aws import jobs
from aws_desk import THING
from scripted_broker import PUBLISH, publish

TOPIC = "$aws/things/%s/jobs/" % THING
_ENDED = ("SUCCEEDED", "FAILED", "REJECTED", "CANCELED", "TIMED_OUT")


class Refused(Exception):
    """A rejection: code, and the state that AWS tells with it."""


class JobsCloud:
    """Executions by job id, and everything that was asked."""

    def __init__(self):
        self.executions = {}
        self.asked = []  # (end of the topic, document)
        self.lost = 0  # so many answers are not sent
        self.cuts = 0  # so many connections are ended by the first request
        self.present = 0  # the CONNACK's session present
        self.peers = []

    def add(self, job_id, document, **fields):
        execution = {"jobId": job_id, "status": "QUEUED", "versionNumber": 1, "executionNumber": 1, "statusDetails": {}}
        execution.update(queuedAt=1700000000 + len(self.executions), jobDocument=document)
        execution.update(fields)
        self.executions[job_id] = execution

    async def announce(self):
        for peer in self.peers:
            await peer.send(publish(TOPIC + "notify", json.dumps({"jobs": {}}).encode(), 1))

    def next(self):
        open_ones = [e for e in self.executions.values() if e["status"] not in _ENDED]
        return sorted(open_ones, key=lambda e: (e["status"] != "IN_PROGRESS", e["queuedAt"]))[0] if open_ones else None

    def status(self, job_id):
        return self.executions[job_id]["status"]

    def details(self, job_id):
        return self.executions[job_id]["statusDetails"]

    def statuses(self, job_id):
        """The updates that were asked for: status and details, in order."""
        return [(d["status"], d.get("statusDetails")) for end, d in self.asked if end == job_id + "/update"]

    async def script(self, peer):
        await peer.accept(self.present)
        self.peers = [peer]
        while True:
            packet = await peer.receive()
            if packet is None:
                return
            if packet.kind == PUBLISH and self.cuts:
                self.cuts -= 1
                self.present = 1
                return
            await peer.answer(packet)
            if packet.kind == PUBLISH and packet.topic.startswith(TOPIC):
                await self._serve(peer, packet.topic[len(TOPIC) :], json.loads(packet.payload))

    async def _serve(self, peer, end, document):
        self.asked.append((end, document))
        try:
            verdict, answer = "accepted", self._answer(end, document)
        except Refused as refusal:
            verdict, answer = "rejected", dict(refusal.args[1], code=refusal.args[0])
        answer["clientToken"] = document["clientToken"]
        if self.lost:
            self.lost -= 1
        else:
            await peer.send(publish(TOPIC + end + "/" + verdict, json.dumps(answer).encode(), 1))

    def _answer(self, end, document):
        if end == "start-next":
            return self._start(document)
        job_id, verb = end.split("/")
        execution = self.next() if job_id == "$next" else self.executions.get(job_id)
        if verb == "get":
            if execution is None and job_id != "$next":
                raise Refused("ResourceNotFound", {})
            if execution is not None and execution["status"] in _ENDED:  # never that of $next
                raise Refused("TerminalStateReached", {})
            return {"execution": self._seen(execution, document)} if execution else {}
        return self._update(execution, document)

    @staticmethod
    def _seen(execution, document):
        seen = dict(execution)
        if document.get("includeJobDocument") is False:
            del seen["jobDocument"]
        return seen

    def _start(self, document):
        execution = self.next()
        if execution is None:
            return {}
        if execution["status"] == "QUEUED":
            execution["status"] = "IN_PROGRESS"
            execution["versionNumber"] += 1
        return {"execution": execution}

    @staticmethod
    def _update(execution, document):
        if execution is None:
            raise Refused("ResourceNotFound", {})
        state = {"executionState": {"status": execution["status"], "versionNumber": execution["versionNumber"]}}
        if execution["status"] in _ENDED:
            raise Refused("InvalidStateTransition", state)
        if document.get("expectedVersion", execution["versionNumber"]) != execution["versionNumber"]:
            raise Refused("VersionMismatch", state)
        execution["status"] = document["status"]
        execution["versionNumber"] += 1
        execution["statusDetails"] = document.get("statusDetails", execution["statusDetails"])
        return {}


class MemoryFlash:
    """Records in memory, as lib/flash.py has them."""

    def __init__(self):
        self.kept = {}

    def load(self, name):
        return self.kept.get(name)

    async def save(self, name, secret, bulk=b""):
        self.kept[name] = (secret, bulk)


class JobsDesk(JobsCloud):
    """`desk.aws`, `desk.jobs`, `desk.flash`; `find`: the firmware's own operations. `restart` is a power cut."""

    def __init__(self, find=lambda name: None, with_application=True, **options):
        super().__init__()
        self.flash = MemoryFlash()
        self._find = find
        self._with_application = with_application
        self._options = options
        self._desk = None

    async def __aenter__(self):
        await self._power_on()
        return self

    async def _power_on(self):
        self._desk = aws_desk.Desk(self.script, **self._options)
        await self._desk.__aenter__()
        self.aws = self._desk.aws
        self.jobs = self.aws.jobs
        self.jobs.grace_ms = 400
        jobs.CALM_MS = 20
        self.told = self._desk.told
        self.of = self._desk.of
        run = self.jobs.run(lambda: None, self.flash, self._find, self._with_application)
        self._running = asyncio.create_task(run)

    async def _power_off(self):
        self._running.cancel()
        await asyncio.sleep_ms(0)
        await self._desk.__aexit__(None, None, None)

    async def restart(self):
        await self._power_off()
        await self._power_on()

    async def __aexit__(self, kind, error, trace):
        await self._power_off()
