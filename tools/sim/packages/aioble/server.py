"""Services, and the characteristics that a peer reads, writes and is notified of."""

import asyncio
from collections import deque

from micropython import const

from .core import GattError, ble, ensure_active, register_irq_handler
from .device import DeviceConnection, DeviceTimeout

_IRQ_GATTS_WRITE = const(3)
_IRQ_GATTS_READ_REQUEST = const(4)
_IRQ_GATTS_INDICATE_DONE = const(20)

_FLAG_READ = const(0x0002)
_FLAG_WRITE_NO_RESPONSE = const(0x0004)
_FLAG_WRITE = const(0x0008)
_FLAG_NOTIFY = const(0x0010)
_FLAG_INDICATE = const(0x0020)
_FLAG_WRITE_CAPTURE = const(0x10000)  # our own: the radio sees 16 bits

_CAPTURED_MAX = const(10)

_registered_characteristics = {}  # value handle -> characteristic or descriptor


class _Captures:
    """Writes of all characteristics with capture, in the order in which they came; the oldest is lost when full."""

    def __init__(self):
        self.waiting = deque((), _CAPTURED_MAX)  # noqa: RUF037  (MicroPython wants both)
        self.came = asyncio.ThreadSafeFlag()
        self.taken = asyncio.ThreadSafeFlag()
        self.task = asyncio.create_task(self._hand_out())

    def add(self, connection, characteristic):
        self.waiting.append((connection, characteristic.read(), characteristic))
        self.came.set()

    async def _hand_out(self):
        while True:
            while self.waiting:
                connection, data, characteristic = self.waiting.popleft()
                characteristic._write_data = (connection, data)
                characteristic._write_event.set()
                await self.taken.wait()
            await self.came.wait()


class Service:
    """A group of characteristics, which add themselves."""

    def __init__(self, uuid):
        self.uuid = uuid
        self.characteristics = []

    def _tuple(self):
        return self.uuid, tuple([characteristic._tuple() for characteristic in self.characteristics])


class BaseCharacteristic:
    """What a characteristic and a descriptor have in common."""

    _captures = None

    def _prepare(self, uuid, flags, initial):
        self.uuid = uuid
        self.flags = flags
        self._value_handle = None
        self._initial = initial
        if flags & (_FLAG_WRITE | _FLAG_WRITE_NO_RESPONSE):
            self._write_event = asyncio.ThreadSafeFlag()
            self._write_data = None

    def _register(self, value_handle):
        self._value_handle = value_handle
        _registered_characteristics[value_handle] = self
        if self._initial is not None:
            self.write(self._initial)
            self._initial = None

    def read(self):
        """The value; an append buffer is empty then."""
        if self._value_handle is None:
            return self._initial or b""
        return ble.gatts_read(self._value_handle)

    def write(self, data, send_update=False):
        """Set the value; `send_update` sends it to whoever subscribed."""
        if self._value_handle is None:
            self._initial = data
        else:
            ble.gatts_write(self._value_handle, data, send_update)

    async def written(self, timeout_ms=None):
        """Wait for a write; returns the connection, with capture (connection, data). Several may count as one."""
        if not hasattr(self, "_write_event"):
            return None
        with DeviceTimeout(None, timeout_ms):
            await self._write_event.wait()
        data, self._write_data = self._write_data, None
        if self.flags & _FLAG_WRITE_CAPTURE:
            BaseCharacteristic._captures.taken.set()
        return data

    def on_read(self, connection):
        """To be overridden: called before a peer reads; returns 0, or the error it gets."""
        return 0

    def _remote_write(self, connection):
        if self.flags & _FLAG_WRITE_CAPTURE:
            BaseCharacteristic._captures.add(connection, self)
            return
        self._write_data = connection
        self._write_event.set()


