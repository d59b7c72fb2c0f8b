"""The radio of one simulated board: carries out what its `bluetooth` module asks, and tells it what happens."""

import asyncio
import contextlib

from bumble import att, core, hci
from bumble.device import AdvertisingType, Peer
from bumble.gatt import Characteristic, Descriptor, Service
from bumble.gatt_server import Server

from tools.sim.radio.antenna import make_device
from tools.sim.radio.doorbell import Doorbell

# What `bluetooth` raises on the chip. NimBLE's "not connected" is errno 128 there, kept in a signed byte by the port.
NOT_CONNECTED = -128
EALREADY = 120
EBUSY = 16
ENOMEM = 12

_CONNECT, _DISCONNECT, _INDICATE_DONE, _MTU_EXCHANGED, _ENCRYPTION = 1, 2, 20, 21, 28  # event numbers
_TIMED_OUT, _GONE = 13, 7  # NimBLE's status of an indication
_CONNECTIONS = 4  # CONFIG_BT_NIMBLE_MAX_CONNECTIONS of the port's boards
_BLOCKS, _BLOCK = 24, 292  # buffers for what waits to be sent
_FAREWELL_S = 2
_EXCHANGE_S = 30


class Refused(Exception):
    """`args[0]` is the number of the OSError that the board's program gets."""


