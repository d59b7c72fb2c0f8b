"""Mode OTA: fetches the job of the accepted update again and installs it, without the application, in a fresh heap.

Whatever happens, the device leaves this mode after `timeouts.update_s`, and does not enter it for the same job more
often than `limits.update_starts`. How it ended is on flash before the cloud is told.

Where there is memory for it, the device stays in the cloud: progress is told, a cancelled job ends the update. Else
(`offline`) it asks for the document, leaves, downloads the image, and connects again for a last look at the job.
"""

import asyncio
import gc
import sys

from micropython import const

import errors
import events
from supervisor import wrapped
from updating_job import UpdatingJob, for_ever

_TICK_MS = const(500)
_TELL_S = const(20)
_NEVER = ("bad_signature", "image_too_large", "no_slots", "no_rollback")  # no other try would end differently
# Bytes of ESP-IDF's heap: a download beside MQTT needs so much free, and in one block.
_TLS_FREE = const(50000)
_TLS_BLOCK = const(20000)
_LEAST_FREE = const(36000)  # for a handshake: with less it fails, whatever error it reports


class Updating(UpdatingJob):
    """`system` is the `System`; `await run()` returns the event that leads out of OTA."""

    def __init__(self, system):
        job = _updates(system).job
        super().__init__(system, job["id"])
        self.version = job["version"]
        self.buffer = None  # for a sector of the image
        self._installation = None
        self.is_over = False  # how it ended is on flash, or about to be: nothing else may be written
        self._is_switching = False  # the slot is being switched: there is no way back

    async def run(self):
        """Install the update, or give it up; returns the event."""
        self.system.join_wifi()
        self.system.own("update", self._watch)
        return await self.system.left()

    async def _watch(self, owned):
        """Watch over the update: its deadline, its progress, a job that is cancelled."""
        system = self.system
        update_s = system.settings.timeouts.update_s
        end_ms = system.board.uptime_ms() + update_s * 1000
        await self._count()
        system.own("image", self._bring, silence_ms=None)
        lost = system.bus.listen(events.AWS_DISCONNECTED, limit=1)
        while system.board.uptime_ms() < end_ms or self._is_switching:
            owned.beat()
            await asyncio.sleep_ms(_TICK_MS)
            if self.job is not None and self.job.gone and not self._is_switching:
                await self.drop()
            if self._installation is not None:
                await self._installation.tell_progress()
            if lost.any() and not self._is_switching:
                await lost.get()
                await self.restart_where_short()
        await self.give_up(errors.error("update_too_slow", update_s))

    async def _count(self):
        """Count one more start for this update."""
        updates, most = _updates(self.system), self.system.settings.limits.update_starts
        try:
            await updates.save(starts=updates.job["starts"] + 1)
            if updates.job["starts"] > most:
                raise errors.error("update_interrupted", most)
        except errors.DeviceError as failure:
            await self.give_up(failure)

    async def _bring(self, _):
        """Install it, and let its slot start next."""
        try:
            try:
                await self._install()
            except MemoryError:
                if self.offline:
                    raise
                self.offline = True
                if self.job is None:  # the connection may have been begun by halves
                    await self.make_room()
                await self._install()
            if self.is_over:
                await for_ever()
            self._is_switching = True
            await self._switch()
        except Exception as failure:  # noqa: BLE001 - even without memory the device must get back to work
            failure = wrapped("update", failure)
            await self.give_up(failure, "REJECTED" if failure.code in _NEVER else "FAILED")
        self.system.leave("update_written", "version %s" % self.version)

    async def _install(self):
        given = await self.document()
        await self.make_room()
        self._installation = _installation(self)
        await self._installation.run(given)
        self._installation = self.buffer = given = None
        self.system.slot().unload("update", "https", "writer", "document", "foreign")
        if self.system.aws is None:
            _offline().forget_cloud()
        await self.look_last()

    async def _switch(self):
        """Let its slot start next. Where there is no memory for that the cloud is left; then a fresh start does it."""
        system, updates = self.system, _updates(self.system)
        try:
            try:
                await updates.try_out(system)
            except MemoryError:
                if system.aws is None:
                    raise
                await self._leave_cloud()
                await updates.try_out(system)
        except MemoryError:
            # Once more: what has not been taken back would be told as a trial that has crashed.
            await updates.save()
            system.leave("update_written", "the trial needs a fresh heap")
            await for_ever()

    # Memory

    async def make_room(self):
        """Leave the cloud, where there is no memory for MQTT and a download."""
        await self.wifi()
        if self.system.aws is None:
            return
        heap = self.system.board.heap()
        if self.offline or heap["idf_free"] < _TLS_FREE or heap["idf_largest"] < _TLS_BLOCK:
            self.offline = True
            await self._leave_cloud()
            # At once: later there is rarely so much in one piece, and Python's heap would grow into what TLS needs.
            self.buffer = self.buffer or bytearray(4096)

    async def _leave_cloud(self):
        self.job = None
        await _offline().leave_cloud(self.system, "jobs", "asking")

    async def restart_where_short(self):
        """Python's heap does not give back what it has taken of TLS's memory: only a restart does."""
        gc.collect()
        if self.offline and self.system.board.heap()["idf_free"] < _LEAST_FREE:
            self.system.leave("update_written", "the download needs a fresh heap")
            await for_ever()

    # The end

    async def give_up(self, failure, status="FAILED"):
        """End the update as failed. Never returns: the device restarts from the slot that it runs."""
        if self.is_over:
            await for_ever()
        self.is_over = True
        system, updates = self.system, _updates(self.system)
        await updates.end(failure, status)
        system.bus.emit(events.OTA_FAILED, version=self.version, code=failure.code, message=failure.message)
        if self.job is not None and system.aws.is_connected:
            import update_end

            try:
                await asyncio.wait_for(update_end.tell(system.flash, updates.job, self.job), _TELL_S)
            except asyncio.TimeoutError:
                pass  # NORMAL will tell it
        system.leave("update_failed", "%s" % failure)
        await for_ever()

    async def drop(self):
        """End the update without a word: its job is cancelled, timed out or deleted. Never returns."""
        if not self._is_switching and not self.is_over:
            self.is_over = True
            await _updates(self.system).forget()
            self.system.leave("update_failed", "the job of the update is gone")
        await for_ever()


# Loaded for a moment: memory is short.


def _installation(updating):
    import installing

    del sys.modules["installing"]
    return installing.Installation(updating, _updates(updating.system))


def _updates(system):
    """The record of the update, as flash has it now."""
    import updates

    del sys.modules["updates"]
    return updates.Updates(system.flash)


def _offline():
    import offline

    del sys.modules["offline"]
    return offline
