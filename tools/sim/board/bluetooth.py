"""The esp32 port's `bluetooth`: the peripheral half of NimBLE as MicroPython shows it (extmod/modbluetooth.c,
extmod/nimble/modbluetooth_nimble.c). Events come synchronously, as on that port; error numbers are newlib's.

Not simulated, and says so: the central role (scan, connect, GATT client), L2CAP channels, stored bonds.
"""

import errno
import sys

import simulation
from micropython import const
from simulated.gatt import INDICATE, NOTIFY, READ, READ_NOT_PERMITTED, WRITE, WRITE_NO_RESPONSE, Database, describe
from simulated.uuid import UUID

FLAG_READ = READ
FLAG_WRITE_NO_RESPONSE = WRITE_NO_RESPONSE
FLAG_WRITE = WRITE
FLAG_NOTIFY = NOTIFY
FLAG_INDICATE = INDICATE

_IRQ_CENTRAL_CONNECT = const(1)
_IRQ_CENTRAL_DISCONNECT = const(2)
_IRQ_GATTS_WRITE = const(3)
_IRQ_GATTS_READ_REQUEST = const(4)

_NOBODY = const(0xFFFF)  # the connection handle of a read by the stack itself
_NAME_MAX = const(31)
_ADVERTISING_MAX = const(31)
_MTU_MIN = const(23)
_MTU_MAX = const(527)
_MTU_DEFAULT = const(256)
_SECURITY = ("bond", "mitm", "io", "le_secure")


