"""What a handler is given: one job of AWS IoT. Imported while there is one."""

import asyncio
import json

from micropython import const

import errors
import events

from . import job_words as words

_AGAIN_MS = const(5000)
_TRIES = const(10)


class Job:
    """One execution: `id`, `document` (dict), `operation`.

    For work that goes on after a restart: `resumed` is True when it was begun before; `details` are the status details
    as the cloud has them (dict of str), `kept` what `keep` has put into flash. `gone` when the cloud has cancelled it:
    then the handler is cancelled, too.
    """

    def __init__(self, jobs, execution, resumed=False):
        self.id = execution["jobId"]
        self.document = execution.pop("jobDocument", None)  # the only one who has it: a handler may let go of it
        self.operation = words.operation_of(self.document)
        self.details = execution.get("statusDetails") or {}
        self.resumed = resumed
        self.kept = {}
        self.outcome = None  # [status, details], once it has ended
        self.failure = None  # what the handler raised
        self.gone = False
        self.ended = False  # the handler
        self._jobs = jobs
        self._version = execution["versionNumber"]
        self._identity = words.identity(execution)
        self._tries = 0
        self._load()

    # For the handler

    async def progress(self, percent=None, **details):
        """Tell the cloud how far it is, and details to go on from: at most ten in all, texts of 128 characters.

        They stay until they are given anew. While there is no connection the next one of these carries them on.
        """
        if percent is not None:
            details["percent"] = int(percent)
        merged = dict(self.details)
        merged.update(details)
        self.details = words.details(merged)
        if not self._jobs.ready.is_set():
            return
        try:
            if not await self._update(words.IN_PROGRESS, self.details):
                self._jobs.news.set()  # whoever watches looks, and cancels
        except errors.RetryError:
            pass

    async def keep(self, **values):
        """Put values (of JSON) into flash, where they stay for this job; beside what was kept before. A restart finds
        them in `kept`. `bounded=True`: the handler counts its starts itself. Errors: `flash_full`, `flash_failed`."""
        self.kept.update(values)
        await self._save()

    async def succeed(self, **details):
        """It is done, before the handler returns: for what cannot be told afterwards."""
        await self._end(words.SUCCEEDED, self._last_details(details))

    async def fail(self, reason, message=None):
        """It has failed this time. `reason`: a short code, or a sentence; returns when the cloud knows."""
        await self._end(words.FAILED, self._reasons(reason, message))

    async def reject(self, reason, message=None):
        """It will never work on this device."""
        await self._end(words.REJECTED, self._reasons(reason, message))

    # For who runs it

    async def count(self):
        """One more start of work that was begun before; False when there were too many."""
        self._tries += 1
        try:
            await self._save()
        except errors.StorageError:
            pass  # it may be the job that mends it
        return self._tries <= _TRIES or "bounded" in self.kept

    async def end(self):
        """The handler has returned, raised `failure`, or was cancelled because the job is gone."""
        failure = self.failure
        if self.gone:
            self._tell("CANCELED", {"reason": "cancelled"})
        elif failure is None:
            await self.succeed()
        elif isinstance(failure, errors.DeviceError):
            await self.fail(failure.code, failure.message)
        else:
            await self.fail("task_failed", "%s: %s" % (type(failure).__name__, failure))

    async def tell_outcome(self):
        """Tell the cloud how it ended, until it knows. It may know better: then the job was cancelled."""
        status, details = self.outcome
        told = None
        while told is None:
            await self._jobs.ready.wait()
            try:
                told = await self._update(status, details)
            except errors.RetryError:
                await asyncio.sleep_ms(_AGAIN_MS)  # for as long as it takes: the handler is not run again
        self.gone = not told
        if self.gone:
            self._tell("CANCELED", {"reason": "cancelled"})
        else:
            self._tell(status, {} if status == words.SUCCEEDED else details)

    def _tell(self, status, details):
        why = {name: details[name] for name in ("reason", "message") if name in details}
        self._jobs.bus.emit(events.JOB_FINISHED, job=self.id, status=status, **why)

    async def _end(self, status, details):
        if self.outcome is not None or self.gone:
            return
        self.outcome = [status, details]
        try:
            await self._save()
        except (errors.StorageError, MemoryError):
            pass  # the cloud shall know all the same
        await self.tell_outcome()

    def _reasons(self, reason, message):
        return self._last_details({"reason": reason, "message": message or words.sentence(reason, self.operation)})

    def _last_details(self, details):
        """Beside what was told on the way, as far as there is room: how it ended comes first."""
        merged = dict(self.details)
        merged.update(details)
        older = [name for name in self.details if name not in details]
        while len(merged) > words.MAX_PAIRS and older:
            merged.pop(older.pop())
        return words.details(merged)

    async def _update(self, status, details):
        """Whether the cloud took it; False when the execution is no longer ours. Errors: those of `Service.ask`."""
        try:
            await self._ask(status, details)
        except errors.CloudError as failure:
            # An answer was lost, or somebody else moves it: what the cloud has is what counts.
            state = getattr(failure, "answer", {}).get("executionState")
            if failure.code != "rejected" or not state:
                if words.is_gone(failure):
                    return False
                raise
            if state["status"] == status != words.IN_PROGRESS:
                return True
            if state["status"] not in (words.QUEUED, words.IN_PROGRESS):
                return False
            self._version = state["versionNumber"]
            await self._ask(status, details)
        return True

    async def _ask(self, status, details):
        request = words.update(status, details, self._version, self._jobs.step_minutes)
        await self._jobs.ask(self.id + "/update", request)
        self._version += 1

    # The record

    def _load(self):
        try:
            record = json.loads(self._jobs.flash.load("job")[1])
            if record["job"] == self._identity:
                self.kept = record["kept"]
                self.outcome = record["outcome"]
                self._tries = record["tries"]
        except (errors.StorageError, TypeError, ValueError, KeyError):
            pass  # none, or none that can be read: it begins anew

    async def _save(self):
        record = {"job": self._identity, "kept": self.kept, "outcome": self.outcome, "tries": self._tries}
        await self._jobs.flash.save("job", b"", json.dumps(record).encode())
