"""The protocol's GATT service, on aioble: four characteristics, each readable, writable and notifying.

While there is a `Gatt`, the radio is on. It adds what NimBLE lacks: a value reads as what the device says, whatever a
phone has written into it, and notifications wait while the stack has no buffer.
"""

import asyncio
import errno
import gc
import time

import aioble
import bluetooth
from micropython import const

from ble import documents, framing, ticks

_SERVICE = "5704246a-5d4c-4f19-9b53-157d8824063d"
_TX = "15ba8b82-df9a-46dc-865a-177a17ad9035"
_RX = "20a62cd0-93ba-41e2-96b0-31b1aa131909"
_STATE = "3a21768b-174a-41bc-8b25-b9c1ebfb7510"
_INFO = "43c5e37d-b664-4b4a-aa33-032bbaf7133f"

_MTU = const(512)
_ATT_HEADER = const(3)
_SMALLEST_CHUNK = const(20)
_ADVERTISE_US = const(100000)
_LOOK_MS = const(1000)  # the longest wait for data, so that gaps are noticed and beats are on time
# No whole seconds: a window that closes in the same moment would not end it, for aioble takes both for its time-out.
_ADVERTISE_MS = const(9700)
_PAUSE_MS = const(10)
_NO_RESOURCES = const(0x11)  # an error of ATT
_STUCK_MS = const(5000)  # without a free buffer: the phone takes nothing any more
_SLOWEST_MS = const(40000)  # for a whole message: the largest one in pieces of 20 bytes, one every 130 ms


class _Shown(aioble.BufferedCharacteristic):
    """Reads as `text(connection)`, whatever was written into it.

    `on_read` runs in an interrupt of the radio. An exception there would end all its events, so the value's buffer is
    allocated beforehand. A phone that reads RX before the device has looked loses what it wrote, as the CRC will say.
    """

    def __init__(self, service, uuid, text, size, append=False):
        uuid = bluetooth.UUID(uuid)
        super().__init__(service, uuid, read=True, write=True, notify=True, max_len=size, append=append)
        self._text = text

    def on_read(self, connection):
        try:
            self.write(self._text(connection))
        except (MemoryError, OSError):
            return _NO_RESOURCES
        return 0  # no error


def _nothing(connection):
    return b""


class Gatt:
    """`info`: bytes of `documents.info`. `state()` gives STATE's JSON. Raises OSError when the radio does not start.

    `kept`: a list with a piece of memory, freed just before RX's buffer is allocated in its place.
    """

    def __init__(self, name, info, state, kept=None):
        bluetooth.BLE().irq(aioble.core.ble_irq)  # aioble does it once, and `stop` takes it away
        aioble.config(mtu=_MTU, gap_name=name)
        service = aioble.Service(bluetooth.UUID(_SERVICE))
        self._name = name
        self._uuid = service.uuid
        self._tx = _Shown(service, _TX, _nothing, _SMALLEST_CHUNK)
        self._rx = _Shown(service, _RX, _nothing, _SMALLEST_CHUNK, append=True)
        self._state = _Shown(service, _STATE, lambda connection: state(), documents.LARGEST)
        _Shown(service, _INFO, lambda connection: info + documents.info_end(chunk(connection)), documents.LARGEST)
        aioble.register_services(service)
        if kept:  # not earlier: something else would be allocated in the middle of its place
            kept.clear()
            gc.collect()
        bluetooth.BLE().gatts_set_buffer(self._rx._value_handle, framing.HEADER + framing.LARGEST, True)

    async def phone(self, beat):
        """Advertise until a phone has connected; returns aioble's connection. Raises OSError."""
        while True:
            beat()
            try:
                connection = await aioble.advertise(
                    _ADVERTISE_US, name=self._name, services=(self._uuid,), timeout_ms=_ADVERTISE_MS
                )
            except asyncio.TimeoutError:
                continue
            if connection is None:
                raise asyncio.CancelledError  # aioble swallowed it
            # A phone that came between two rounds is found by the second, which advertises: one phone at a time.
            bluetooth.BLE().gap_advertise(None)
            return connection

    async def received(self, connection):
        """What the phone has written, b"" when nothing came for a second. Raises OSError when it has gone."""
        if not connection.is_connected():
            raise OSError(errno.ENOTCONN)
        try:
            with connection.timeout(_LOOK_MS):
                await self._rx.written()
        except asyncio.TimeoutError:
            pass  # the caller has its own clocks to look at
        except aioble.DeviceDisconnectedError:
            raise OSError(errno.ENOTCONN)
        return self._rx.read()

    def clear(self):
        """Discard what a phone has written, before the next one comes."""
        self._rx.read()

    async def send(self, connection, frame, beat):
        """Notify the phone of `frame` on TX. Raises OSError, also when the phone takes it too slowly."""
        since_ms = time.ticks_ms()
        for piece in framing.chunks(frame, chunk(connection)):
            beat()  # `received` is not called meanwhile
            if ticks.elapsed_ms(time.ticks_ms(), since_ms) > _SLOWEST_MS:
                raise OSError(errno.ETIMEDOUT)
            await _notify(self._tx, connection, piece)

    async def tell_state(self, connection, sequence, code):
        """Notify the phone that STATE has changed. Raises OSError."""
        await _notify(self._state, connection, bytes((sequence, code)))

    async def asked(self):
        """Wait until a phone asks for that notification, by writing STATE."""
        await self._state.written()


def chunk(connection):
    """How many bytes one write or notification carries on this connection."""
    mtu = connection.mtu if connection else None  # None until it is agreed on
    return min(mtu, _MTU) - _ATT_HEADER if mtu else _SMALLEST_CHUNK


async def hang_up(connection):
    """End the connection. Raises OSError when the stack does not."""
    try:
        await connection.disconnect()
    except asyncio.TimeoutError:
        raise OSError(errno.ETIMEDOUT)


def stop():
    """Switch the radio off, which frees its buffers."""
    aioble.stop()
    bluetooth.BLE().irq(None)


async def _notify(characteristic, connection, data):
    since_ms = time.ticks_ms()
    while ticks.elapsed_ms(time.ticks_ms(), since_ms) < _STUCK_MS:
        if not connection.is_connected():
            raise OSError(errno.ENOTCONN)
        try:
            characteristic.notify(connection, data)
            return
        except OSError as failure:
            if failure.errno != errno.ENOMEM:
                raise
        await asyncio.sleep_ms(_PAUSE_MS)
    raise OSError(errno.ETIMEDOUT)
