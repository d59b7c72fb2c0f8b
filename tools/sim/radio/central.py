"""What a phone's Bluetooth stack does, as coroutines in the radio's loop: Bumble's central behind a few plain calls."""

import asyncio
import contextlib
from dataclasses import dataclass, field
from uuid import UUID

from bumble import att, core, hci
from bumble.core import AdvertisingData
from bumble.device import Peer

from tools.sim.radio.antenna import make_device

_REPLY_S = 30  # the specification's own limit for an answer to a request
_SERVICES = (AdvertisingData.COMPLETE_LIST_OF_128_BIT_SERVICE_CLASS_UUIDS,
             AdvertisingData.INCOMPLETE_LIST_OF_128_BIT_SERVICE_CLASS_UUIDS,
             AdvertisingData.COMPLETE_LIST_OF_16_BIT_SERVICE_CLASS_UUIDS,
             AdvertisingData.INCOMPLETE_LIST_OF_16_BIT_SERVICE_CLASS_UUIDS)  # fmt: skip


class LinkLost(Exception):
    """There is no connection, or it ended while the phone waited for an answer."""


class AttError(Exception):
    """The device refused; `args[0]` is the attribute protocol's number."""


@dataclass(frozen=True)
class Found:
    """A device that advertises. `services` are UUIDs as text, lower case."""

    address: str
    name: str | None
    services: tuple
    rssi: int
    seen: object = field(repr=False, compare=False)  # Bumble's advertisement


