"""What a phone says in CONFIG: settings are staged here, all else is asked for in `config_requests`.

What CFG and CERT bring is staged: only APPLY keeps it, all in one step, once the Wi-Fi was joined with it. A phone that
goes before that leaves nothing behind.

Bluetooth leaves little of the heap: what a message needs is loaded for it and unloaded again.
"""

import asyncio
import gc
import sys

import events
import release
from ble import codes

_LONGEST_WORK_S = 300  # a safety net, for the work on one message; to join networks may take longer, see below


class Configuring:
    """`restart(reason)`: restarts in order when the phone has gone. `last`: STATE's. `ble`: a ble.server.Ble.

    `document`: what is staged, None for nothing; `ssids`: of the networks in it that the phone gave.
    """

    version = release.VERSION

    def __init__(self, system, restart, last):
        self.ble = None
        self.system = system
        self.last = last
        self._restart = restart
        self._is_leaving = False
        self._gone = system.bus.listen(events.BLE_DISCONNECTED)
        self._forget()

    def _forget(self):
        self.document = None
        self.ssids = set()

    async def begin(self):
        """Say in STATE what happened."""
        await self.ble.set_state("waiting", last=self.last)

    async def handle(self, typ, message_id, dat):
        """What `ble` calls for each message of an authenticated phone; see docs/architecture.md."""
        if self._is_leaving:
            raise codes.refuse(codes.BUSY, "it restarts")
        while self._gone.any():
            await self._gone.get()
            self._forget()
        gc.collect()  # reading settings takes much in little time
        longest_s = _LONGEST_WORK_S + (self._joining_s() if typ == "APPLY" else 0)
        return await asyncio.wait_for(self._work(typ, dat), longest_s)

    def _joining_s(self):
        # Two rounds, in each of which a network may be joined and give no address.
        settings = self.system.settings
        count = len(settings.networks) + len((self.document or {}).get("networks", ()))
        return 2 * count * (settings.timeouts.join_s + settings.timeouts.address_s)

    async def _work(self, typ, dat):
        if typ in ("CFG", "CERT"):
            return await self._stage(typ, dat)
        try:
            import config_requests

            return await getattr(config_requests, "on_" + typ.lower())(self, dat)
        finally:
            for name in ("config_requests", "candidate", "settings"):
                sys.modules.pop(name, None)

    async def _stage(self, typ, dat):
        warnings = []
        document = self.document or self._base()
        try:
            import settings

            self.document = settings.merged(document, typ, dat, warnings)
        finally:
            sys.modules.pop("settings", None)
        if typ == "CFG":
            self.ssids.update([network["ssid"] for network in dat.get("networks") or ()])
        await self.ble.set_state("receiving")
        return {"warnings": warnings} if warnings and typ == "CFG" else None

    def _base(self):
        try:
            import candidate

            return candidate.base(self.system.flash)
        finally:
            for name in ("candidate", "settings"):
                sys.modules.pop(name, None)

    async def leave(self, reason, number=codes.OK):
        """Restart, once the answer is out."""
        self._is_leaving = True
        try:
            await self.ble.set_state("restarting", number)
        finally:  # though there is no memory to say so: what was saved or erased is for the next start
            self._restart(reason)
