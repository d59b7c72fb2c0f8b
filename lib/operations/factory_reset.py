"""Factory reset from afar: {"operation": "factory-reset", "what": "settings" | "all"}.

The device cannot tell the cloud afterwards, so the job has succeeded just before. From then on a note makes sure that
a power cut does not leave the device as it was: the next start calls `finish`.
"""

import sys

import errors
import events
import notes


async def run(system, job):
    """Tell the cloud, erase, restart."""
    what = job.document.get("what", "settings")
    if what not in ("settings", "all"):
        raise errors.error("invalid_setting", "what", "something else", '"settings" or "all"')
    try:
        await notes.change(system.flash, reset=what)
        await job.succeed()
    finally:
        if job.gone:  # cancelled: just now, or while the device was offline
            await notes.change(system.flash, reset=None)
    if not job.gone:
        await finish(system)


async def finish(system):
    """Do what the note `reset` asks for, and restart."""
    what = notes.read(system.flash).get("reset")
    if what is None:
        return
    try:
        import resetting

        await resetting.erase(system, what)
    except errors.StorageError as failure:
        system.bus.emit(events.TASK_FAILED, task="factory-reset", code=failure.code, message=failure.message)
        if "reset" in notes.read(system.flash):
            return  # better at work than restarting for ever: the next start tries again
    finally:
        for name in ("resetting", "candidate"):
            sys.modules.pop(name, None)
    await system.restart("factory reset")
