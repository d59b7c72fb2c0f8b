"""The job of the update that mode OTA installs: as the cloud hands it out, or tells it when it is asked.

Where there is memory for it, the device stays connected and has the job as any other. Else (`offline`) it can only ask
for the job, by its id.
"""

import asyncio

from micropython import const

import errors
import events
from supervisor import wrapped

_TICK_MS = const(500)
_LOOK_S = const(30)
_GONE = ("ResourceNotFound", "TerminalStateReached")  # as job_words, which is not in memory here
_BOTH_FREE = const(90000)  # bytes of ESP-IDF's heap: a start of MQTT that leaves enough for a download needs so much


class UpdatingJob:
    """What updating.py knows of its job, and does with it.

    `drop()`, a coroutine function of who inherits, ends the update whose job is gone; `restart_where_short()` the start
    that has no memory to connect.
    """

    def __init__(self, system, job_id):
        self.system = system
        self.job_id = job_id
        self.job = None  # aws/job.py, from when the cloud has handed it out until the cloud is left
        self.offline = False  # the cloud is left for the download: there is no memory for both
        self._given = None  # (operation, document), until somebody takes it

    async def document(self):
        """(operation, document) as the cloud has it now: it signs a new link whenever it is asked.

        The operation is None where it is still to be read from the document.
        """
        await self._reach_cloud()
        is_known = self.offline or (self.job is not None and self._given is None)
        while self._given is None:
            if is_known:
                await self._ask(True)
            else:
                await asyncio.sleep_ms(_TICK_MS)
        given, self._given = self._given, None
        return given

    async def look_last(self):
        """The last chance to cancel: returns when the cloud still wants the job."""
        await self._reach_cloud()
        while not await self._ask(False):
            pass
        await self.tell(100, "restarting")

    async def _reach_cloud(self):
        """Connect, and take the job as any other; where memory is short, only ask for its document (aws/asker.py)."""
        system = self.system
        if system.aws is not None:
            return
        await self.wifi()
        await self.restart_where_short()
        self.offline = self.offline or system.board.heap()["idf_free"] < _BOTH_FREE
        if self.offline:
            system.reach_cloud("asker")
        else:
            system.reach_cloud()
            system.own("jobs", self._do_jobs)
            system.own("asking", self._look_for_it, silence_ms=None)

    async def _do_jobs(self, owned):
        await self.system.aws.jobs.run(owned.beat, self.system.flash, lambda operation: self._take, False)

    async def _take(self, job):
        """The handler of every job: takes that of the update, and works until the update ends."""
        if job.id != self.job_id:
            await self.drop()
        self._given, job.document = (job.operation, job.document), None  # 2 KB, mostly its link
        self.job = job
        await for_ever()

    async def _look_for_it(self, _):
        """Notice a job that is gone, which the cloud hands out no more: ask for it by its id."""
        while self.job is None:
            try:
                await self._ask(False)
            except MemoryError as failure:
                self.complain("asking", failure)
            await asyncio.sleep(_LOOK_S)

    async def _ask(self, with_document):
        """Ask for the job; returns whether there was an answer. A job that is gone ends this mode."""
        try:
            document = await self._still_wanted(with_document)
            if with_document:
                self._given = None, document
            return True
        except errors.DeviceError as failure:
            # Whatever the cloud has against the request: while it hands out the job, the update goes on.
            self.complain("asking", failure)
            await asyncio.sleep(_LOOK_S)
            return False

    async def _still_wanted(self, with_document):
        """The document of the job, from an answer that is waited for however long it takes; None if not asked for."""
        while True:
            try:
                question = {"includeJobDocument": with_document}
                execution = (await self.system.aws.jobs.ask(self.job_id + "/get", question))["execution"]
                break
            except errors.CloudError as failure:
                if getattr(failure, "reason", None) in _GONE:
                    await self.drop()
                raise
            except errors.RetryError:
                await asyncio.sleep_ms(_TICK_MS)
        if execution["status"] not in ("QUEUED", "IN_PROGRESS"):
            await self.drop()
        return execution.get("jobDocument")

    async def tell(self, percent, step):
        """Tell the cloud how far it is, while connected."""
        try:
            if self.job is not None:
                await self.job.progress(percent, step=step)
        except (errors.DeviceError, MemoryError) as failure:  # no reason to stop the update
            self.complain("update", failure)

    async def wifi(self):
        """Wait for the network, however long it is away."""
        while not self.system.wifi.is_connected:
            await asyncio.sleep_ms(_TICK_MS)

    def complain(self, task, failure):
        """Emit a failure that does not end the update."""
        failure = wrapped(task, failure)
        self.system.bus.emit(events.TASK_FAILED, task=task, code=failure.code, message=failure.message)


async def for_ever():
    """Never returns."""
    while True:
        await asyncio.sleep_ms(_TICK_MS)
