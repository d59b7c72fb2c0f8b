"""A small BlueZ on a private D-Bus: real clients (bleak, Chromium's Web Bluetooth) reach simulated boards through it.

    with World() as world, BlueZ(world.radio) as bluez:
        subprocess.run([...], env={**os.environ, **bluez.environment})

Its adapter scans, connects, reads, writes and notifies. No pairing agent, no advertising, no classic Bluetooth.
"""

import time

from tools.sim.radio.bluez_device import Device1
from tools.sim.radio.central import Central
from tools.sim.radio.dbus_daemon import DBusDaemon
from tools.sim.radio.dbus_tree import CallFailed, Interface, ObjectTree

ADAPTER = "/org/bluez/hci0"
_ADDRESS = "00:5A:00:00:00:01"
_KEPT_S = 30  # BlueZ's TemporaryTimeout


class BlueZ:
    """A context manager. `environment` is what a client needs to be set. Raises `MissingTool` without dbus-daemon."""

    def __init__(self, radio):
        self._radio = radio
        self._daemon = DBusDaemon()
        self.environment = {"DBUS_SYSTEM_BUS_ADDRESS": self._daemon.address}
        self._tree = ObjectTree()
        self._adapter = None
        try:
            radio.wait(self._start())
        except BaseException:
            self.close()
            raise

    async def _start(self):
        self._adapter = Adapter1(self._tree, self._radio)
        self._tree.add(AgentManager1(self._tree, "/org/bluez"), ProfileManager1(self._tree, "/org/bluez"))
        self._tree.add(self._adapter)
        await self._tree.connect(self._daemon.address, "org.bluez")

    def switch(self, on):
        """As `bluetoothctl power on|off`, while nobody is connected."""
        self._radio.wait(self._adapter.switch(on))

    def close(self):
        """The adapter is pulled out."""
        self._radio.wait(self._stop())
        self._daemon.close()

    async def _stop(self):
        if self._adapter is not None:
            await self._adapter.vanish()
        await self._tree.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


class AgentManager1(Interface):
    """Takes agents, and never asks them: nothing here is paired."""

    name = "org.bluez.AgentManager1"

    async def do_RegisterAgent(self, sender, path, capability):  # noqa: N802  (D-Bus' own names)
        pass

    async def do_UnregisterAgent(self, sender, path):  # noqa: N802
        pass

    async def do_RequestDefaultAgent(self, sender, path):  # noqa: N802
        pass


class ProfileManager1(Interface):
    """Takes profiles, which are for classic Bluetooth."""

    name = "org.bluez.ProfileManager1"

    async def do_RegisterProfile(self, sender, path, uuid, options):  # noqa: N802
        pass

    async def do_UnregisterProfile(self, sender, path):  # noqa: N802
        pass


class Adapter1(Interface):
    """The one adapter. Devices appear as children of it."""

    name = "org.bluez.Adapter1"
    writeable = ("Alias", "Discoverable", "Pairable", "Powered")

    def __init__(self, tree, radio):
        super().__init__(
            tree,
            ADAPTER,
            Address=("s", _ADDRESS),
            AddressType=("s", "public"),
            Name=("s", "simulated"),
            Alias=("s", "simulated"),
            Class=("u", 0),
            Powered=("b", True),
            Discoverable=("b", False),
            Pairable=("b", True),
            Discovering=("b", False),
            UUIDs=("as", []),
            Modalias=("s", "usb:v1D6Bp0246d0540"),
            Roles=("as", ["central"]),
        )
        self._radio = radio
        self._scanner = Central(radio.ether, "adapter", _ADDRESS)
        self._scanning_for = set()  # clients
        self._devices = {}  # address -> Device1
        self._antennas = 1

    async def do_SetDiscoveryFilter(self, sender, wanted):  # noqa: N802
        """Clients filter for themselves anyway."""

    async def do_StartDiscovery(self, sender):  # noqa: N802
        if not self.value("Powered"):
            raise CallFailed("org.bluez.Error.NotReady", "Resource Not Ready")
        if sender in self._scanning_for:
            raise CallFailed("org.bluez.Error.InProgress", "Operation already in progress")
        self._scanning_for.add(sender)
        if len(self._scanning_for) == 1:
            self._forget_unseen()
            await self._scanner.start_scan(self._found)
            self.set(Discovering=("b", True))

    async def do_StopDiscovery(self, sender):  # noqa: N802
        if sender not in self._scanning_for:
            raise CallFailed("org.bluez.Error.Failed", "No discovery started")
        await self._stop_for(sender)

    async def do_RemoveDevice(self, sender, path):  # noqa: N802
        device = next((one for one in self._devices.values() if one.path == path), None)
        if device is None:
            raise CallFailed("org.bluez.Error.DoesNotExist", "Does Not Exist")
        await device.do_Disconnect(sender)
        self._forget(device)

    def client_left(self, sender):
        if sender in self._scanning_for:
            self.tree.start(self._stop_for(sender))

    async def switch(self, on):
        """Its Powered."""
        self.set(Powered=("b", on))

    async def vanish(self):
        """Pulled out."""
        await self._scanner.vanish()
        for device in self._devices.values():
            await device.vanish()

    async def _stop_for(self, sender):
        self._scanning_for.discard(sender)
        if not self._scanning_for:
            await self._scanner.stop_scan()
            self.set(Discovering=("b", False))

    def _found(self, found):
        device = self._devices.get(found.address)
        if device is None:
            self._antennas += 1
            address = f"{_ADDRESS[:-5]}{self._antennas >> 8:02X}:{self._antennas & 0xFF:02X}"
            central = Central(self._radio.ether, "adapter", address)  # one antenna for each connection
            device = self._devices[found.address] = Device1(self.tree, self, central, found)
            self.tree.add(device)
        device.seen(found)

    def _forget_unseen(self):
        """As BlueZ does after a while with what is neither paired nor connected."""
        for device in list(self._devices.values()):
            if not device.value("Connected") and time.monotonic() - device.seen_s > _KEPT_S:
                self._forget(device)

    def _forget(self, device):
        del self._devices[device.value("Address")]
        self.tree.remove(device.path)