class Central:
    """One phone. At most one connection at a time."""

    def __init__(self, ether, name, address):
        self._ether = ether
        self._name = name
        self._address = address
        self._device = None
        self._peer = None
        self._attempt = None
        self._on_lost = None

    async def start(self):
        """Switch it on, when it is not."""
        if self._device is None:
            self._device = make_device(self._ether, self._name, self._address)
            await self._device.power_on()
        return self._device

    async def vanish(self):
        """Switched off, or out of range: nobody is told."""
        device, self._device = self._device, None
        self._peer = None
        if self._attempt is not None:
            self._attempt.cancel()
        if device is not None:
            self._ether.remove_controller(device.antenna)

    @property
    def is_connected(self):
        return self._peer is not None

    @property
    def mtu(self):
        """What the two have agreed on."""
        return self._connected().connection.att_mtu

    # Scanning

    async def start_scan(self, on_found, active=True):
        """`on_found(Found)` for each advertisement."""
        device = await self.start()
        device.remove_all_listeners(device.EVENT_ADVERTISEMENT)
        device.on(device.EVENT_ADVERTISEMENT, lambda seen: on_found(_found(seen)))
        await device.start_scanning(active=active)

    async def stop_scan(self):
        if self._device is not None and self._device.is_scanning:
            await self._device.stop_scanning()

    async def find(self, wanted, timeout_s):
        """The first device for which `wanted(Found)` is true. Raises TimeoutError."""
        result = asyncio.get_running_loop().create_future()

        def look(found):
            if wanted(found) and not result.done():
                result.set_result(found)

        await self.start_scan(look)
        try:
            return await asyncio.wait_for(result, timeout_s)
        except asyncio.TimeoutError as error:
            raise TimeoutError(f"no such device in {timeout_s} s") from error
        finally:
            await self.stop_scan()

    # Connection

    async def connect(self, address, timeout_s, on_lost=None):
        """`address` as `Found.address`; `on_lost()` is called when it ends. Raises TimeoutError, LinkLost."""
        if self._peer is not None or self._attempt is not None:
            raise RuntimeError("the phone is connected already, or about to be")
        device = await self.start()
        peer_address = hci.Address(address, hci.Address.PUBLIC_DEVICE_ADDRESS)
        attempt = self._attempt = asyncio.ensure_future(device.connect(peer_address, timeout=None))
        try:
            done, _ = await asyncio.wait({attempt}, timeout=timeout_s)
            if not done:
                await self._give_up()
                raise TimeoutError(f"no connection to {address} in {timeout_s} s")
            if attempt.cancelled() or attempt.exception() is not None:
                raise LinkLost(f"the attempt to connect to {address} was given up")
            self._connected_by(attempt.result(), on_lost)
        finally:
            self._attempt = None
            attempt.cancel()

    async def _give_up(self):
        """End the attempt to connect."""
        attempt = self._attempt
        await self._device.send_sync_command(hci.HCI_LE_Create_Connection_Cancel_Command())
        with contextlib.suppress(core.ConnectionError):
            await attempt

    def _connected_by(self, connection, on_lost):
        self._on_lost = on_lost
        self._peer = Peer(connection)
        connection.on(connection.EVENT_DISCONNECTION, lambda _: self._lost(connection))

    def _lost(self, connection):
        if self._peer is not None and self._peer.connection is connection:
            self._peer = None
            if self._on_lost is not None:
                self._on_lost()

    async def disconnect(self):
        """Ends the connection, or the attempt; the device is told."""
        if self._attempt is not None:
            await self._give_up()
        if self._peer is not None:
            with contextlib.suppress(core.BaseBumbleError):
                await self._peer.connection.disconnect()

    async def exchange_mtu(self, mtu):
        """Returns the one agreed on."""
        await self._do(self._connected().request_mtu(mtu))
        return self.mtu

    # The device's services

    async def discover(self):
        """All services with their characteristics and descriptors: Bumble's proxies."""
        peer = self._connected()
        await self._do(peer.discover_services())
        await self._do(peer.discover_characteristics())
        for service in peer.services:
            for characteristic in service.characteristics:
                await self._do(characteristic.discover_descriptors())
        return peer.services

    async def characteristic(self, uuid):
        """The proxy of a characteristic, by its UUID as text. Raises KeyError."""
        peer = self._connected()
        if not peer.services:
            await self.discover()
        found = peer.get_characteristics_by_uuid(core.UUID(uuid))
        if not found:
            raise KeyError(f"the device has no characteristic {uuid}")
        return found[0]

    async def read(self, characteristic):
        return bytes(await self._do(characteristic.read_value()))

    async def write(self, characteristic, data, response=True):
        if not response and len(data) > self.mtu - 3:
            raise ValueError(f"{len(data)} bytes do not fit into one write command of {self.mtu - 3}")
        await self._do(characteristic.write_value(data, with_response=response))

    async def subscribe(self, characteristic, on_value):
        await self._do(characteristic.subscribe(on_value))

    async def unsubscribe(self, characteristic):
        await self._do(characteristic.unsubscribe())

    def _connected(self):
        if self._peer is None:
            raise LinkLost("the phone is not connected")
        return self._peer

    async def _do(self, request):
        """Await a request; what goes wrong becomes `AttError` or `LinkLost`."""
        peer = self._peer
        if peer is None:
            request.close()
            raise LinkLost("the phone is not connected")
        task = asyncio.ensure_future(request)
        try:
            return await asyncio.wait_for(asyncio.shield(task), _REPLY_S)
        except att.ATT_Error as error:
            raise AttError(int(error.error_code)) from error
        except asyncio.CancelledError:
            if not task.cancelled():
                task.cancel()
                raise  # it was us who were cancelled
            raise LinkLost("the connection ended") from None  # Bumble cancels what waits for an answer
        except (core.BaseBumbleError, asyncio.TimeoutError) as error:
            raise LinkLost(str(error) or "no answer") from error


def _found(seen):
    name = seen.data.get(AdvertisingData.COMPLETE_LOCAL_NAME) or seen.data.get(AdvertisingData.SHORTENED_LOCAL_NAME)
    services = [uuid_text(uuid) for kind in _SERVICES for uuid in seen.data.get(kind) or ()]
    return Found(seen.address.to_string(False), name, tuple(services), seen.rssi, seen)


def uuid_text(uuid):
    """Bumble's UUID as 128 bits of text, lower case."""
    return str(UUID(bytes=bytes(reversed(uuid.to_bytes(force_128=True)))))
