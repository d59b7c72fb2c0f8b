"""A device as BlueZ shows it: found, connected, its services resolved."""

import contextlib
import time

from bumble.core import AdvertisingData

from tools.sim.radio.bluez_gatt import export_services
from tools.sim.radio.central import AttError, LinkLost
from tools.sim.radio.dbus_tree import CallFailed, Interface

_CONNECT_S = 20
_MTU = 517  # BlueZ asks for it by itself


class Device1(Interface):
    """`org.bluez.Device1`."""

    name = "org.bluez.Device1"
    writeable = ("Alias", "Blocked", "Trusted")

    def __init__(self, tree, adapter, central, found):
        super().__init__(
            tree,
            f"{adapter.path}/dev_{found.address.replace(':', '_')}",
            Address=("s", found.address),
            AddressType=("s", "public"),
            Adapter=("o", adapter.path),
            Alias=("s", found.name or found.address.replace(":", "-")),
            Paired=("b", False),
            Bonded=("b", False),
            Trusted=("b", False),
            Blocked=("b", False),
            LegacyPairing=("b", False),
            Connected=("b", False),
            ServicesResolved=("b", False),
            UUIDs=("as", []),
        )
        self.central = central
        self._paths = []
        self.seen(found)

    def seen(self, found):
        """It advertises."""
        self.seen_s = time.monotonic()
        if found.name:
            self.set(Name=("s", found.name), Alias=("s", found.name))
        flags = found.seen.data.get(AdvertisingData.FLAGS)
        if flags is not None:
            self.set(AdvertisingFlags=("ay", bytes([int(flags)])))
        self.set(UUIDs=("as", list(found.services)), RSSI=("n", found.rssi))
        self.tell({"RSSI": self.properties["RSSI"]})  # each time, as BlueZ does: clients take it for a sign of life

    async def do_Connect(self, sender):  # noqa: N802
        if self.value("Connected"):
            return
        try:
            await self.central.connect(self.value("Address"), _CONNECT_S, on_lost=self._lost)
            self.set(Connected=("b", True))
            await self.central.exchange_mtu(_MTU)
        except RuntimeError as error:
            raise CallFailed("org.bluez.Error.InProgress", str(error)) from error
        except (LinkLost, AttError, TimeoutError) as error:
            raise CallFailed("org.bluez.Error.Failed", f"no connection: {error}") from error
        self.tree.start(self._resolve())

    async def do_Disconnect(self, sender):  # noqa: N802
        await self.central.disconnect()

    async def do_Pair(self, sender):  # noqa: N802
        raise CallFailed("org.bluez.Error.AuthenticationFailed", "pairing is not simulated")

    async def do_CancelPairing(self, sender):  # noqa: N802
        raise CallFailed("org.bluez.Error.DoesNotExist", "nothing is pairing")

    async def vanish(self):
        """The adapter is pulled out."""
        await self.central.vanish()

    async def _resolve(self):
        with contextlib.suppress(LinkLost, AttError):  # `_lost` tells of it
            services = await self.central.discover()
            self._paths = export_services(self.tree, self, services)
            self.set(ServicesResolved=("b", True))

    def _lost(self):
        self.set(ServicesResolved=("b", False), Connected=("b", False))
        for path in self._paths:
            self.tree.remove(path)
        self._paths = []
