"""Mode OTA: fetches the job of the accepted update again and installs it, without the application, in a fresh heap.

Whatever happens, the device leaves this mode after `timeouts.update_s`, and does not enter it for the same job more
often than `limits.update_starts`. How it ended is on flash before the cloud is told.

Where there is memory for it, the device stays in the cloud: progress is told, a cancelled job ends the update. Else
(`offline`) it asks for the document, leaves, downloads the image, and connects again for a last look at the job.
"""

import asyncio
import gc
import sys

from micropython import const

import errors
import events
from supervisor import wrapped
from system import for_ever

_TICK_MS = const(500)
_TELL_S = const(20)
_LOOK_S = const(30)
_GONE = ("ResourceNotFound", "TerminalStateReached")  # as job_words, which is not in memory here
_NEVER = ("bad_signature", "image_too_large", "no_slots", "no_rollback")  # no other try would end differently
# Bytes of ESP-IDF's heap: a download beside MQTT needs so much free, and in one block; a start of both needs more.
_TLS_FREE = const(50000)
_TLS_BLOCK = const(20000)
_BOTH_FREE = const(90000)
_LEAST_FREE = const(36000)  # for a handshake: with less it fails, whatever error it reports


class Updating:
    """`system` is the `System`; `await run()` returns the event that leads out of OTA."""

    def __init__(self, system):
        self.system = system
        job = _updates(self).job
        self.buffer = None  # of a sector of the image or more
        self.job_id, self.version = job["id"], job["version"]
        self.job = None  # aws/job.py, from when the cloud has handed it out until the cloud is left
        self.offline = False  # the cloud is left for the download: there is no memory for both
        self._given = None  # (operation, document), until somebody takes it
        self._installation = None
        self._starved = 0  # connections to the cloud, in this start
        self._is_last = False  # of the starts that an update may have
        self.is_over = False  # how it ended is on flash, or about to be: nothing else may be written
        self._is_switching = False  # the slot is being switched: there is no way back

    async def run(self):
        """Install the update, or give it up; returns the event."""
        self.system.join_wifi()
        self.system.own("update", self._watch)
        return await self.system.left()

    async def _watch(self, owned):
        """Watch over the update: its deadline, its progress, a job that is cancelled."""
        system = self.system
        update_s = system.settings.timeouts.update_s
        end_ms = system.board.uptime_ms() + update_s * 1000
        await self._count()
        system.own("image", self._bring, silence_ms=None)
        lost = system.bus.listen(events.AWS_DISCONNECTED, limit=1)
        while system.board.uptime_ms() < end_ms or self._is_switching:
            owned.beat()
            await asyncio.sleep_ms(_TICK_MS)
            if self.job is not None and self.job.gone and not self._is_switching:
                await self.drop()
            if self._installation is not None:
                await self._installation.tell_progress()
            if lost.any() and not self._is_switching:
                self._starved += (await lost.get()).data["code"] == "no_memory"
                await self.restart_where_short()
        await self.give_up(errors.error("update_too_slow", update_s))

    async def _count(self):
        """Count one more start for this update."""
        updates, most = _updates(self), self.system.settings.limits.update_starts
        try:
            await updates.save(starts=updates.job["starts"] + 1)
            self._is_last = updates.job["starts"] >= most
            if updates.job["starts"] > most:
                raise errors.error("update_interrupted", most)
        except errors.DeviceError as failure:
            await self.give_up(failure)

    async def _bring(self, _):
        """Install it, and let its slot start next."""
        try:
            try:
                await self._install()
            except MemoryError:
                if self.offline:
                    raise
                self.offline = True
                if self.job is None:  # the connection may have been begun by halves
                    await self.make_room()
                await self._install()
            if self.is_over:
                await for_ever()
            self._is_switching = True
            await _updates(self).try_out(self.system)
        except Exception as failure:  # noqa: BLE001 - even without memory the device must get back to work
            if isinstance(failure, MemoryError) and not (self._is_last or self.is_over):
                await self._start_afresh("the update")
            failure = wrapped("update", failure)
            await self.give_up(failure, "REJECTED" if failure.code in _NEVER else "FAILED")
        self.system.leave("update_written", "version %s" % self.version)

    async def _install(self):
        given = await self.document()
        await self.make_room()
        import installing

        self._installation = installing.Installation(self, _updates(self))
        del sys.modules["installing"], installing  # memory is short
        await self._installation.run(given)
        self._installation = self.buffer = given = None
        self.system.slot().unload("update", "https", "writer", "document", "foreign")
        if self.system.aws is None:
            _offline().forget_cloud()
        await self._look_last()
        if self.offline:  # memory is short beside a connection, and the trial must be noted
            await self._leave_cloud()

    # The job

    async def document(self):
        """(operation, document) of now, with a new link; without operation where the document is still to tell it."""
        await self._reach_cloud()
        is_known = self.offline or (self.job is not None and self._given is None)
        while self._given is None:
            await (self._ask(True) if is_known else asyncio.sleep_ms(_TICK_MS))
        given, self._given = self._given, None
        return given

    async def _look_last(self):
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
        await self._wifi()
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
                answer = await self.system.aws.jobs.ask(self.job_id + "/get", {"includeJobDocument": with_document})
                execution = answer["execution"]
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

    # Memory

    async def make_room(self):
        """Leave the cloud, where there is no memory for MQTT and a download."""
        await self._wifi()
        if self.system.aws is None:
            return
        heap = self.system.board.heap()
        if self.offline or heap["idf_free"] < _TLS_FREE or heap["idf_largest"] < _TLS_BLOCK:
            self.offline = True
            # Rarely is there so much in a row: for a new one Python's heap would grow into what TLS needs.
            self.buffer = self.buffer or getattr(self.system.aws, "piece", None)
            await self._leave_cloud()

    async def _leave_cloud(self):
        self.job = None
        await _offline().leave_cloud(self.system, "jobs", "asking")

    async def restart_where_short(self):
        """Python's heap does not give back what it has taken of TLS's memory: only a restart does."""
        gc.collect()
        if self.offline and (self._starved > 1 or self.system.board.heap()["idf_free"] < _LEAST_FREE):
            await self._start_afresh("the download")

    async def _start_afresh(self, what):
        """Restart, as often as `limits.update_starts` allows. Never returns."""
        self.system.leave("update_written", "update: %s needs a fresh heap" % what)
        await for_ever()

    async def _wifi(self):
        """Wait for the network, however long it is away."""
        while not self.system.wifi.is_connected:
            await asyncio.sleep_ms(_TICK_MS)

    # The end

    async def give_up(self, failure, status="FAILED"):
        """End the update as failed. Never returns: the device restarts from the slot that it runs."""
        if self.is_over:
            await for_ever()
        self.is_over = True
        system, updates = self.system, _updates(self)
        await updates.end(failure, status)
        system.bus.emit(events.OTA_FAILED, version=self.version, code=failure.code, message=failure.message)
        if self.job is not None and system.aws.is_connected:
            import update_end

            try:
                await asyncio.wait_for(update_end.tell(system.flash, updates.job, self.job), _TELL_S)
            except asyncio.TimeoutError:
                pass  # NORMAL will tell it
        system.leave("update_failed", "%s" % failure)
        await for_ever()

    async def drop(self):
        """End the update without a word: its job is cancelled, timed out or deleted. Never returns."""
        if not self._is_switching and not self.is_over:
            self.is_over = True
            await _updates(self).forget()
            self.system.leave("update_failed", "the job of the update is gone")
        await for_ever()

    def complain(self, task, failure):
        """Emit a failure that does not end the update."""
        failure = wrapped(task, failure)
        self.system.bus.emit(events.TASK_FAILED, task=task, code=failure.code, message=failure.message)


# Loaded for a moment: memory is short.


def _updates(updating):
    """The record of the update, as flash has it now."""
    import updates

    del sys.modules["updates"]
    return updates.Updates(updating.system.flash)


def _offline():
    import offline

    del sys.modules["offline"]
    return offline
