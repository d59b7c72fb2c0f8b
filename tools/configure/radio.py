"""Bluetooth of this machine, by bleak: devices that wait for settings, and a connection to one. No protocol in it."""

import asyncio
import contextlib
import logging
import sys
from typing import NamedTuple

from bleak import BleakClient, BleakScanner
from bleak.exc import BleakBluetoothNotAvailableError, BleakBluetoothNotAvailableReason, BleakError

from tools.configure.trouble import Trouble

SERVICE = "5704246a-5d4c-4f19-9b53-157d8824063d"
TX = "15ba8b82-df9a-46dc-865a-177a17ad9035"
RX = "20a62cd0-93ba-41e2-96b0-31b1aa131909"
STATE = "3a21768b-174a-41bc-8b25-b9c1ebfb7510"
INFO = "43c5e37d-b664-4b4a-aa33-032bbaf7133f"

_OPEN_S = 30
_CALL_S = 10
_CLOSE_S = 5
_NOTE_OF_STATE = 2  # bytes; what is read may come by the same way, and is longer
# What a system says that has no Bluetooth, or keeps it from us: words of D-Bus, BlueZ and Windows.
_NOT_ALLOWED = ("AccessDenied", "NotAuthorized", "NotPermitted")
_OFF = ("NotReady", "org.bluez.Error.NotAvailable", "not ready for use")
_ABSENT = ("ServiceUnknown", "NameHasNoOwner", "Spawn", "NoServer", "FileNotFound")

# Its warnings are about what is caught here and told in plain words.
logging.getLogger("bleak").setLevel(logging.CRITICAL)


class Seen(NamedTuple):
    """A device that advertises: `name`, `address` (on macOS not the real one), `rssi` in dBm, bleak's `device`."""

    name: str
    address: str
    rssi: int
    device: object


async def scan(seconds, on_seen=lambda seen: None, enough=lambda seen: False):
    """The devices in CONFIG, the strongest first; earlier when `enough(Seen)`. Raises Trouble."""
    found = {}
    done = asyncio.Event()

    def detected(device, advertised):
        if SERVICE not in advertised.service_uuids:
            return
        name = advertised.local_name or device.name or ""
        seen = found[device.address] = Seen(name, device.address, advertised.rssi, device)
        on_seen(seen)
        if enough(seen):
            done.set()

    with _told():
        # On macOS a service must be asked for by name; elsewhere it makes less work.
        async with BleakScanner(detected, service_uuids=[SERVICE]):
            with contextlib.suppress(asyncio.TimeoutError):
                await asyncio.wait_for(done.wait(), seconds)
    return sorted(found.values(), key=lambda seen: -seen.rssi)


class Connection:
    """`on_data(bytes)`: what TX notifies; `on_state()`: STATE has changed; `on_lost()`. All are set before `open`."""

    def __init__(self, seen):
        self.on_data = self.on_state = self.on_lost = lambda *_: None
        self._seen = seen
        self._client = None

    @property
    def is_open(self):
        return self._client is not None and self._client.is_connected

    async def open(self):
        """Connect and subscribe. Raises Trouble."""
        client = BleakClient(self._seen.device, disconnected_callback=self._lost, timeout=_OPEN_S)
        with _told():
            async with _limit(_OPEN_S + _CALL_S):
                await client.connect()
                self._client = client
                await client.start_notify(TX, lambda _, data: self.on_data(bytes(data)))
                await client.start_notify(STATE, lambda _, data: len(data) == _NOTE_OF_STATE and self.on_state())

    async def write(self, data):
        """One write with response."""
        await self._do(lambda client: client.write_gatt_char(RX, data, response=True))

    async def read(self, uuid):
        """The bytes of a characteristic."""
        return bytes(await self._do(lambda client: client.read_gatt_char(uuid)))

    async def close(self):
        client, self._client = self._client, None
        if client is None:
            return
        with contextlib.suppress(BleakError, OSError, EOFError, asyncio.TimeoutError):
            await asyncio.wait_for(client.disconnect(), _CLOSE_S)

    async def _do(self, call):
        if not self.is_open:
            raise Trouble("link_lost")
        with _told():
            async with _limit(_CALL_S):
                return await call(self._client)

    def _lost(self, client):
        if client is self._client:
            self._client = None
            self.on_lost()


@contextlib.asynccontextmanager
async def _limit(seconds):
    """As asyncio.timeout of Python 3.11."""
    task = asyncio.current_task()
    expired = []
    timer = asyncio.get_running_loop().call_later(seconds, lambda: (expired.append(1), task.cancel()))
    try:
        yield
    except asyncio.CancelledError:
        if not expired:
            raise
        raise Trouble("no_answer") from None
    finally:
        timer.cancel()


@contextlib.contextmanager
def _told():
    """What bleak and the system raise, as Trouble."""
    try:
        yield
    except BleakBluetoothNotAvailableError as error:
        raise Trouble(_kind_of(error.reason), sentence=_sentence(error)) from error
    except asyncio.TimeoutError as error:
        raise Trouble("no_answer") from error
    except (BleakError, OSError, EOFError) as error:
        raise Trouble(_kind_in(error), sentence=_sentence(error)) from error


def _kind_of(reason):
    reasons = BleakBluetoothNotAvailableReason
    if reason == reasons.POWERED_OFF:
        return "bluetooth_off"
    denied = (reasons.DENIED_BY_USER, reasons.DENIED_BY_SYSTEM, reasons.DENIED_BY_UNKNOWN)
    return "not_allowed" if reason in denied else "no_adapter"


def _kind_in(error):
    words = f"{type(error).__name__} {error}"
    for kind, signs in (("not_allowed", _NOT_ALLOWED), ("bluetooth_off", _OFF), ("no_adapter", _ABSENT)):
        if any(sign in words for sign in signs):
            return kind
    # On Linux an OSError comes from the socket of D-Bus: no service listens there.
    return "no_adapter" if isinstance(error, OSError) and sys.platform == "linux" else "link_lost"


def _sentence(error):
    if isinstance(error, OSError) and error.strerror:
        where = "the system's D-Bus, by which Bluetooth is reached: " if sys.platform == "linux" else ""
        return where + error.strerror
    words = error.args[0] if error.args and isinstance(error.args[0], str) else str(error)
    return words.strip()
