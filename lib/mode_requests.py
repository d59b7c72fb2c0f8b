"""How an application, or a job, leaves NORMAL or CONFIG for CONFIG or for sleep. Imported when one of them asks."""

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
    """Switch everything but the chip's clock off in order, and start again after `seconds`. Never returns.

    Waits until a new image has finished its trial: asleep it could neither prove itself nor be watched. The same holds
    for new settings and credentials that are being tried, and for a job at work. In CONFIG none of that goes on.
    """
    identity, road = system.identity, system.road
    while road and (system.trial or identity.trial or identity.rotating or system.aws.jobs.working):
        await asyncio.sleep_ms(_LOOK_MS)
    if road:
        await road.rest(seconds)
    system.sleep_s = seconds
    system.leave("sleep_requested", "sleeps for %d s" % seconds)
    await _for_ever()


async def _for_ever():
    while True:
        await asyncio.sleep(_DAY_S)
