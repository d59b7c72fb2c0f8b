"""CONFIG: settings are awaited, over Bluetooth or as a file, and tried before they are kept.

The system imports it when it enters CONFIG, which always ends in a restart. A phone comes in through `ble`, which
`config_ble` starts; what it asks for is done in `configuring`. Whoever has a cable can copy a settings.json instead.
"""

import asyncio
import gc
import sys

from micropython import const

import events
from ble import codes

# More often than elsewhere: what stays then lies closer together, and there is a piece for a certificate.
_SWEEP_BYTES = const(2048)
_LOOK_MS = const(500)
_FAREWELL_MS = const(3000)  # for the phone to disconnect by itself before a restart


class Configuration:
    """One visit to CONFIG. `system`: the device, with its settings as far as there are any."""

    def __init__(self, system):
        self._system = system
        self._settings = system.settings
        self._missing = self._settings.missing(system.identity.known())
        self._heard = system.bus.listen(events.BLE_AUTHENTICATED, events.BLE_DISCONNECTED)

    async def run(self):
        """Open for a phone; returns the event of the table that leads out of CONFIG."""
        system = self._system
        gc.threshold(_SWEEP_BYTES)
        self._tell()
        system.own("flash", lambda owned: system.flash.run(owned.beat))
        if system.make_ble is not None:
            event = await self._wait_for_calm()
            if event is not None:
                return event
            await self._open_ble()
        if system.ble is not None:
            system.own("ble", lambda owned: system.ble.run(owned.beat))
        if not self._missing:  # else there is nothing to go back to: wait for whoever brings settings
            system.own("window", self._close_window)
        return await system.left()

    def _tell(self):
        print("CONFIG: %s" % (self._system.failure or "asked for"))
        print("CONFIG: copy a settings.json with `mpremote cp settings.json :/settings.json`, then reset")

    async def _wait_for_calm(self):
        """After a crash loop, let this start last before the radio is on, which may be what ends them all, by a weak
        power supply say: meanwhile a cable finds a device that listens. The event by which CONFIG ends then, or None.
        """
        starts, calm_s = self._system.board.start_record().in_a_row() - 1, self._settings.timeouts.start_uptime_s
        if starts < self._settings.limits.starts or not self._missing:  # with all settings, somebody asked for CONFIG
            return None
        print("CONFIG: %d starts in a row did not last: Bluetooth waits %d s" % (starts, calm_s))
        try:
            return await asyncio.wait_for(self._system.left(), calm_s)
        except asyncio.TimeoutError:
            return None

    async def _open_ble(self):
        try:
            import config_ble

            await config_ble.open_ble(self._system, self._restart, self._missing)
        finally:
            for name in ("config_ble", "notes"):
                sys.modules.pop(name, None)
            codes.unload("setup_code")

    # The way out

    def _restart(self, reason):
        """Restart when the phone has gone, or soon."""
        try:
            self._system.own("farewell", lambda owned: self._say_farewell(reason))
        except MemoryError:  # at once: nothing else is answered any more
            self._system.leave("restart_requested", reason)

    async def _say_farewell(self, reason):
        await asyncio.sleep_ms(_LOOK_MS)  # the answer goes out when the handler has returned
        await self._system.ble.gone(_FAREWELL_MS - _LOOK_MS)
        await self._system.restart(reason)

    async def _close_window(self, owned):
        """Somebody pressed the button and did nothing, or a router was off: back to the settings that worked."""
        ble = self._system.ble
        waited_ms = 0
        inside = False
        while waited_ms < self._settings.timeouts.config_s * 1000:
            owned.beat()
            await asyncio.sleep_ms(_LOOK_MS)
            while self._heard.any():
                inside = (await self._heard.get()).name == events.BLE_AUTHENTICATED
            # A phone may have gone because the device tries the Wi-Fi: that must not be cut short.
            waited_ms = 0 if inside or (ble is not None and ble.is_busy) else waited_ms + _LOOK_MS
        if self._system.identity.trial:
            await self._go_back()
        self._system.leave("window_closed", self._system.NOBODY_CAME)

    async def _go_back(self):
        """Drop the candidate, if there is something better: confirmed settings, or a settings file."""
        try:
            import candidate

            if candidate.has_better(self._system):
                await candidate.drop(self._system.flash)
        finally:
            sys.modules.pop("candidate", None)