class Characteristic(BaseCharacteristic):
    """A value of a service. `capture` keeps each write with its data."""

    def __init__(
        self,
        service,
        uuid,
        read=False,
        write=False,
        write_no_response=False,
        notify=False,
        indicate=False,
        initial=None,
        capture=False,
    ):
        service.characteristics.append(self)
        self.descriptors = []
        flags = _FLAG_READ if read else 0
        flags |= _FLAG_WRITE if write else 0
        flags |= _FLAG_WRITE_NO_RESPONSE if write_no_response else 0
        flags |= _FLAG_NOTIFY if notify else 0
        flags |= _FLAG_INDICATE if indicate else 0
        if capture and (write or write_no_response):
            flags |= _FLAG_WRITE_CAPTURE
            if BaseCharacteristic._captures is None:
                BaseCharacteristic._captures = _Captures()
        self._prepare(uuid, flags, initial)
        if indicate:
            self._indicate_connection = None
            self._indicate_event = asyncio.ThreadSafeFlag()
            self._indicate_status = None

    def _tuple(self):
        if self.descriptors:
            return self.uuid, self.flags, tuple([descriptor._tuple() for descriptor in self.descriptors])
        return self.uuid, self.flags

    def notify(self, connection, data=None):
        """Send `data`, or the value, to that peer. Raises OSError when the radio cannot."""
        if not self.flags & _FLAG_NOTIFY:
            raise ValueError("Not supported")
        ble.gatts_notify(connection._conn_handle, self._value_handle, data)

    async def indicate(self, connection, data=None, timeout_ms=1000):
        """The same, acknowledged by the peer. One at a time; raises GattError, asyncio.TimeoutError."""
        if not self.flags & _FLAG_INDICATE:
            raise ValueError("Not supported")
        if self._indicate_connection is not None:
            raise ValueError("In progress")
        if not connection.is_connected():
            raise ValueError("Not connected")
        self._indicate_connection = connection
        self._indicate_status = None
        try:
            with connection.timeout(timeout_ms):
                ble.gatts_indicate(connection._conn_handle, self._value_handle, data)
                await self._indicate_event.wait()
                if self._indicate_status != 0:
                    raise GattError(self._indicate_status)
        finally:
            self._indicate_connection = None

    def _indicate_done(self, connection, status):
        if connection and connection is self._indicate_connection:
            self._indicate_status = status
            self._indicate_event.set()


class BufferedCharacteristic(Characteristic):
    """Its value has room for `max_len` bytes; with `append`, writes add up until they are read. `initial` is lost."""

    def __init__(self, *args, max_len=20, append=False, **kwargs):
        super().__init__(*args, **kwargs)
        self._max_len = max_len
        self._append = append

    def _register(self, value_handle):
        super()._register(value_handle)
        ble.gatts_set_buffer(value_handle, self._max_len, self._append)


class Descriptor(BaseCharacteristic):
    """A description of a characteristic."""

    def __init__(self, characteristic, uuid, read=False, write=False, initial=None):
        characteristic.descriptors.append(self)
        self._prepare(uuid, (_FLAG_READ if read else 0) | (_FLAG_WRITE if write else 0), initial)

    def _tuple(self):
        return self.uuid, self.flags


def register_services(*services):
    """Replace all services by these. Not while advertising or connected."""
    ensure_active()
    _registered_characteristics.clear()
    all_handles = ble.gatts_register_services(tuple([service._tuple() for service in services]))
    for service, handles in zip(services, all_handles):
        numbers = iter(handles)
        for characteristic in service.characteristics:
            characteristic._register(next(numbers))
            for descriptor in characteristic.descriptors:
                descriptor._register(next(numbers))


def _server_irq(event, data):
    if event not in (_IRQ_GATTS_WRITE, _IRQ_GATTS_READ_REQUEST, _IRQ_GATTS_INDICATE_DONE):
        return None
    characteristic = _registered_characteristics.get(data[1])
    if characteristic is None:
        return None
    connection = DeviceConnection._connected.get(data[0])
    if event == _IRQ_GATTS_READ_REQUEST:
        return characteristic.on_read(connection)
    if event == _IRQ_GATTS_WRITE:
        characteristic._remote_write(connection)
    else:
        characteristic._indicate_done(connection, data[2])
    return None


def _server_shutdown():
    global _registered_characteristics
    _registered_characteristics = {}
    captures, BaseCharacteristic._captures = BaseCharacteristic._captures, None
    if captures is not None:
        captures.task.cancel()


register_irq_handler(_server_irq, _server_shutdown)