class BLE:
    """The radio: there is one, `BLE()` is always the same object."""

    _only = None

    def __new__(cls):
        if cls._only is None:
            cls._only = super().__new__(cls)
            cls._only._reset()
        return cls._only

    def _reset(self):
        self._radio = None  # while it is active
        self._handler = None
        self._database = Database()
        self._name = b"MPY ESP32"
        self._mtu = _MTU_DEFAULT
        self._security = {}

    # The stack

    def active(self, on=None):
        """Starts or stops the stack. Starting it again while it runs stops it first, connections and services too."""
        if on is not None:
            self._stop()
            if on:
                self._start()
        return self._radio is not None

    def _start(self):
        self._mtu = _MTU_DEFAULT
        radio = simulation.world.radio
        radio.start(_address(), self)
        self._radio = radio
        radio.set_name(self._name)
        radio.set_mtu(self._mtu)

    def _stop(self):
        # Connections end without an event: the stack counts as inactive from here on.
        radio, self._radio = self._radio, None
        if radio is not None:
            radio.stop()
        self._database.clear()

    def _require(self):
        if self._radio is None:
            raise OSError(errno.ENODEV)
        return self._radio

    def irq(self, handler):
        """`handler(event, data)`; `data` and the buffers in it are valid during the call only."""
        if handler is not None and not callable(handler):
            raise ValueError("invalid handler")
        self._handler = handler

    def config(self, *args, **values):
        """Reads one value, or sets several."""
        if not values:
            if len(args) != 1:
                raise TypeError("must query one param")
            return self._get(args[0])
        if args:
            raise TypeError("can't specify pos and kw args")
        for name, value in values.items():
            if name in _SECURITY:
                self._security[name] = value
            elif name in ("gap_name", "mtu", "addr_mode"):
                getattr(self, "_set_" + name)(value)
            else:
                raise ValueError("unknown config param")

    def _get(self, name):
        if name == "gap_name":
            return self._name
        if name == "mac":
            return self._require().address()
        if name == "mtu":
            self._require()
            return self._mtu
        raise ValueError("unknown config param")

    def _set_gap_name(self, name):
        name = _bytes(name)
        if len(name) > _NAME_MAX:
            raise OSError(errno.EINVAL)
        self._name = name
        if self._radio is not None:
            self._radio.set_name(name)

    def _set_mtu(self, mtu):
        radio = self._require()
        if not _MTU_MIN <= mtu <= _MTU_MAX:
            raise OSError(errno.EINVAL)
        self._mtu = mtu
        radio.set_mtu(mtu)

    def _set_addr_mode(self, mode):
        self._require()
        if mode != 0:
            raise NotImplementedError("only the public address is simulated")

    # Advertising and connections

    def gap_advertise(self, interval_us=500000, adv_data=None, *, resp_data=None, connectable=True):
        """Advertises until somebody connects; `interval_us` None stops it. Data left out are those of last time."""
        radio = self._radio
        if interval_us is None:
            if radio is not None:
                radio.stop_advertising()
            return
        radio = self._require()
        radio.stop_advertising()
        for data in (adv_data, resp_data):
            if data is not None and len(data) > _ADVERTISING_MAX:
                raise OSError(errno.EINVAL)
        adv_data = None if adv_data is None else _bytes(adv_data)
        resp_data = None if resp_data is None else _bytes(resp_data)
        radio.advertise(int(interval_us), adv_data, resp_data, bool(connectable))

    def gap_disconnect(self, conn_handle):
        """True; the event follows. Raises OSError(-128) when there is no such connection."""
        self._require().disconnect(conn_handle)
        return True

    def gap_pair(self, conn_handle):
        """Asks the central to pair; "just works", and no bond is kept."""
        self._require().pair(conn_handle)

    def gap_passkey(self, conn_handle, action, passkey):
        raise NotImplementedError("pairing by passkey is not simulated")

    def gattc_exchange_mtu(self, conn_handle):
        """Begins the exchange; the event follows."""
        self._require().exchange_mtu(conn_handle)

    # The GATT server

    def gatts_register_services(self, services):
        """Replaces all services. Returns a tuple of value handles for each."""
        radio = self._require()
        layout = describe(services)
        handles = radio.register([(_plain(uuid), _plain_attributes(attributes)) for uuid, attributes in layout])
        self._database.register(layout, handles)
        return tuple([tuple(numbers) for numbers in handles])

    def gatts_read(self, value_handle):
        """The value; b"" also for a handle that is not there, or an inactive radio."""
        attribute = self._database.get(value_handle)
        return b"" if attribute is None else attribute.take()

    def gatts_write(self, value_handle, data, send_update=False):
        """Sets the value; `send_update` sends it to whoever subscribed. Returns its length."""
        radio = self._require()
        data = _bytes(data)
        self._database.find(value_handle).write(data)
        if send_update:
            radio.update(value_handle, data)
        return len(data)

    def gatts_notify(self, conn_handle, value_handle, data=None):
        """Sends a notification, also to a peer that did not subscribe; what exceeds the MTU is cut.

        Raises OSError(-128) without connection, OSError(12) while too many wait to be sent.
        """
        self._require().notify(conn_handle, value_handle, self._outgoing(value_handle, data))

    def gatts_indicate(self, conn_handle, value_handle, data=None):
        """Sends an indication; the event follows when it is acknowledged."""
        self._require().indicate(conn_handle, value_handle, self._outgoing(value_handle, data))

    def _outgoing(self, value_handle, data):
        return self.remote_read(_NOBODY, value_handle)[1] if data is None else _bytes(data)

    def gatts_set_buffer(self, value_handle, length, append=False):
        """Sets the size of the value, and clears it; `append` makes writes add up until they are read."""
        self._require()
        self._database.find(value_handle).resize(length, bool(append))

    def __getattr__(self, name):
        if name.startswith("gattc_") or name in ("gap_scan", "gap_connect"):
            raise NotImplementedError("bluetooth.BLE.%s: the central role is not simulated" % name)
        raise AttributeError(name)

    # What the radio calls

    def on_event(self, event, data):
        """An event without an answer. Buffers in it are worthless afterwards, as on the chip."""
        if event in (_IRQ_CENTRAL_CONNECT, _IRQ_CENTRAL_DISCONNECT):
            conn_handle, address_type, address = data
            buffer = bytearray(address)
            self._call_handler(event, (conn_handle, address_type, memoryview(buffer)))
            buffer[:] = b"\xdd" * len(buffer)
        else:
            self._call_handler(event, data)

    def remote_write(self, conn_handle, value_handle, data):
        """A peer writes. Returns the attribute protocol's error, or 0."""
        error = self._database.remote_write(value_handle, data)
        if not error:
            self._call_handler(_IRQ_GATTS_WRITE, (conn_handle, value_handle))
        return error

    def remote_read(self, conn_handle, value_handle):
        """A peer reads. Returns (the attribute protocol's error or 0, value)."""
        attribute = self._database.find(value_handle)
        if conn_handle != _NOBODY and not attribute.flags & READ:
            return READ_NOT_PERMITTED, b""
        error = self._call_handler(_IRQ_GATTS_READ_REQUEST, (conn_handle, value_handle))
        return (int(error) if isinstance(error, int) else 0), attribute.value()

    def _call_handler(self, event, data):
        if self._handler is None:
            return None
        try:
            return self._handler(event, data)
        except Exception as error:  # noqa: BLE001  (the port does the same, and calls this handler no more)
            print("Unhandled exception in IRQ callback handler")
            sys.print_exception(error)
            self._handler = None
            return None


def _address():
    """The Bluetooth address: the base MAC plus 2."""
    base = bytearray(simulation.board.unique_id)
    base[5] = base[5] + 2 & 0xFF
    return bytes(base)


def _bytes(data):
    return data.encode() if isinstance(data, str) else bytes(data)


def _plain(uuid):
    """The UUID's bytes in the order in which it is written."""
    return bytes(reversed(bytes(uuid)))


def _plain_attributes(attributes):
    return [(_plain(uuid), flags, is_descriptor) for uuid, flags, is_descriptor in attributes]


__all__ = ("BLE", "UUID")
