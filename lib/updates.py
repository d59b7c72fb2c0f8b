"""The record of updates over the air, from one start to the next, and what INIT makes of it.

The record `update`, a JSON object:

    floor    the oldest version that may come
    failed   versions that failed here, the newest last
    job      the update at work, if there is one:
             id, version, floor (what the floor will be), slot; stage; starts (of mode OTA), at (bytes on flash);
             trials so far, start (number of the one that has begun the newest)
             stage "wanted": mode OTA is to bring it.  "trial": its slot was made the one to start next.  "again": its
             trial was cut short by something else, and another one follows when the cloud is reached.  "ended": with
             status, reason and message, until the job in the cloud has them

A trial ends for good in the new image: confirmed or failed. When the bootloader has gone back without a word of it,
`settle` says why: the power went or the new image wanted the restart, which is not held against the version; else it
crashed, perhaps before it could count its start.
"""

import json

import errors
import events
import release

WANTED, TRIAL, AGAIN, ENDED = "wanted", "trial", "again", "ended"
NOT_REACHED = "the cloud was not reached in the trial"

_NEVER = "0.0.0"
_MOST_FAILED = 8
_LONGEST = 128  # of what a job can tell; an exception of the application's may say more than the record has room for


class Updates:
    """The record as it is on `flash` now: `floor` (str), `failed` (list of str), `job` (dict or None)."""

    def __init__(self, flash):
        self._flash = flash
        try:
            record = json.loads(flash.load("update")[1])
            self.floor, self.failed, self.job = record["floor"], record["failed"], record["job"]
        except (errors.StorageError, TypeError, ValueError, KeyError):
            self.floor, self.failed, self.job = _NEVER, [], None

    async def save(self, **changes):
        """Write the record, with these changes of its job. Raises `flash_full`, `flash_failed`."""
        if self.job is not None:
            self.job.update(changes)
        record = {"floor": self.floor, "failed": self.failed, "job": self.job}
        await self._flash.save("update", b"", json.dumps(record).encode())

    async def want(self, job_id, version, min_version, slot):
        """An update was accepted: the next start downloads it into `slot` (a label)."""
        self.job = {"id": job_id, "version": version, "floor": min_version, "slot": slot}
        await self.save(stage=WANTED, starts=0, at=0, trials=0)

    async def try_out(self, system):
        """Let its slot start next. Errors as `try_out` of ota/switch.py, or no memory: then nothing has changed."""
        stage, trials = self.job["stage"], self.job["trials"]
        switch = system.slot().switch()  # before there is something to take back
        try:
            # First the record: a slot that starts without it would not know that it is on trial.
            await self.save(stage=TRIAL, trials=trials + 1, start=system.board.start_record().number())
            switch.try_out(self.job["slot"])
        except (errors.DeviceError, MemoryError):
            await self.save(stage=stage, trials=trials)
            raise

    async def end(self, failure, status="FAILED", is_its_fault=False):
        """The update has failed by an error of errors.py; with `is_its_fault` this version is not tried again."""
        if is_its_fault:
            self.failed = [one for one in self.failed if one != self.job["version"]] + [self.job["version"]]
            self.failed = self.failed[-_MOST_FAILED:]
        await self._insist(stage=ENDED, status=status, reason=failure.code, message=failure.message[:_LONGEST])

    async def _insist(self, **changes):
        try:
            await self.save(**changes)
        except errors.StorageError:
            # No room beside the old record, by which mode OTA would be entered for ever. A power cut between the two
            # steps could lose the floor, which is the lesser evil.
            await self._flash.erase("update")
            await self.save(**changes)

    async def confirm(self):
        """The new version stays: its floor is the device's from now on. Raises `flash_full`, `flash_failed`: then the
        record still says "trial", and the next start, which finds the slot confirmed, does this again."""
        if self.job is None:  # a slot that was written by other means, without room for a record
            return
        self.raise_floor()
        self.failed = [version for version in self.failed if version != self.job["version"]]
        await self.save(stage=ENDED, status="SUCCEEDED")

    def raise_floor(self):
        """Raise the floor to that of the job, whose version is confirmed."""
        if _numbers(self.job["floor"]) > _numbers(self.floor):
            self.floor = self.job["floor"]

    async def forget(self):
        """Drop the job: the cloud knows how it ended, or has deleted it."""
        self.job = None
        await self._insist()

    # At a start

    async def settle(self, system):
        """Find out what became of a trial, and set `system.trial` when one is on; True when mode OTA has work to do."""
        slot = system.slot()
        name, job = slot.name(), self.job
        if slot.is_on_trial():
            system.trial = True
            if job is None or job["stage"] != TRIAL or job["slot"] != name:
                # No update of ours: the slot was written by other means.
                self.job = {"id": None, "version": running(), "floor": _NEVER, "slot": name}
                await self.save(stage=TRIAL, trials=1)
        elif job is not None and job["stage"] == TRIAL:
            if job["slot"] == name:
                await self.confirm()  # the power went just after it was
            else:
                await self._judge(system)
        return self.job is not None and self.job["stage"] == WANTED

    async def _judge(self, system):
        """The bootloader has gone back to this version."""
        version, trials = self.job["version"], self.job["trials"]
        why, cause = system.restart_reason, system.board.reset_cause()
        if self.job.get("start") == system.board.start_record().number() - 1:
            # The new image has not come to boot.py, which counts; or this start was not counted for want of room, and
            # then this raises.
            await self.save()
            why = None  # it was that of the restart into the new image
        if why is None and cause == "power_on":
            why = "the power was cut"
        if why is None:
            how = "it hung until the watchdog came" if cause == "watchdog" else "it crashed, reset %s" % cause
            failure = errors.error("trial_failed", version, how)
            await self.end(failure, is_its_fault=True)
        elif trials < system.settings.limits.trials:
            await self.save(stage=AGAIN)
            return
        else:
            failure = errors.error("trial_given_up", version, trials, why)
            # This version reached the cloud between the trials, or there would not have been another one.
            await self.end(failure, is_its_fault=why == NOT_REACHED)
        system.bus.emit(events.OTA_FAILED, version=version, code=failure.code, message=failure.message)


def _numbers(version):
    return [int(part) for part in version.split(".")]


def running():
    """The version of this firmware."""
    return release.VERSION
