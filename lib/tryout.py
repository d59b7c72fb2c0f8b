"""Settings or a certificate that a job tries out: proven when the cloud was reached with them, else taken back.

A candidate from a phone leads into CONFIG when it fails, because the person is there; one from the cloud goes straight
back to what worked, because nobody is. The note `trial` tells them apart, the note `refused` keeps why it went back.
Loaded for moments.
"""

import asyncio
import sys

import notes

_SETTLED_MS = 40000  # longer than `road` waits before it asks a flash again that has refused to confirm them
_TICK_MS = 100


async def take_back(system, failure):
    """Go back to what worked before, by a restart; False when there is nothing better, and a person has to decide.

    `failure`: why the cloud was not reached.
    """
    flash = system.flash
    refused = {"code": failure.code, "message": failure.message}
    if system.identity.rotating:
        await notes.change(flash, refused=refused)
        await flash.erase("pending")
    elif notes.read(flash).get("trial") == "job":
        import candidate

        sys.modules.pop("candidate")
        if not candidate.has_better(system):
            return False
        await notes.change(flash, trial=None, refused=refused)
        await candidate.drop(flash)
    else:
        return False
    system.leave("candidate_refused", "back to what worked: %s" % failure)
    return True


async def settled(system):
    """Wait until what the cloud was reached with is confirmed on flash; returns whether it is."""
    for _ in range(_SETTLED_MS // _TICK_MS):
        if not system.identity.trial and not system.identity.rotating:
            return True
        await asyncio.sleep_ms(_TICK_MS)
    return False


async def fail(system, job):
    """End the job whose settings or certificate were taken back, with the reason for that."""
    refused = notes.read(system.flash).get("refused") or {}
    if refused.get("rejected"):
        await job.reject(refused["code"], refused["message"])
    else:
        await job.fail("not_proven", "Back to what worked before. %s" % refused.get("message", ""))
    await notes.change(system.flash, trial=None, tried=None, refused=None)
