"""What a handler is given: one job of AWS IoT. Loaded while there is one.

What tells the cloud is in job_telling.py, loaded for each time: the handler needs the memory.
"""

import asyncio
import json

from micropython import const

import errors

from .jobs import MOST_STARVED
from .link import borrow

_TRIES = const(10)
_CROWDED_MS = const(5000)
_MOST_CROWDED = const(24)  # of these: two minutes
_FEW_CROWDED = const(4)  # where flash knows how it ended: a new start has the memory to tell it
_MAX_PAIRS = const(10)  # of details: that of job_words.py, which is not in memory here
_MAX_TEXT = const(128)
_SUCCEEDED, _FAILED, _REJECTED = "SUCCEEDED", "FAILED", "REJECTED"  # may be tried again; will never work here


class Job:
    """One execution: `id`, `document` (dict), `operation`.

    For work that goes on after a restart: `resumed` is True when it was begun before; `details` are the status details
    as the cloud has them (dict of str), `kept` what `keep` has put into flash. `gone` when the cloud has cancelled it:
    then the handler is cancelled, too.
    """

    def __init__(self, jobs, execution, resumed=False):
        self.id = execution["jobId"]
        self.document = execution.pop("jobDocument", None)  # the only reference: a handler may free it
        words = borrow("job_words")
        self.operation = words.operation_of(self.document)
        self.details = execution.get("statusDetails") or {}
        self.resumed = resumed
        self.kept = {}
        self.result = {}  # the last details of a handler that returns
        self.outcome = None  # [status, details], once it has ended
        self.failure = None  # what the handler raised
        self.gone = False
        self.ended = False  # the handler
        self.jobs = jobs
        self.version = execution["versionNumber"]
        self._identity = words.identity(execution)
        self._tries = 0
        self._crowded = 0  # how often there was no memory to tell how it ended
        self._patience = _MOST_CROWDED
        self._is_kept = False  # how it ended is on flash
        self._load()
        self.operation = self.operation or self.kept.get("_resumes_as")  # see job_start.py

    # For the handler

    async def progress(self, percent=None, **details):
        """Tell the cloud how far it is, and details to go on from: at most ten in all, texts of 128 characters.

        They stay until they are given anew. Without a connection, or memory, the next one of these carries them on.
        """
        if percent is not None:
            details["percent"] = int(percent)
        try:
            await borrow("job_telling").progress(self, details)
        except MemoryError:  # no reason to fail
            self.details.update(details)

    async def keep(self, **values):
        """Put values (of JSON) into flash, where they stay for this job; beside what was kept before. A restart finds
        them in `kept`. `bounded=True`: the handler counts its starts itself. Errors: `flash_full`, `flash_failed`."""
        before = self.kept
        self.kept = dict(before)
        self.kept.update(values)
        try:
            await self._save()
        except BaseException:  # what flash does not have, a handler that is called again must not find
            self.kept = before
            raise

    async def succeed(self, **details):
        """End it as SUCCEEDED now, when it cannot be told after the handler has returned."""
        await self._end(_SUCCEEDED, details)

    async def fail(self, reason, message=None):
        """End it as FAILED: it may be tried again. `reason`: a code or a sentence. Returns when the cloud knows."""
        await self._end(_FAILED, {"reason": reason, "message": message})

    async def reject(self, reason, message=None):
        """End it as REJECTED: it will never work on this device. `reason` as for `fail`."""
        await self._end(_REJECTED, {"reason": reason, "message": message})

    # For the other files of jobs

    async def count(self):
        """Count one more start of a resumed job; False when there were too many."""
        self._tries += 1
        try:
            await self._save()
        except errors.StorageError:
            pass  # it may be this job that makes room
        return self._tries <= _TRIES or "bounded" in self.kept

    async def end(self):
        """The handler has returned, raised `failure`, or was cancelled because the job is gone."""
        failure, self.document = self.failure, None
        if self.jobs.starved >= MOST_STARVED:  # the handler has told the end itself, in vain
            raise MemoryError
        if self.gone:
            borrow("job_telling").cancelled(self)
        elif failure is None:
            await self.succeed(**self.result)
        elif isinstance(failure, errors.DeviceError):
            await self.fail(failure.code, failure.message)
        else:
            await self.fail("task_failed", "%s: %s" % (type(failure).__name__, failure))

    async def tell_outcome(self):
        """Tell the cloud how it ended, until it has taken that, or says that the job was cancelled."""
        while True:
            try:
                return await borrow("job_telling").outcome(self)
            except MemoryError:
                await self._for_memory()

    async def _for_memory(self):
        self._crowded += 1
        if self._crowded > self._patience:
            self.jobs.starved = MOST_STARVED  # by a new start
            raise MemoryError
        await asyncio.sleep_ms(_CROWDED_MS)
        if self.outcome is not None and not self._is_kept:
            await self._keep_outcome()

    async def _end(self, status, details):
        if self.outcome is not None or self.gone:
            return
        while self.outcome is None:
            try:
                self.outcome = [status, _texts(details)]
            except MemoryError:  # it has ended all the same, and must not be done again
                await self._for_memory()
        await self._keep_outcome()
        await self.tell_outcome()

    async def _keep_outcome(self):
        # As the handler gave it: before what makes it AWS's is loaded, for which there may be no memory in this start.
        try:
            await self._save()
            self._is_kept = True
            self._patience = min(self._crowded + _FEW_CROWDED, _MOST_CROWDED)
        except (errors.StorageError, MemoryError):
            pass  # the cloud is told all the same

    # The record

    def _load(self):
        try:
            record = json.loads(self.jobs.flash.load("job")[1])
            if record["job"] == self._identity:
                self.kept = record["kept"]
                self.outcome = record["outcome"]
                self._is_kept = self.outcome is not None
                self._tries = record["tries"]
        except (errors.StorageError, TypeError, ValueError, KeyError):
            pass  # none, or none that can be read: it starts from the beginning

    async def _save(self):
        record = {"job": self._identity, "kept": self.kept, "outcome": self.outcome, "tries": self._tries}
        await self.jobs.flash.save("job", b"", json.dumps(record).encode())


def _texts(details):
    texts = {name: str(details[name])[:_MAX_TEXT] for name in details if details[name] is not None}
    if len(texts) > _MAX_PAIRS:
        raise errors.error("limit", "A job's %d details" % len(texts), "%d" % _MAX_PAIRS)
    return texts
