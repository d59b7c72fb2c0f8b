"""Stands in for `Aws` where memory is short: it asks the service of jobs, and nothing else."""

import errors

from .service import Service
from .session import Session


class Asker(Session):
    """`jobs.ask` as that of `Aws`; the rest of it is what a road to the cloud needs.

    `piece`: a bytearray for the answer with a job's document, whose link alone takes 2 KB. Where there is none so large
    in a row, Python's heap would grow for it, by what the network needs. Once it has stopped, others may have it.
    """

    def __init__(self, bus, settings, resolve, piece=None):
        super().__init__(bus, settings, resolve, None, None)
        self._inbox = self
        self._client.cb = self.deliver
        self._client.on_dropped = self._skipped
        self._client.receiver.borrow(piece)
        self.piece = piece
        self.jobs = Service("jobs", ("+/+/+",), _ignore, _ignore)

    def use(self, name, cert, key):
        """As `Aws.use`."""
        super().use(name, cert, key)
        self.jobs.belong(name, self._tell)

    def keep_in(self, open_queue):
        """Nobody is there who publishes."""

    async def stop(self):
        """As `Aws.stop`."""
        await self.pause(0)

    # What the engine and the session call

    def deliver(self, topic, payload):
        """Take answers; other messages of the broker are ignored."""
        end = self._end_of(topic)
        if end is not None:
            self.jobs.hear(end, payload)

    def _skipped(self, topic, reason):
        end = self._end_of(topic)
        if end is not None:
            self.jobs.skipped(end, reason)

    def _end_of(self, topic):
        prefix = self.jobs.prefix
        try:
            return str(topic[len(prefix) :], "utf-8") if topic.startswith(prefix) else None
        except UnicodeError:
            return None

    async def _begin(self):
        jobs = self.jobs
        try:
            is_refused = (await self._client.request(jobs.filters(), 1))[0] > 2
            jobs.refusal = errors.error("subscribe_refused", str(jobs.filters()[0], "utf-8")) if is_refused else None
            jobs.ready.set()
        except errors.DeviceError:
            pass  # the connection ended, which `run` tells
        except MemoryError:
            await self._client.disconnect("no_memory")

    def _gone(self):
        super()._gone()
        self.jobs.lost()

    def _tick(self):
        pass

    def _lost(self):
        pass

    async def _tell(self, name, payload, timeout_ms):
        await self._client.publish(name, payload, False, 1, timeout_ms)


def _ignore(*_):
    pass