class Peripheral:
    """Lives from the board's start to its end; the stack in it may be started and stopped."""

    def __init__(self, radio):
        self._radio = radio
        self._device = None
        self._doorbell = None
        self._connections = {}  # the board's handle -> Bumble's connection
        self._attributes = {}
        self._tasks = set()

    async def answer(self, operation, arguments):
        """An answer that JSON can carry; {"error": number} for an OSError."""
        if self._device is None and operation != "start":
            return None
        try:
            return await getattr(self, f"on_{operation}")(*arguments)
        except Refused as refusal:
            return {"error": refusal.args[0]}

    async def vanish(self):
        """Gone from one moment to the next."""
        if self._device is None:
            return
        device, self._device = self._device, None
        self._radio.ether.remove_controller(device.antenna)
        for task in list(self._tasks):
            task.cancel()
        self._connections.clear()
        await self._doorbell.close()

    # The stack

    async def on_start(self, address):
        self._device = make_device(self._radio.ether, "board", ":".join(_pairs(address)))
        self._doorbell = Doorbell()
        self._connections.clear()
        self._attributes.clear()
        self._device.on(self._device.EVENT_CONNECTION, self._connected)
        await self._device.power_on()
        return await self._doorbell.open()

    async def on_stop(self):
        await self._device.stop_advertising()
        farewells = [self._hang_up(connection) for connection in self._connections.values()]
        self._connections.clear()  # no event: the stack counts as inactive
        await asyncio.gather(*farewells)
        await self.vanish()

    async def _hang_up(self, connection):
        with contextlib.suppress(core.BaseBumbleError, asyncio.TimeoutError):
            await asyncio.wait_for(connection.disconnect(), _FAREWELL_S)
        deadline = asyncio.get_running_loop().time() + _FAREWELL_S
        while self._radio.ether.busy(self._device.antenna) and asyncio.get_running_loop().time() < deadline:
            await asyncio.sleep(self._radio.interval_ms / 1000)

    async def on_event(self, answer):
        return self._doorbell.fetch(answer)

    async def on_set_name(self, name):
        self._device.name = bytes.fromhex(name).decode(errors="replace")

    async def on_set_mtu(self, mtu):
        self._device.gatt_server.max_mtu = mtu

    # Advertising and connections

    async def on_advertise(self, interval_us, data, response, connectable):
        if connectable and len(self._connections) == _CONNECTIONS:
            raise Refused(ENOMEM)
        interval_ms = max(20, interval_us / 1000)
        kinds = AdvertisingType
        await self._device.start_advertising(
            kinds.UNDIRECTED_CONNECTABLE_SCANNABLE if connectable else kinds.UNDIRECTED_SCANNABLE,
            own_address_type=hci.OwnAddressType.PUBLIC,
            advertising_data=None if data is None else bytes.fromhex(data),
            scan_response_data=None if response is None else bytes.fromhex(response),
            advertising_interval_min=interval_ms,
            advertising_interval_max=interval_ms,
        )

    async def on_stop_advertising(self):
        await self._device.stop_advertising()

    def _connected(self, connection):
        handle = next(number for number in range(_CONNECTIONS + 1) if number not in self._connections)
        self._connections[handle] = connection
        connection.on(connection.EVENT_DISCONNECTION, lambda _: self._disconnected(handle, connection))
        connection.on(
            connection.EVENT_CONNECTION_ATT_MTU_UPDATE,
            lambda: self._doorbell.post([_MTU_EXCHANGED, handle, connection.att_mtu]),
        )
        connection.on(
            connection.EVENT_CONNECTION_ENCRYPTION_CHANGE,
            lambda: self._doorbell.post([_ENCRYPTION, handle, connection.is_encrypted, False, False, 16]),
        )
        self._doorbell.post([_CONNECT, handle, *_address_of(connection)])

    def _disconnected(self, handle, connection):
        if self._connections.pop(handle, None) is not None:
            self._doorbell.post([_DISCONNECT, handle, *_address_of(connection)])

    def _find(self, handle):
        connection = self._connections.get(handle)
        if connection is None:
            raise Refused(NOT_CONNECTED)
        return connection

    async def on_disconnect(self, handle):
        self._start(self._find(handle).disconnect())

    async def on_pair(self, handle):
        self._find(handle).request_pairing()

    async def on_exchange_mtu(self, handle):
        connection = self._find(handle)
        client = Peer(connection).gatt_client
        if client.mtu_exchange_done:
            raise Refused(EALREADY)
        self._start(client.request_mtu(self._device.gatt_server.max_mtu))

    # The GATT server

    async def on_register(self, services):
        if self._connections or self._device.is_advertising:
            raise Refused(EBUSY)
        server, mtu = Server(self._device), self._device.gatt_server.max_mtu
        server.max_mtu, self._device.gatt_server = mtu, server
        self._device.add_default_services()
        self._attributes.clear()
        return [self._add(server, uuid, attributes) for uuid, attributes in services]

    def _add(self, server, uuid, attributes):
        made, characteristics = [], []
        for own_uuid, flags, is_descriptor in attributes:
            anything = att.Attribute.READABLE | att.Attribute.WRITEABLE  # the board checks the flags itself
            if is_descriptor:
                attribute = Descriptor(_uuid(own_uuid), anything, b"")
                characteristics[-1].descriptors.append(attribute)
            else:
                attribute = Characteristic(_uuid(own_uuid), Characteristic.Properties(flags & 0xFF), anything, b"")
                characteristics.append(attribute)
            made.append(attribute)
        server.add_service(Service(_uuid(uuid), characteristics))
        for attribute in made:
            attribute.value = self._value_of(attribute.handle)
            self._attributes[attribute.handle] = attribute
        return [attribute.handle for attribute in made]

    def _value_of(self, handle):
        async def read(connection):
            error, value = await self._ask(connection, "read", handle)
            _raise(error)
            return bytes.fromhex(value)

        async def write(connection, value):
            _raise(await self._ask(connection, "write", handle, value.hex()))

        return att.AttributeValue(read, write)

    async def _ask(self, connection, operation, *arguments):
        for handle, known in self._connections.items():
            if known is connection:
                return await self._doorbell.ask([operation, handle, *arguments])
        raise att.ATT_Error(att.ATT_UNLIKELY_ERROR_ERROR)

    async def on_update(self, handle, data):
        attribute, value = self._attributes[handle], bytes.fromhex(data)
        server = self._device.gatt_server
        await server.notify_subscribers(attribute, value)
        self._start(server.indicate_subscribers(attribute, value))

    async def on_notify(self, handle, attribute, data):
        connection = self._find(handle)
        waiting = self._radio.ether.waiting(self._device.antenna, connection.peer_address)
        if sum(-(-size // _BLOCK) for size in waiting) >= _BLOCKS:
            raise Refused(ENOMEM)
        server = self._device.gatt_server
        await server.notify_subscriber(connection, self._attributes[attribute], bytes.fromhex(data), force=True)

    async def on_indicate(self, handle, attribute, data):
        self._start(self._indicate(handle, self._find(handle), attribute, bytes.fromhex(data)))

    async def _indicate(self, handle, connection, attribute, data):
        server, status = self._device.gatt_server, 0
        try:
            await server.indicate_subscriber(connection, self._attributes[attribute], data, force=True)
        except (TimeoutError, asyncio.TimeoutError):
            status = _TIMED_OUT if self._connections.get(handle) is connection else _GONE
        self._doorbell.post([_INDICATE_DONE, handle, attribute, status])

    def _start(self, coroutine):
        task = asyncio.ensure_future(self._quietly(coroutine))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _quietly(self, coroutine):
        """The connection may end at any time: its event says so."""
        with contextlib.suppress(core.BaseBumbleError, asyncio.TimeoutError, TimeoutError):
            await asyncio.wait_for(coroutine, _EXCHANGE_S)


def _raise(error):
    if error:
        raise att.ATT_Error(error)


def _pairs(text):
    return [text[place : place + 2] for place in range(0, len(text), 2)]


def _uuid(text):
    return core.UUID.from_bytes(bytes(reversed(bytes.fromhex(text))))


def _address_of(connection):
    address = connection.peer_address
    return int(not address.is_public), bytes(reversed(bytes(address))).hex()
