"""A started Bluetooth stack, a phone, and what the interrupt handler was told."""

import bluetooth
import simulation
from bluetooth import BLE, UUID

from harness import raises

SERVICE = UUID("5704246a-5d4c-4f19-9b53-157d8824063d")
PLAIN = UUID("15ba8b82-df9a-46dc-865a-177a17ad9035")
OTHER = UUID("20a62cd0-93ba-41e2-96b0-31b1aa131909")

ENODEV = 19
EINVAL = 22
EBUSY = 16
ENOMEM = 12
EALREADY = 120
NOT_CONNECTED = -128

READ_WRITE = bluetooth.FLAG_READ | bluetooth.FLAG_WRITE
ALL = READ_WRITE | bluetooth.FLAG_NOTIFY | bluetooth.FLAG_INDICATE


class Events:
    """Records what the interrupt handler gets; `answer` is what it returns."""

    def __init__(self):
        self.seen = []
        self.answer = None

    def __call__(self, event, data):
        self.seen.append((event,) + tuple([bytes(x) if isinstance(x, memoryview) else x for x in data]))
        return self.answer

    def take(self):
        seen, self.seen = self.seen, []
        return seen


def fresh(*flags):
    """(ble, events, handles): an active stack with one service of characteristics with these flags."""
    ble, events = BLE(), Events()
    ble.active(False)
    ble.active(True)
    ble.irq(events)
    uuids = (PLAIN, OTHER)
    characteristics = tuple([(uuids[place], flag) for place, flag in enumerate(flags)])
    (handles,) = ble.gatts_register_services(((SERVICE, characteristics),))
    return ble, events, handles


def connected(ble, events):
    """A phone that has connected; its events are taken."""
    ble.gap_advertise(100000, b"\x02\x01\x06")
    phone = simulation.world.radio.phone()
    phone.connect()
    events.take()
    return phone


def errno_of(call):
    return raises(OSError, call).errno
