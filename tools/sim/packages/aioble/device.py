"""The peer, the connection to it, and waits that end with either."""

import asyncio
import binascii

from micropython import const

from .core import ble, log_error, register_irq_handler

_IRQ_MTU_EXCHANGED = const(21)


class DeviceDisconnectedError(Exception):
    """The connection ended while something waited for it."""


class DeviceTimeout:
    """`with connection.timeout(ms):` ends the wait inside by asyncio.TimeoutError or DeviceDisconnectedError.

    Connection and time may each be None. A connection that had ended before is not noticed.
    """

    def __init__(self, connection, timeout_ms):
        self._connection = connection
        self._timeout_ms = timeout_ms
        self._expired = False
        self._timer = None
        self._task = asyncio.current_task()
        if connection:
            connection._timeouts.append(self)

    def __enter__(self):
        if self._timeout_ms:
            self._timer = asyncio.create_task(self._expire())

    async def _expire(self):
        await asyncio.sleep_ms(self._timeout_ms)
        self._expired = True
        self._task.cancel()

    def __exit__(self, kind, error, traceback):
        if self._connection:
            self._connection._timeouts.remove(self)
        if self._timer and not self._expired:
            self._timer.cancel()
        if kind is not asyncio.CancelledError:
            return
        if self._expired:
            raise asyncio.TimeoutError
        if self._connection and not self._connection.is_connected():
            raise DeviceDisconnectedError


class Device:
    """A peer by its address: 6 bytes, or text with colons."""

    def __init__(self, addr_type, addr):
        self.addr_type = addr_type
        self.addr = addr if len(addr) == 6 else binascii.unhexlify(addr.replace(":", ""))
        self._connection = None

    def __eq__(self, other):
        return (self.addr_type, self.addr) == (other.addr_type, other.addr)

    def __hash__(self):
        return hash((self.addr_type, self.addr))

    def __str__(self):
        kind = "ADDR_RANDOM" if self.addr_type else "ADDR_PUBLIC"
        return "Device(%s, %s%s)" % (kind, self.addr_hex(), ", CONNECTED" if self._connection else "")

    def addr_hex(self):
        """Such as "f0:00:00:00:00:01"."""
        return binascii.hexlify(self.addr, ":").decode()

    async def connect(self, *args, **kwargs):
        raise NotImplementedError("the central role is in no stand-in")


class DeviceConnection:
    """A connection. `mtu` is None until it was exchanged."""

    _connected = {}  # the radio's handle -> connection

    def __init__(self, device):
        self.device = device
        device._connection = self
        self.encrypted = False
        self.authenticated = False
        self.bonded = False
        self.key_size = False
        self.mtu = None
        self._conn_handle = None
        self._event = asyncio.ThreadSafeFlag()  # the radio says it ended
        self._mtu_event = None
        self._task = None
        self._timeouts = []

    async def device_task(self):
        """Runs as long as the connection; then ends every wait for it."""
        await self._event.wait()
        del DeviceConnection._connected[self._conn_handle]
        self._conn_handle = None
        self.device._connection = None
        for timeout in self._timeouts:
            timeout._task.cancel()

    def _run_task(self):
        self._task = asyncio.create_task(self.device_task())

    def is_connected(self):
        """Whether it still stands."""
        return self._conn_handle is not None

    def timeout(self, timeout_ms):
        """A context: what waits inside ends after that time, or with the connection."""
        return DeviceTimeout(self, timeout_ms)

    async def disconnect(self, timeout_ms=2000):
        """End it. Raises asyncio.TimeoutError."""
        await self.disconnected(timeout_ms, disconnect=True)

    async def disconnected(self, timeout_ms=None, disconnect=False):
        """Wait until it has ended. Raises asyncio.TimeoutError."""
        if not self.is_connected():
            return
        if disconnect:
            try:
                ble.gap_disconnect(self._conn_handle)
            except OSError as error:
                log_error("Disconnect", error)
        with DeviceTimeout(None, timeout_ms):
            await self._task

    async def exchange_mtu(self, mtu=None, timeout_ms=1000):
        """Ask the peer for a larger MTU, once per connection; returns the one agreed on."""
        if not self.is_connected():
            raise ValueError("Not connected")
        if mtu:
            ble.config(mtu=mtu)
        if self._mtu_event is None:
            self._mtu_event = asyncio.ThreadSafeFlag()
        ble.gattc_exchange_mtu(self._conn_handle)
        with self.timeout(timeout_ms):
            await self._mtu_event.wait()
        return self.mtu

    async def __aenter__(self):
        return self

    async def __aexit__(self, kind, error, traceback):
        await self.disconnect()

    def __getattr__(self, name):
        if name in ("service", "services", "pair", "l2cap_accept", "l2cap_connect"):
            raise NotImplementedError("DeviceConnection.%s is in no stand-in" % name)
        raise AttributeError(name)


def _device_irq(event, data):
    if event != _IRQ_MTU_EXCHANGED:
        return
    conn_handle, mtu = data
    connection = DeviceConnection._connected.get(conn_handle)
    if connection:
        connection.mtu = mtu
        if connection._mtu_event:
            connection._mtu_event.set()


register_irq_handler(_device_irq, None)
