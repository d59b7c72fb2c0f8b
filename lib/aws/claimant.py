"""Stands in for `Aws` where memory is short: it can become a thing, and nothing else. The application comes later."""

import asyncio

from micropython import const

from .session import Session

_STAY_S = const(5)  # until what was kept of the claim is confirmed on flash


class Claimant(Session):
    """`enrolled(reason)`, a coroutine function, is awaited when the device is a thing; the rest as for `Aws`."""

    def __init__(self, bus, settings, resolve, enrolled):
        super().__init__(bus, settings, resolve, None, None)
        self._enrolled = enrolled
        self._inbox = self.jobs = self
        self.time = None  # no job has told it

    def deliver(self, topic, payload):
        """Nobody is there who has subscribed."""

    def keep_in(self, open_queue):
        """Nobody is there who publishes."""

    def _tick(self):
        pass

    def _lost(self):
        pass

    async def _begin(self):
        pass

    async def run(self, beat):
        """Connect with what it has become, and stay for a moment: that confirms it, for which there is memory here.

        Where it does not come to that, the next start tries, as `Aws.run`.
        """
        serving = asyncio.create_task(self._attempt(beat))
        stays_s = _STAY_S
        while stays_s and not serving.done():
            beat()
            await asyncio.sleep(1)
            if self.is_connected:
                stays_s -= 1
        serving.cancel()
        await self._enrolled("it is a thing now")

    async def stop(self):
        """As `Aws.stop`."""
        await self.pause(0)
