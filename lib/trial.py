"""The trial of a new image: it confirms itself when the cloud is reached and the application is well, or goes back.

An owned task of NORMAL. What ends a trial is written to flash before anything else happens, for the version that the
device goes back to; where nothing was written, that version judges by the restart (`updates`).
"""

import asyncio
import sys

import errors
import events
import release
from supervisor import wrapped

_LOOK_MS = 500
_CHECK_S = 15  # for one answer of the application's check


async def run(system, owned):
    """Wait for the verdict, for `timeouts.trial_s`; then confirm, or have the device restart into the other slot."""
    timeouts, uptime_ms = system.settings.timeouts, system.board.uptime_ms
    end_ms = uptime_ms() + timeouts.trial_s * 1000
    online_ms = None  # since when
    problem = None
    while uptime_ms() < end_ms:
        owned.beat()
        if not system.aws.is_connected:
            online_ms = problem = None  # it may have become well since: an outage is nobody's fault
        elif online_ms is None:
            online_ms = uptime_ms()
        elif uptime_ms() - online_ms >= timeouts.settle_s * 1000:
            problem = await _health_problem(system) or _confirm(system)
            if problem is None:
                await _note(system)
                return
        await asyncio.sleep_ms(_LOOK_MS)
    if problem is None:
        system.leave("restart_requested", _updates().NOT_REACHED)  # perhaps no fault of this version's
        return
    await fail(system, "its health check did not pass in %d s: %s" % (timeouts.trial_s, problem))
    system.leave("trial_failed", problem)


async def _health_problem(system):
    """What the application's own check has to say against this version; None when it is well."""
    try:
        if system.health is None or await asyncio.wait_for(system.health(), _CHECK_S):
            return None
        return "it said no"
    except asyncio.TimeoutError:
        return "it did not answer in %d s" % _CHECK_S
    except Exception as failure:  # noqa: BLE001 - whatever it is, the application is not well
        return "%s: %s" % (type(failure).__name__, failure)


def _confirm(system):
    """What keeps this version from being the one that starts from now on; None when nothing did."""
    try:
        system.slot().switch().confirm()
    except MemoryError:  # the next look may find some
        return "there was no memory to confirm it"
    # From here on there is no way back, even if the record cannot be written: a crash no longer ends a trial.
    system.trial = False
    return None


async def _note(system):
    try:
        await _updates().Updates(system.flash).confirm()
    except (errors.StorageError, MemoryError) as failure:  # the next start does it
        failure = wrapped("trial", failure)
        system.bus.emit(events.TASK_FAILED, task="trial", code=failure.code, message=failure.message)
    system.bus.emit(events.OTA_FINISHED, version=release.VERSION)


async def fail(system, why):
    """This version is not to be tried again here. `why`: some words."""
    updates = _updates().Updates(system.flash)
    failure = errors.error("trial_failed", release.VERSION, why.rstrip("."))
    if updates.job is not None:  # else there was no room for a record
        await updates.end(failure, is_its_fault=True)
    system.trial = False
    system.bus.emit(events.OTA_FAILED, version=release.VERSION, code=failure.code, message=failure.message)


def _updates():
    import updates  # for a moment: a trial waits, most of the time

    del sys.modules["updates"]
    return updates
