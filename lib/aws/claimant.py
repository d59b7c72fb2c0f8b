"""Stands in for `Aws` where memory is short: it can become a thing, and nothing else. The application comes later."""

from .session import Session


class Claimant(Session):
    """`enrolled(reason)`, a coroutine function, is awaited when the device is a thing; the rest as for `Aws`."""

    def __init__(self, bus, settings, resolve, enrolled):
        super().__init__(bus, settings, resolve, None, None)
        self._enrolled = enrolled
        self._inbox = self

    def deliver(self, topic, payload):
        """Nobody is there who has subscribed."""

    def keep_in(self, open_queue):
        """Nobody is there who publishes."""

    def use(self, name, cert, key):
        """The next start does."""

    def _tick(self):
        pass

    async def run(self, beat):
        """As `Aws.run`, for what there is to do."""
        await self._enrolled("it is a thing now")

    async def stop(self):
        """As `Aws.stop`."""
        await self.pause(0)
