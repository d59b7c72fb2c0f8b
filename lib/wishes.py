"""How the application leaves NORMAL for CONFIG or for sleep. Loaded by the first who wishes it."""

import asyncio

from micropython import const

import notes

_LOOK_MS = const(200)
_DAY_S = const(86400)


async def enter_config(system, reason):
    """Restart into CONFIG, where a phone can change the settings. Never returns. Raises `flash_full`..."""
    await notes.change(system.flash, into="CONFIG")
    system.leave("config_requested", "%s" % (reason,))
    await _for_ever()


async def sleep(system, seconds):
    """Switch off in order, all but the chip's clock, and start anew in so many seconds. Never returns.

    A new image on trial is let finish it first: asleep it could neither prove itself nor be watched. So are new
    settings or credentials, and a job.
    """
    identity = system.identity
    while system.trial or identity.trial or identity.rotating or system.aws.jobs.working:
        await asyncio.sleep_ms(_LOOK_MS)
    await system.road.rest(seconds)
    system.sleep_s = seconds
    system.leave("sleep_requested", "sleeps for %d s" % seconds)
    await _for_ever()


async def _for_ever():
    while True:
        await asyncio.sleep(_DAY_S)
