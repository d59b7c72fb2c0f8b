"""The services of a connected device as BlueZ shows them."""

from typing import ClassVar

from dbus_fast import Variant

from tools.sim.radio.central import AttError, LinkLost, uuid_text
from tools.sim.radio.dbus_tree import CallFailed, Interface

_FLAGS = (
    (0x01, "broadcast"),
    (0x02, "read"),
    (0x04, "write-without-response"),
    (0x08, "write"),
    (0x10, "notify"),
    (0x20, "indicate"),
)
_NOT_PERMITTED = {0x02: "Read not permitted", 0x03: "Write not permitted"}


def export_services(tree, device, services):
    """Export Bumble's proxies. Returns the paths of the services."""
    paths = []
    for service in services:
        path = f"{device.path}/service{service.handle:04x}"
        paths.append(path)
        tree.add(
            GattService1(
                tree,
                path,
                UUID=("s", uuid_text(service.uuid)),
                Device=("o", device.path),
                Primary=("b", True),
                Includes=("ao", []),
            )
        )
        for characteristic in service.characteristics:
            _export_characteristic(tree, device, path, characteristic)
    return paths


def _export_characteristic(tree, device, service_path, characteristic):
    path = f"{service_path}/char{characteristic.handle - 1:04x}"  # by the handle of its declaration
    tree.add(GattCharacteristic1(tree, path, service_path, device.central, characteristic))
    for descriptor in characteristic.descriptors:
        own = f"{path}/desc{descriptor.handle:04x}"
        tree.add(GattDescriptor1(tree, own, path, device.central, descriptor))


class GattService1(Interface):
    """`org.bluez.GattService1`."""

    name = "org.bluez.GattService1"


class _Value(Interface):
    """What is read and written."""

    answers: ClassVar[dict] = {"ReadValue": "ay"}

    def __init__(self, tree, path, central, attribute, **properties):
        super().__init__(tree, path, Value=("ay", b""), **properties)
        self._central = central
        self._attribute = attribute

    async def do_ReadValue(self, sender, options):  # noqa: N802
        value = await _translated(self._central.read(self._attribute))
        self.set(Value=("ay", value))
        offset = options["offset"].value if "offset" in options else 0
        return [value[offset:]]

    async def do_WriteValue(self, sender, value, options):  # noqa: N802
        kind = options["type"].value if "type" in options else self._usual_write()
        await _translated(self._central.write(self._attribute, bytes(value), response=kind != "command"))

    def _usual_write(self):
        return "request"


class GattDescriptor1(_Value):
    """`org.bluez.GattDescriptor1`."""

    name = "org.bluez.GattDescriptor1"

    def __init__(self, tree, path, characteristic_path, central, descriptor):
        super().__init__(
            tree,
            path,
            central,
            descriptor,
            UUID=("s", uuid_text(descriptor.type)),
            Characteristic=("o", characteristic_path),
            Flags=("as", ["read", "write"]),
        )


class GattCharacteristic1(_Value):
    """`org.bluez.GattCharacteristic1`. Notifications are changes of its `Value`."""

    name = "org.bluez.GattCharacteristic1"

    def __init__(self, tree, path, service_path, central, characteristic):
        super().__init__(
            tree,
            path,
            central,
            characteristic,
            UUID=("s", uuid_text(characteristic.uuid)),
            Service=("o", service_path),
            Flags=("as", [name for bit, name in _FLAGS if int(characteristic.properties) & bit]),
            Notifying=("b", False),
            MTU=("q", central.mtu),
        )
        self._notified = set()  # clients

    def _usual_write(self):
        return "request" if "write" in self.value("Flags") else "command"

    async def do_StartNotify(self, sender):  # noqa: N802
        if not {"notify", "indicate"} & set(self.value("Flags")):
            raise CallFailed("org.bluez.Error.NotSupported", "Operation is not supported")
        if sender in self._notified:
            raise CallFailed("org.bluez.Error.InProgress", "Operation already in progress")
        self._notified.add(sender)
        if len(self._notified) == 1:
            await _translated(self._central.subscribe(self._attribute, self._came))
            self.set(Notifying=("b", True))

    async def do_StopNotify(self, sender):  # noqa: N802
        if sender not in self._notified:
            raise CallFailed("org.bluez.Error.Failed", "No notify session started")
        await self._stop_for(sender)

    def client_left(self, sender):
        if sender in self._notified:
            self.tree.start(self._stop_quietly_for(sender))

    async def _stop_for(self, sender):
        self._notified.discard(sender)
        if not self._notified:
            self.set(Notifying=("b", False))
            await _translated(self._central.unsubscribe(self._attribute))

    async def _stop_quietly_for(self, sender):
        try:
            await self._stop_for(sender)
        except CallFailed:
            return  # nobody is there to be told

    def _came(self, value):
        self.properties["Value"] = Variant("ay", bytes(value))
        self.tell({"Value": self.properties["Value"]})  # also when it is what it was


async def _translated(request):
    try:
        return await request
    except LinkLost as error:
        raise CallFailed("org.bluez.Error.NotConnected", "Not Connected") from error
    except ValueError as error:
        raise CallFailed("org.bluez.Error.InvalidValueLength", str(error)) from error
    except AttError as error:
        code = error.args[0]
        if code in _NOT_PERMITTED:
            raise CallFailed("org.bluez.Error.NotPermitted", _NOT_PERMITTED[code]) from error
        raise CallFailed("org.bluez.Error.Failed", f"Operation failed with ATT error: 0x{code:02x}") from error
