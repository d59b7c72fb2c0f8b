"""Mode OTA: the job of the update that was accepted is asked for again, its signature checked, its image brought into
the next slot, and that slot made the one to start next. Without the application, with a heap that is clean.

Whatever happens, the device leaves this mode after `timeouts.update_s`, and does not come here for the same job more
often than `limits.update_starts`. How it ended is on flash before it is told.
"""

import asyncio
import sys

from micropython import const

import errors
import events
from backoff import Backoff
from ota.keys import KEYS
from supervisor import wrapped
from updates import Updates

_TICK_MS = const(500)
_TELL_S = const(20)
_LOOK_S = const(30)
_STEP = const(10)  # percent
_NEVER = ("bad_signature", "image_too_large", "no_slots", "no_rollback")  # no other try would end otherwise
# A second session of TLS beside that of MQTT: what its handshake takes, and its largest buffer.
_TLS_FREE = const(52000)
_TLS_BLOCK = const(20000)


class Updating:
    """`system` is the `System`; `await run()` returns the event that leads out of OTA."""

    def __init__(self, system):
        self._system = system
        self._updates = Updates(system.flash)
        self._image = None  # ota/update.py
        self._percent = 0  # of it; what the cloud was told of it last
        self._told = 0
        self._url = self._text = None  # the link to it, and what is signed
        self._job = None  # aws/job.py, from when the cloud has handed it out until it is left
        self._given = None  # its document, until somebody takes it
        self._alone = False  # whether there is no memory for MQTT beside the update
        self._is_switching = False  # from then on there is no way back

    async def run(self):
        """Bring the update, or give it up."""
        system = self._system
        system.go_online()
        system.own("update", self._watch)
        return await system.left()

    async def _watch(self, owned):
        """Everything that is not the update itself: the deadline, progress, a job that was cancelled."""
        system, updates = self._system, self._updates
        limits, update_s = system.settings.limits, system.settings.timeouts.update_s
        end_ms = system.board.uptime_ms() + update_s * 1000
        try:
            await updates.save(starts=updates.job["starts"] + 1)
            if updates.job["starts"] > limits.update_starts:
                raise errors.error("update_interrupted", limits.update_starts)
        except errors.DeviceError as failure:
            await self._give_up(failure)
        self._listen()
        system.own("image", self._bring, silence_ms=None)
        while system.board.uptime_ms() < end_ms or self._is_switching:
            owned.beat()
            await asyncio.sleep_ms(_TICK_MS)
            if self._job is not None and self._job.gone and not self._is_switching:
                await self._drop()
            await self._tell_progress()
        await self._give_up(errors.error("update_too_slow", update_s))

    # The job

    def _listen(self):
        """Begin to be handed out the job: whatever job the cloud has next."""
        self._system.own("jobs", self._do_jobs)
        self._system.own("asking", self._look_for_it, silence_ms=None)

    async def _do_jobs(self, owned):
        system = self._system
        await system.aws.jobs.run(owned.beat, system.flash, lambda operation: self._take, False)

    async def _take(self, job):
        """The handler of whatever job the cloud hands out: it is at work for as long as the update is."""
        if job.id != self._updates.job["id"]:
            await self._drop()
        self._given, job.document = (job.operation, job.document), None
        self._job = job
        await _for_ever()

    async def _look_for_it(self, _):
        """The cloud hands out no job that is gone: ask for it by its name."""
        while self._job is None:
            try:
                await self._still_wanted(self._updates.job["id"])
            except errors.DeviceError as failure:
                # Whatever the cloud has against the question: as long as it hands out the job, the update comes.
                self._complain("asking", failure)
            await asyncio.sleep(_LOOK_S)

    async def _still_wanted(self, job_id, with_document=False):
        """The document of the job, for as long as it takes to get an answer; ends this mode when it is gone."""
        while True:
            try:
                answer = await self._system.aws.jobs.ask(job_id + "/get", {"includeJobDocument": with_document})
                break
            except errors.CloudError as failure:
                if getattr(failure, "reason", None) == "ResourceNotFound":
                    await self._drop()
                raise
            except errors.RetryError:
                await asyncio.sleep_ms(_TICK_MS)
        execution = answer["execution"]
        if execution["status"] not in ("QUEUED", "IN_PROGRESS"):
            await self._drop()
        return execution.get("jobDocument")

    async def _document(self):
        """(operation, document) as the cloud has it now: it signs a new link whenever it is asked."""
        if self._job is not None and self._given is None:
            return self._job.operation, await self._still_wanted(self._job.id, True)
        if self._system.aws is None:
            self._system.reach_cloud()
            self._listen()
        while self._given is None:
            await asyncio.sleep_ms(_TICK_MS)
        given, self._given = self._given, None
        return given

    # The update

    async def _bring(self, _):
        """Install it, and let its slot start next."""
        system, updates = self._system, self._updates
        try:
            try:
                await self._install()
            except MemoryError:
                if self._alone:
                    raise
                self._alone = True
                await self._install()
            self._is_switching = True
            await updates.try_out(system.slot().switch())
        except Exception as failure:  # noqa: BLE001 - memory, too, may be short: in the end the device works again
            failure = wrapped("update", failure)
            await self._give_up(failure, "REJECTED" if failure.code in _NEVER else "FAILED")
        system.leave("update_written", "version %s" % updates.job["version"])

    async def _install(self):
        """Bring the image into its slot. What the flash has then is what was signed."""
        system, updates = self._system, self._updates
        size = await self._check()
        while True:
            image = self._image = system.make_update(system, size)
            image.go_on(updates.job["at"])
            resumed = image.at
            await self._download()
            digest = await image.digest()
            size, image, self._image = image.size, None, None
            self._told = 100
            await self._keep(size)
            update = await self._ask_again()  # the last look before the switch
            try:
                await update.check_image(digest, KEYS)
                break
            except errors.DeviceError:
                if not resumed:
                    raise
            await self._keep(0)  # perhaps it was the part of an earlier start
        await self._tell("restarting")

    async def _check(self):
        """Learn what is to be brought, if it is authentic and wanted; returns its size. What is refused will always
        be."""
        try:
            given = await self._document()
            await self._make_room()
            update = self._read(given)
            await update.authenticate(KEYS)
            self._url, self._text = update.url, update.text
            return update.size
        except errors.DeviceError as failure:
            await self._give_up(failure, "REJECTED")
        finally:
            self._system.slot().forget("signature")  # the download has use for its memory

    def _read(self, given):
        """The `Update` of such a document. Raises why this device does not take it."""
        try:
            from update_job import vet

            return vet(self._system, self._updates, self._updates.job["id"], *given)
        finally:
            sys.modules.pop("update_job", None)
            self._system.slot().forget("document", "foreign")

    async def _ask_again(self):
        update = self._read(await self._document())
        if update.text != self._text:
            raise errors.error("bad_document", "is another one than before")
        return update

    async def _download(self):
        """All that is missing, by as many connections as it takes; only those that bring nothing are counted."""
        settings, image = self._system.settings, self._image
        backoff = Backoff(settings.timeouts.backoff_s * 1000, settings.timeouts.backoff_cap_s * 1000)
        failures = 0
        while True:
            before = image.at
            try:
                await self._make_room()
                await image.fetch(self._url, self._progress)
                return
            except errors.RetryError as failure:
                failures += 1
                if image.at > before:
                    failures = 0
                    backoff.stable()
                if failures > settings.limits.update_tries:
                    raise
                if failure.code == "no_memory":
                    self._alone = True
                elif failure.code == "link_expired":
                    self._url = (await self._ask_again()).url
                await asyncio.sleep_ms(backoff.next_ms())

    async def _make_room(self):
        """Wi-Fi, however long it is away; and no connection to the cloud, where there is no memory for both."""
        system = self._system
        while not system.wifi.is_connected:
            await asyncio.sleep_ms(_TICK_MS)
        heap = system.board.heap()
        if system.aws is not None and (self._alone or heap["idf_free"] < _TLS_FREE or heap["idf_largest"] < _TLS_BLOCK):
            self._alone = True
            self._job = None
            await _offline().leave_cloud(system, "jobs", "asking")

    # How far it is

    def _progress(self):
        percent = self._image.at * 100 // self._image.size // _STEP * _STEP
        if percent > self._percent:
            self._percent = percent
            self._system.bus.emit(events.OTA_PROGRESS, percent=percent)

    async def _tell_progress(self):
        if self._percent > self._told and self._image is not None:
            self._told = self._percent
            await self._keep(self._image.at)
            await self._tell("downloading")

    async def _keep(self, at):
        try:
            await self._updates.save(at=at)
        except errors.StorageError:
            pass  # after a power cut it begins anew, no more

    async def _tell(self, step):
        if self._job is None:
            return
        try:
            await self._job.progress(self._told, step=step)
        except errors.DeviceError as failure:  # a cloud that does not want to know is no reason to stop
            self._complain("update", failure)

    def _complain(self, task, failure):
        self._system.bus.emit(events.TASK_FAILED, task=task, code=failure.code, message=failure.message)

    # The end

    async def _give_up(self, failure, status="FAILED"):
        """It is not to be. Never returns: the device restarts from the slot that it runs."""
        system, updates = self._system, self._updates
        await updates.end(failure, status)
        version = updates.job["version"]
        system.bus.emit(events.OTA_FAILED, version=version, code=failure.code, message=failure.message)
        if self._job is not None and system.aws.is_connected:
            try:
                await asyncio.wait_for(updates.report(self._job), _TELL_S)
            except asyncio.TimeoutError:
                pass  # NORMAL will tell it
        system.leave("update_failed", "%s" % failure)
        await _for_ever()

    async def _drop(self):
        """The job is gone: cancelled, or its time was over. Never returns."""
        if self._is_switching:
            await _for_ever()
        await self._updates.forget()
        self._system.leave("update_failed", "the job of the update is gone")
        await _for_ever()


async def _for_ever():
    while True:
        await asyncio.sleep_ms(_TICK_MS)


def _offline():
    import offline

    del sys.modules["offline"]
    return offline
