"""What a phone may ask for in CONFIG, one method for each message; the protocol is in docs/ble-protocol.md.

What CFG and CERT bring is staged: only APPLY keeps it, all of it in one step, when the Wi-Fi was joined with it. Who
goes before leaves nothing behind.

Bluetooth leaves little of the heap: what reads settings, and the Wi-Fi, are imported for one message and let go of.
"""

import gc
import sys

import errors
import events
import release
from ble import codes
from settings_types import Group


class Configuring:
    """`restart(reason)`: restarts in order when the phone has gone. `last`: STATE's. `door`: the hand `ble`."""

    version = release.VERSION

    def __init__(self, system, restart, last):
        self.door = None
        self._system = system
        self._restart = restart
        self._last = last
        self._is_leaving = False
        self._gone = system.bus.listen(events.BLE_DISCONNECTED)
        self._forget()

    def _forget(self):
        self._document = None  # what is staged; None: nothing
        self._ssids = set()  # of the networks in it that the phone gave

    async def begin(self):
        """Say in STATE what happened."""
        await self.door.set_state("waiting", last=self._last)

    async def handle(self, typ, message_id, dat):
        """What `ble` calls for each message of an authenticated phone; see docs/architecture.md."""
        if self._is_leaving:
            raise codes.refuse(codes.BUSY, "it restarts")
        while self._gone.any():
            await self._gone.get()
            self._forget()
        gc.collect()  # reading settings takes much in little time
        return await getattr(self, "on_" + typ.lower())(dat)

    # Settings

    async def on_cfg(self, dat):
        warnings = self._stage("CFG", dat)
        self._ssids.update([network["ssid"] for network in dat.get("networks") or ()])
        await self.door.set_state("receiving")
        return {"warnings": warnings} if warnings else None

    async def on_cert(self, dat):
        self._stage("CERT", dat)
        await self.door.set_state("receiving")

    def _stage(self, typ, dat):
        warnings = []
        document = self._document or _candidate().base(self._system.flash)
        import settings

        sys.modules.pop("settings")
        self._document = settings.merged(document, typ, dat, warnings)
        return warnings

    async def on_apply(self, _):
        await self.door.progress()
        try:
            await self._join(self._checked())
            await self.door.set_state("saving")
            await _candidate().save(self._system, self._document, "phone")
        except errors.DeviceError as failure:
            await self._tell_failed(failure)
            raise
        await self._leave("new settings", codes.DONE)
        return {"code": codes.DONE}

    def _checked(self):
        """The networks of what is staged, when the device could work with it."""
        words, system = _candidate(), self._system
        self._document = self._document or words.base(system.flash)
        words.check(system, self._document)
        return words.networks(system, self._document)

    async def _join(self, networks):
        # A network that was there before would hide that the new password is wrong.
        given = [network for network in networks if network.ssid in self._ssids]
        old = self._system.settings
        settings = {"networks": given or networks, "hostname": old.hostname, "timeouts": old.timeouts}
        await self.door.set_state("joining")
        wifi = self._wifi(Group(settings))
        try:
            await wifi.join_once()
        finally:
            await self._stop_wifi()

    def _wifi(self, settings=None):
        system = self._system
        system.wifi = system.make_wifi(system.bus, settings or system.settings)
        sys.modules.pop("wifi", None)
        return system.wifi

    async def _stop_wifi(self):
        wifi, self._system.wifi = self._system.wifi, None
        await wifi.stop()

    async def _tell_failed(self, failure):
        number = codes.number_of(failure)
        self._last = {"code": number, "message": failure.message}
        await self.door.set_state("failed", number, failure.message, self._last)

    # Looking around

    async def on_scan(self, _):
        await self.door.progress()
        wifi = self._wifi()
        try:
            found = await wifi.scan()
        finally:
            await self._stop_wifi()
        return {"aps": [{"ssid": ssid, "rssi": rssi, "secure": secure} for ssid, rssi, secure in found]}

    async def on_sts(self, _):
        system = self._system
        system.identity.known()  # learns the name
        return {
            "mode": system.mode,
            "version": self.version,
            "thing": system.identity.name,
            "rssi": None,  # no network is joined but for APPLY
            "uptime_s": system.board.uptime_ms() // 1000,
            "heap_free": system.board.heap()["gc_free"],
            "restart": system.restart_reason,
            "last": self._last,
        }

    async def on_time(self, dat):
        import notes

        self._wifi().keep_time(dat["time"], notes.last_known_time(self._system.flash))
        self._system.wifi = None

    async def on_app(self, dat):
        if self._system.configure is None:
            raise codes.refuse(codes.INVALID, "the application takes no messages")
        from device import Device

        return await self._system.configure(Device(self._system, None), dat)

    # Leaving

    async def on_reset(self, dat):
        import resetting

        await resetting.erase(self._system, dat["what"])
        await self._leave("settings were reset")

    async def on_rst(self, _):
        await self._leave("a phone asked for it")

    async def _leave(self, reason, number=codes.OK):
        self._is_leaving = True
        await self.door.set_state("restarting", number)
        self._restart(reason)


def _candidate():
    import candidate

    for name in ("candidate", "settings"):
        sys.modules.pop(name, None)
    return candidate
