"""After "saved": the device restarts and connects, and says nothing over Bluetooth when that works.

It opens CONFIG again when it does not: when it is back within three minutes, it failed, and STATE says why.
"""

import asyncio
import time

from tools.configure.link import last_failure
from tools.configure.radio import scan
from tools.configure.trouble import Trouble

TOTAL_S = 180

_FIRST_S = 8  # before the first look: the device restarts when the phone has gone, or after 3 s
_BETWEEN_S = 5
_ON_ITS_WAY = ("joining", "saving", "restarting")  # steps of a device that has not restarted yet


async def watch(link, total_s=TOTAL_S, on_tick=lambda left_s: None):
    """Returns when it did not come back. Raises Trouble "came_back" with the code of its failure, if it says one."""
    end_s = time.monotonic() + total_s

    def left_s():
        return max(0, end_s - time.monotonic())

    ticking = asyncio.ensure_future(_tick(left_s, on_tick))
    try:
        await link.close()
        await asyncio.sleep(min(_FIRST_S, total_s))
        while left_s() > 0:
            state = await _look(link, left_s())
            if has_failed(state):
                failure = last_failure(state) or {}
                raise Trouble("came_back", failure.get("code"), str(failure.get("message") or ""))
            if state.get("step") == "joining":  # eight networks may take it four minutes
                end_s = time.monotonic() + total_s
            await asyncio.sleep(min(_BETWEEN_S, left_s()))
    finally:
        ticking.cancel()


def has_failed(state):
    """Whether a device that shows this STATE waits for better settings."""
    return state.get("mode") == "CONFIG" and state.get("step") not in _ON_ITS_WAY


async def _look(link, left_s):
    """The STATE of a device that is there, {} when it is not. One that has failed stays connected."""
    found = await scan(left_s, enough=lambda seen: _is_it(seen, link.seen))
    again = [seen for seen in found if _is_it(seen, link.seen)]
    if not again:
        return {}
    link.seen = again[0]
    state = {}
    try:
        await link.reach()
        state = await link.state()
    except Trouble:
        pass  # it was on its way out
    if not has_failed(state):
        await link.close()
    return state


def _is_it(seen, wanted):
    return seen.address == wanted.address or (seen.name and seen.name == wanted.name)


async def _tick(left_s, on_tick):
    while True:
        on_tick(round(left_s()))
        await asyncio.sleep(1)
