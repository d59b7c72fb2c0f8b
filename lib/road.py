"""The road to the cloud: Wi-Fi, clock, credentials, connection, in this order; and what is written down on the way."""

import asyncio
import time

from micropython import const

import errors
import events
import release
from backoff import Backoff

_BEAT_MS = const(5000)
_DAY_S = const(86400)


class Road:
    """Two owned tasks of the system in NORMAL: `run` and `keep_notes`."""

    def __init__(self, system):
        self._system = system
        self._board = system.board
        self._flash = system.flash
        self._wifi = system.wifi
        self._aws = system.aws
        self._identity = system.identity
        self._bus = system.bus

    async def run(self, owned):
        """Go the road, again and again. The hands tell their own failures as events, this tells the others."""
        timeouts = self._system.settings.timeouts
        backoff = Backoff(timeouts.backoff_s * 1000, timeouts.backoff_cap_s * 1000, floor_ms=1000)
        while True:
            try:
                await self._go(owned.beat)
            except errors.DeviceError as failure:
                wait_ms = backoff.next_ms()
                if failure.code == "claim_refused" or isinstance(failure, errors.StorageError):
                    # No accident. Only somebody in the cloud account can change it, or the flash does not keep what
                    # the claim gives: ask seldom.
                    wait_ms += timeouts.refused_s * 1000
                self._bus.emit(events.AWS_DISCONNECTED, code=failure.code, message=failure.message, wait_ms=wait_ms)
                await _sleep(wait_ms, owned.beat)

    async def _go(self, beat):
        while not self._wifi.is_connected:
            beat()
            await asyncio.sleep_ms(200)
        # A restart keeps the clock; wifi asks for the time again by itself now and then.
        if not self._wifi.clock_is_set:
            await self._wifi.set_clock(max(release.BUILT, self._last_known_time()), beat)
        beat()
        if not self._identity.known():
            await self._identity.enrol(self._aws, self._board.unique_id(), beat)
        self._aws.use(*self._identity.current())
        await self._aws.run(beat)

    async def keep_notes(self, owned):
        """Write down what later starts must know: the credentials that work, the time, that this start was good."""
        listener = self._bus.listen(events.AWS_CONNECTED, events.AWS_DISCONNECTED)
        lasting_ms = self._system.settings.timeouts.start_uptime_s * 1000
        forgiven = False
        while True:
            owned.beat()
            if not forgiven and self._board.uptime_ms() > lasting_ms:
                self._board.forgive_starts()
                forgiven = True
            try:
                event = await asyncio.wait_for_ms(listener.get(), _BEAT_MS)
            except asyncio.TimeoutError:
                continue
            try:
                await self._note(event)
            except errors.StorageError as failure:
                # A flash that is full or fails is no reason to leave the cloud, from where it may be mended.
                self._bus.emit(events.TASK_FAILED, task="notes", code=failure.code, message=failure.message)

    async def _note(self, event):
        if event.name == events.AWS_CONNECTED:
            await self._identity.confirm()
            # Only now: the server's certificate was valid at this time, so no forged answer set it. A forged time that
            # was kept could never be corrected.
            await self._keep_time(self._wifi.now())
            return
        if event.data["code"] == "server_cert_expired":
            self._wifi.doubt_clock(self._last_known_time())
        if await self._identity.refused(event.data["code"]):
            self._system.leave("restart_requested", "the cloud refused the new certificate")

    def _last_known_time(self):
        record = self._flash.load("clock")
        return int.from_bytes(record[0][:8], "big") if record else 0

    async def _keep_time(self, now):
        # Once a day is enough to tell a forged time from a true one, and spares the flash.
        if now - self._last_known_time() > _DAY_S:
            await self._flash.save("clock", now.to_bytes(8, "big"))


async def _sleep(wait_ms, beat):
    end_ms = time.ticks_add(time.ticks_ms(), wait_ms)
    while time.ticks_diff(end_ms, time.ticks_ms()) > 0:
        beat()
        await asyncio.sleep_ms(min(_BEAT_MS, time.ticks_diff(end_ms, time.ticks_ms())))
