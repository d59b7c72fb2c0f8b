"""The job of an update, in NORMAL: accepts it, tries it again, tells how it ended. Loaded for the job.

Here nothing is downloaded and no signature checked: that is for mode OTA, after a restart that gives it a clean heap.
What the document alone tells is judged at once: an update that is refused stops no application.
"""

import asyncio
import sys

import errors
import events
import release
from ota.keys import KEYS

_REASON = "update: version %s"  # by the first word boot.py knows what the start is for
_TOLD_MS = 1000  # for the application to hear of the restart before it is cancelled
_PROVEN = 10  # times as long, for settings on trial that have reached the cloud to be confirmed on flash


async def run(system, job):
    """The operations "ota", "afr_ota", "OTA". Returns what update_end.py is to tell, for an update that has ended; else
    the device restarts into OTA and this never returns.

    Errors: those for which a device refuses an update.
    """
    if system.slot is None:
        raise errors.error("not_supported", "The update over the air")
    try:
        return await _do(system, job)
    finally:
        sys.modules.pop("updates", None)
        system.slot().unload("document", "foreign")


async def _do(system, job):
    updates = _updates(system)
    if job.document is None and not _is_accepted(job, updates.job):
        await _read_again(job)
    if updates.job is not None and _is_it(job, updates.job):
        job.document = None  # 2 KB
        return await _go_on(system, updates)
    if updates.job is not None and _is_kept(system, updates):
        updates.raise_floor()
    floor, failed, known = updates.floor, updates.failed, updates.job
    updates = None  # memory is short: unloaded while the document is read
    sys.modules.pop("updates")
    update = vet(system, floor, failed, job.id, job.operation, job.document)
    wanted = update.version, update.min_version, update.size
    job.document = update = None
    system.slot().unload("document", "foreign")
    slot = system.slot().switch().next_slot().info()
    if (wanted[2] or 0) > slot[3]:
        raise errors.error("image_too_large", wanted[2], slot[3])
    updates = _updates(system)
    updates.floor = floor  # `raise_floor` may have changed it
    # In this order: after a power cut in between there is no record under this id, and the job is judged once more.
    if known is not None:
        await updates.forget()
    # Bounded by limits.update_starts and limits.trials. After the restart its document is not asked for again.
    await job.keep(accepted=True, bounded=True, _resumes_as=job.operation)
    await updates.want(job.id, *wanted[:2], slot[4])
    await _leave(system, _REASON % wanted[0])


def _updates(system):
    from updates import Updates

    return Updates(system.flash)


def vet(system, floor, failed, job_id, operation, document):
    """The `Update` of a job's document, if this device may take it, its signature apart. Raises why not.

    `floor`, `failed`: those of updates.py.
    """
    # Once more: mode OTA asks for the document again, and may be given another one than was allowed.
    if operation not in system.settings.jobs.allow:
        raise errors.error("not_allowed", operation)
    update = _read(job_id, operation, document)
    update.check(release.VERSION, floor, system.settings.hardware, (system.identity.name, job_id))
    if update.version in failed:
        raise errors.error("failed_here", update.version)
    if not KEYS and update.signature is not None:
        raise errors.error("no_keys")
    if update.kid is not None and update.kid not in KEYS:
        raise errors.error("unknown_key", update.kid)
    return update


def _read(job_id, operation, document):
    if operation == "ota":
        from ota.document import Update

        return Update(document)
    from ota import foreign

    return foreign.read(operation, job_id, document)


async def _read_again(job):
    """The document was freed, or not asked for, and the record was not saved. Raises MemoryError to be called again."""
    try:
        job.document = (await job.jobs.ask(job.id + "/get", {}))["execution"]["jobDocument"]
    except (errors.DeviceError, LookupError):
        raise MemoryError


def _is_accepted(job, known):
    return known is not None and known["id"] == job.id and bool(job.kept.get("accepted"))


def _is_it(job, known):
    """Whether the device is at work on this job, or done with it."""
    if known["id"] != job.id or _is_accepted(job, known):
        return known["id"] == job.id
    # The same id, but not accepted by us: AWS tries it again after its timeout, or it was deleted and made anew.
    wanted = job.document.get("version"), job.document.get("min_version")
    return wanted == (known["version"], known["floor"]) and known.get("status", "SUCCEEDED") == "SUCCEEDED"


async def _go_on(system, updates):
    """The device has restarted since it was accepted."""
    from updates import AGAIN, ENDED, TRIAL

    known = updates.job
    if known["stage"] == TRIAL:  # it is over, but flash had no room to say so: a later start may have
        if not _is_kept(system, updates):
            raise errors.error("flash_full", "how the trial of version %s ended" % known["version"])
        return dict(known, status="SUCCEEDED")
    if known["stage"] == ENDED:
        return known
    if known["stage"] == AGAIN:
        try:
            await updates.try_out(system)
        except errors.CloudError as failure:  # the slot has not kept the image: tried again, the job brings it anew
            await updates.end(failure)
            return updates.job
        await _leave(system, "trial %d of version %s" % (known["trials"], known["version"]))
    await _leave(system, _REASON % known["version"])


def _is_kept(system, updates):
    """Whether the record only says "trial" because flash had no room for its end: the version was confirmed."""
    from updates import TRIAL

    return updates.job["stage"] == TRIAL and updates.job["slot"] == system.slot().name()


async def _leave(system, reason):
    system.bus.emit(events.RESTART_REQUESTED, reason=reason)
    for _ in range(_PROVEN):
        await asyncio.sleep_ms(_TOLD_MS)
        if not system.identity.trial and not system.identity.rotating:
            break
    else:  # else the next start would do all of this again
        raise errors.error("flash_full", "the new settings")
    system.leave("update_requested", reason)
    while True:
        await asyncio.sleep_ms(_TOLD_MS)
