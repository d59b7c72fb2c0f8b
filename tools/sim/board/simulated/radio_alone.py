"""The Bluetooth radio of a board without a host process, and phones in the same process: for tests of single modules.

    phone = simulation.world.radio.phone()
    phone.connect()
    phone.exchange_mtu(247)
    phone.subscribe(uuid)
    phone.write(uuid, b"hello")

Nothing takes time here: a phone's call returns when the device's interrupt handler has run.
"""

from simulated.gatt import INDICATE, NOTIFY

NOT_CONNECTED = -128  # the port keeps ENOTCONN, 128, in a signed byte
EALREADY = 120
EBUSY = 16
ENOMEM = 12

_FIRST_HANDLE = 16  # the first ones are the stack's own services
_CONNECTIONS = 4
_LONGEST_VALUE = 512


class AttError(Exception):
    """The device refused what the phone asked; `args[0]` is the attribute protocol's number."""


class Radio:
    """What `bluetooth.BLE` drives, and where a test gets its phones. `congested` True: no buffer is free."""

    def __init__(self, _board):
        self.congested = False
        self.advertising = None  # (interval_us, data, response, connectable) while it advertises
        self._listener = None
        self._phones = {}
        self._forget()

    def _forget(self):
        self.name = None
        self.mtu = None
        self.advertising = None
        self._data = [b"", b""]
        self._services = []
        self._flags = {}

    def phone(self, address=b"\xf0\xf1\xf2\xf3\xf4\xf5"):
        """A phone in range."""
        return Phone(self, address)

    # The device's side

    def start(self, address, listener):
        self._address = address
        self._listener = listener

    def stop(self):
        self._listener = None
        phones, self._phones = self._phones, {}
        for phone in phones.values():
            phone._lost()
        self._forget()

    def address(self):
        return 0, self._address

    def set_name(self, name):
        self.name = name

    def set_mtu(self, mtu):
        self.mtu = mtu

    def advertise(self, interval_us, data, response, connectable):
        if connectable and len(self._phones) == _CONNECTIONS:
            raise OSError(ENOMEM)
        for place, new in enumerate((data, response)):
            if new is not None:
                self._data[place] = new
        self.advertising = (interval_us, self._data[0], self._data[1], connectable)

    def stop_advertising(self):
        self.advertising = None

    def disconnect(self, connection):
        self._find(connection)._end()

    def pair(self, connection):
        self._find(connection)
        self._listener.on_event(28, (connection, True, False, False, 16))

    def exchange_mtu(self, connection):
        phone = self._find(connection)
        if phone.mtu_exchanged:
            raise OSError(EALREADY)
        phone._agree(phone.own_mtu)

    def register(self, services):
        if self.advertising or self._phones:
            raise OSError(EBUSY)
        self._services, self._flags = [], {}
        handle, all_handles = _FIRST_HANDLE, []
        for _, attributes in services:
            handles, handle = self._number(attributes, handle + 1)
            all_handles.append(handles)
        return all_handles

    def _number(self, attributes, handle):
        handles = []
        for uuid, flags, is_descriptor in attributes:
            handle += 0 if is_descriptor else 1  # the declaration of a characteristic
            handles.append(handle)
            self._services.append((uuid, handle))
            self._flags[handle] = flags
            notifies = flags & (NOTIFY | INDICATE) and not is_descriptor
            handle += 2 if notifies else 1  # its subscription comes right after it
        return handles, handle

    def update(self, handle, data):
        for phone in list(self._phones.values()):
            if handle in phone.subscribed:
                phone._notified(handle, data)

    def notify(self, connection, handle, data):
        phone = self._find(connection)
        if self.congested:
            raise OSError(ENOMEM)
        phone._notified(handle, data)

    def indicate(self, connection, handle, data):
        self.notify(connection, handle, data)
        self._listener.on_event(20, (connection, handle, 0))

    def _find(self, connection):
        phone = self._phones.get(connection)
        if phone is None:
            raise OSError(NOT_CONNECTED)
        return phone

    # The phones' side

    def _connected(self, phone):
        if self.advertising is None or not self.advertising[3]:
            raise OSError("the device does not advertise")
        self.advertising = None
        connection = 0
        while connection in self._phones:
            connection += 1
        self._phones[connection] = phone
        return connection

    def _disconnected(self, phone):
        del self._phones[phone.connection]
        self._tell(2, (phone.connection, 1, phone.address))

    def _tell(self, event, data):
        self._listener.on_event(event, data)

    def _handle(self, characteristic):
        if isinstance(characteristic, int):
            return characteristic
        uuid = bytes(reversed(bytes(characteristic)))
        for known, handle in self._services:
            if known == uuid:
                return handle
        raise ValueError("the device has no %r" % characteristic)


class Phone:
    """A central. Characteristics are named by UUID or value handle. Refusals of the device raise `AttError`."""

    def __init__(self, radio, address):
        self.address = address
        self.own_mtu = 517
        self._radio = radio
        self._lost()

    def _lost(self):
        self.connection = None  # the device's handle of it
        self.mtu = 23
        self.mtu_exchanged = False
        self.subscribed = set()
        self.ignored = 0  # notifications it had not subscribed to
        self._received = []

    def connect(self):
        """Raises OSError when the device does not advertise."""
        self._lost()
        self.connection = self._radio._connected(self)
        self._radio._tell(1, (self.connection, 1, self.address))

    def disconnect(self):
        """The device hears of it."""
        self._require()._disconnected(self)
        self._lost()

    _end = disconnect

    def exchange_mtu(self, mtu=517):
        """Returns the one agreed on."""
        self._require()
        self._agree(mtu)
        return self.mtu

    def _agree(self, mtu):
        self.mtu_exchanged = True
        self.mtu = max(23, min(mtu, self._radio.mtu))
        self._radio._tell(21, (self.connection, self.mtu))

    def subscribe(self, characteristic):
        """From now on its notifications are kept for `notifications`."""
        self.subscribed.add(self._require()._handle(characteristic))

    def notifications(self, characteristic):
        """What has come since the last call, a list of bytes."""
        handle = self._require()._handle(characteristic)
        found = [data for source, data in self._received if source == handle]
        self._received = [item for item in self._received if item[0] != handle]
        return found

    def write(self, characteristic, data, response=True):
        """As a phone does it: what exceeds the MTU goes in pieces that the device puts together, up to 512 bytes."""
        radio = self._require()
        if len(data) > (_LONGEST_VALUE if response else self.mtu - 3):
            raise ValueError("%d bytes are too long to be written" % len(data))
        error = radio._listener.remote_write(self.connection, radio._handle(characteristic), bytes(data))
        if error and response:
            raise AttError(error)

    def read(self, characteristic):
        """The whole value."""
        radio = self._require()
        error, value = radio._listener.remote_read(self.connection, radio._handle(characteristic))
        if error:
            raise AttError(error)
        return value

    def _notified(self, handle, data):
        if handle in self.subscribed:
            self._received.append((handle, bytes(data[: self.mtu - 3])))
        else:
            self.ignored += 1

    def _require(self):
        if self.connection is None:
            raise OSError("the phone is not connected")
        return self._radio
