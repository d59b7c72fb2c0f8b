"""The task that reports the device's health every `health.every_s`. Loaded where that is not 0; see health.py."""

import asyncio
import random
import sys

import errors
import events

_LOOK_S = 1
_BEAT_S = 5


async def report(system, owned):
    """The owned task: never returns."""
    every_s = system.settings.health.every_s
    while True:
        while not system.aws.is_connected:
            owned.beat()
            await asyncio.sleep(_LOOK_S)
        try:
            try:
                failure = await _health().tell(system)
            except MemoryError:  # not even for what makes it
                failure = errors.error("no_memory")
            if failure is not None:
                system.bus.emit(events.TASK_FAILED, task="health", code=failure.code, message=failure.message)
        except MemoryError:
            pass  # nor to tell that it is left out
        # Jitter: a fleet that was switched on together must not report together for ever. In pieces: ticks reach 6
        # days, a report may be due once a week.
        left_s = every_s * random.randint(750, 1250) / 1000
        while left_s > 0:
            owned.beat()
            await asyncio.sleep(min(left_s, _BEAT_S))
            left_s -= _BEAT_S


def _health():
    import health  # not in the coroutine, whose frame would keep it in memory

    del sys.modules["health"]
    return health
