"""Installs an update: checks its signature, downloads its image into the next slot, and compares what flash holds with
what was signed. Loaded in mode OTA, once the document of the job is there; see updating.py.
"""

import asyncio
import sys

from micropython import const

import errors
import events
from backoff import Backoff
from ota.keys import KEYS

_STEP = const(10)  # percent


class Installation:
    """`updating`: the `Updating`, through which the cloud is asked and told; `updates`: the `Updates`, its record."""

    def __init__(self, updating, updates):
        self._updating = updating
        self._updates = updates
        self._system = updating.system
        self._image = None  # ota/update.py
        self._percent = 0  # of it on flash; `_told`: what the cloud knows
        self._told = 0

    async def run(self, given):
        """Download the image of `given` (operation, document); when this returns, the slot holds what was signed.

        A document that is refused ends the update, with its job REJECTED.
        """
        updates = self._updates
        update = await self._check(given)
        given = None
        for is_last in (False, True):
            image = self._image = self._system.make_update(self._system, update.size, self._updating.buffer)
            image.go_on(updates.job["at"])
            resumed = await self._download(update)
            digest = await image.digest()
            at, image, self._image = image.size, None, None
            self._told = 100
            try:
                await update.check_image(digest, KEYS)
                break
            except errors.DeviceError:
                if is_last or not resumed:
                    raise
            finally:
                self._system.slot().unload("signature")
            # What was there before, or at the link, may be another one: from the beginning once more.
            await self._keep(0)
        await self._keep(at)

    async def _check(self, given):
        """The `Update` of the document, if it is authentic and wanted. A refusal ends the update for good."""
        try:
            update = self._read(given)
            self._system.bus.emit(events.OTA_STARTED, job=self._updating.job_id, version=update.version)
            await update.authenticate(KEYS)
            known = self._updates.job
            if (update.version, update.min_version) != (known["version"], known["floor"]):
                await self._updating.drop()  # deleted and made anew under the same id: to be judged as a new one
            return update
        except errors.DeviceError as failure:
            await self._updating.give_up(failure, "REJECTED")
        finally:
            self._system.slot().unload("signature")  # the download needs its memory

    def _read(self, given):
        """The `Update` of such a document. Raises why this device does not take it."""
        try:
            from update_job import vet

            updates, (operation, document) = self._updates, given
            operation = operation or _operation_of(document)
            return vet(self._system, updates.floor, updates.failed, self._updating.job_id, operation, document)
        finally:
            sys.modules.pop("update_job", None)
            self._system.slot().unload("document", "foreign")

    async def _download(self, update):
        """Download what is missing, by as many connections as it takes; those that bring nothing count as tries.

        Returns where the last of them began.
        """
        settings, image = self._system.settings, self._image
        cap_s = settings.timeouts.backoff_cap_s
        backoff = Backoff(settings.timeouts.backoff_s * 1000, cap_s * 1000)
        failures, given = 0, None
        while True:
            before = image.at
            try:
                await self._updating.make_room()
                if given is not None:
                    given, update.url = None, self._read(given).url
                await image.fetch(update.url, self._progress)
                return before
            except errors.DeviceError as failure:
                await self._updating.restart_where_short()  # it may look as if no root vouched for the server
                if not isinstance(failure, errors.RetryError):
                    raise
                failures += 1
                if image.at > before:
                    failures = 0
                    backoff.stable()
                if failures > settings.limits.update_tries:
                    raise
                self._updating.complain("download", failure)
                if failure.code == "no_memory":
                    self._updating.offline = True
                elif failure.code == "link_expired":
                    given = await self._updating.document()
                await asyncio.sleep(min(getattr(failure, "wait_s", 0), cap_s))
                await asyncio.sleep_ms(backoff.next_ms())

    # How far it is

    def _progress(self):
        percent = self._image.at * 100 // self._image.size // _STEP * _STEP
        if percent > self._percent:
            self._percent = percent
            self._system.bus.emit(events.OTA_PROGRESS, percent=percent)

    async def tell_progress(self):
        """Save the progress, and tell the cloud, when there is some."""
        if self._percent > self._told and self._image is not None:
            self._told = self._percent
            await self._keep(self._image.at)
            await self._updating.tell(self._told, "downloading")

    async def _keep(self, at):
        if self._updating.is_over:
            return
        try:
            await self._updates.save(at=at)
        except (errors.StorageError, MemoryError):
            pass  # the worst is that after a power cut it starts from the beginning


def _operation_of(document):
    from aws import job_words

    del sys.modules["aws.job_words"]
    delattr(sys.modules["aws"], "job_words")
    return job_words.operation_of(document)
