"""Advertising, and the connections that come of it."""

import asyncio
import struct

from micropython import const

from .core import ble, ensure_active, register_irq_handler
from .device import Device, DeviceConnection, DeviceTimeout

_IRQ_CENTRAL_CONNECT = const(1)
_IRQ_CENTRAL_DISCONNECT = const(2)

_PAYLOAD_MAX = const(30)  # the radio could take 31; this is the original's own limit
_FLAGS = const(0x01)
_NAME = const(0x09)
_APPEARANCE = const(0x19)
_MANUFACTURER = const(0xFF)
_COMPLETE_LIST = ((2, 0x03), (4, 0x05), (16, 0x07))  # bytes of a UUID, type of their list

_incoming_connection = None
_connect_event = None


def _peripheral_irq(event, data):
    global _incoming_connection

    if event == _IRQ_CENTRAL_CONNECT:
        conn_handle, addr_type, addr = data
        connection = _incoming_connection = DeviceConnection(Device(addr_type, bytes(addr)))
        connection._conn_handle = conn_handle
        DeviceConnection._connected[conn_handle] = connection
        _connect_event.set()
    elif event == _IRQ_CENTRAL_DISCONNECT:
        connection = DeviceConnection._connected.get(data[0])
        if connection:
            connection._event.set()


def _peripheral_shutdown():
    global _incoming_connection, _connect_event
    _incoming_connection = _connect_event = None


register_irq_handler(_peripheral_irq, _peripheral_shutdown)


class _Payloads:
    """The fields go into the advertisement as long as they fit, then into the scan response."""

    def __init__(self, response):
        self.data = bytearray()
        self.response = response

    def add(self, kind, value):
        field = bytes((len(value) + 1, kind)) + value
        if len(self.data) + len(field) <= _PAYLOAD_MAX:
            self.data += field
            return
        if len(self.response or b"") + len(field) > _PAYLOAD_MAX:
            raise ValueError("Advertising payload too long")
        self.response = bytearray(self.response or b"") + field


def _payloads(response, limited_disc, br_edr, name, services, appearance, manufacturer):
    payloads = _Payloads(response)
    payloads.add(_FLAGS, bytes(((0x01 if limited_disc else 0x02) + (0x18 if br_edr else 0x04),)))
    uuids = [bytes(uuid) for uuid in services or ()]
    for length, kind in _COMPLETE_LIST:
        same = b"".join([uuid for uuid in uuids if len(uuid) == length])
        if same:
            payloads.add(kind, same)
    if name:
        payloads.add(_NAME, name.encode() if isinstance(name, str) else name)
    if appearance:
        payloads.add(_APPEARANCE, struct.pack("<H", appearance))
    if manufacturer:
        payloads.add(_MANUFACTURER, struct.pack("<H", manufacturer[0]) + manufacturer[1])
    return payloads.data, payloads.response


async def advertise(
    interval_us,
    adv_data=None,
    resp_data=None,
    connectable=True,
    limited_disc=False,
    br_edr=False,
    name=None,
    services=None,
    appearance=0,
    manufacturer=None,
    timeout_ms=None,
):
    """Advertise until somebody connects; returns the `DeviceConnection`.

    Raises asyncio.TimeoutError after `timeout_ms`, ValueError when it is too much for 2 x 30 bytes. Cancelled, it
    stops and returns None: the cancellation is swallowed, as by the original.
    """
    global _connect_event, _incoming_connection

    ensure_active()
    if not adv_data and not resp_data:
        adv_data, resp_data = _payloads(resp_data, limited_disc, br_edr, name, services, appearance, manufacturer)
    if _connect_event is None:
        _connect_event = asyncio.ThreadSafeFlag()
    ble.gap_advertise(interval_us, adv_data=adv_data, resp_data=resp_data, connectable=connectable)
    try:
        with DeviceTimeout(None, timeout_ms):
            await _connect_event.wait()
    except asyncio.CancelledError:
        ble.gap_advertise(None)
        return None
    except asyncio.TimeoutError:
        ble.gap_advertise(None)
        raise
    connection, _incoming_connection = _incoming_connection, None
    connection._run_task()
    return connection
