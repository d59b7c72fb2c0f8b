"""The simulated `bluetooth` behaves as the esp32 port's: buffers, events, errors."""

import bluetooth
import simulation
from bluetooth import BLE, UUID
from simulated.radio_alone import AttError

from harness import equal, raises

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


def test_uuid_in_its_forms():
    equal(repr(UUID(0x180F)), "UUID(0x180f)")
    equal(bytes(UUID(0x180F)), b"\x0f\x18")
    text = "5704246a-5d4c-4f19-9b53-157d8824063d"
    equal(repr(UUID(text)), "UUID('%s')" % text)
    equal(UUID(bytes(UUID(text))), UUID(text.upper()))
    equal(len(UUID(text)), 16)
    equal({UUID(0x180F): 1}[UUID(b"\x0f\x18")], 1)
    equal(UUID(1) < UUID(2) < UUID(text), True)
    equal(str(raises(ValueError, lambda: UUID("5704"[:3]))), "UUID too short")
    equal(str(raises(ValueError, lambda: UUID(text + "00"))), "UUID too long")
    equal(str(raises(ValueError, lambda: UUID(text.replace("a", "x")))), "invalid char in UUID")
    equal(str(raises(ValueError, lambda: UUID(0x10000))), "invalid UUID")


def test_there_is_one_radio():
    equal(BLE() is BLE(), True)


def test_inactive_radio_refuses_with_enodev():
    ble = BLE()
    ble.active(False)
    equal(ble.active(), False)
    for call in (
        lambda: ble.gap_advertise(100000),
        lambda: ble.gap_disconnect(0),
        lambda: ble.gatts_register_services(()),
        lambda: ble.gatts_write(16, b"x"),
        lambda: ble.gatts_notify(0, 16, b"x"),
        lambda: ble.gatts_set_buffer(16, 100),
        lambda: ble.config(mtu=100),
        lambda: ble.config("mtu"),
        lambda: ble.config("mac"),
    ):
        equal(errno_of(call), ENODEV)
    ble.gap_advertise(None)
    equal(ble.gatts_read(16), b"")


def test_config_reads_and_sets():
    ble, _, _ = fresh()
    equal(ble.config("mtu"), 256)
    ble.config(mtu=517, gap_name="thing", bond=True, le_secure=True, mitm=False, io=3, addr_mode=0)
    equal(ble.config("mtu"), 517)
    equal(ble.config("gap_name"), b"thing")
    equal(ble.config("mac"), (0, b"\x0a\x1b\x2c\x3d\x4e\x61"))  # the base MAC plus 2
    equal(str(raises(ValueError, lambda: ble.config(rxbuf=1000))), "unknown config param")  # synchronous events
    equal(str(raises(ValueError, lambda: ble.config("bond"))), "unknown config param")
    raises(TypeError, ble.config)
    raises(TypeError, lambda: ble.config("mtu", mtu=100))
    equal(errno_of(lambda: ble.config(mtu=22)), EINVAL)
    equal(errno_of(lambda: ble.config(mtu=528)), EINVAL)
    equal(errno_of(lambda: ble.config(gap_name="x" * 32)), EINVAL)


def test_preferred_mtu_is_forgotten_by_a_restart_of_the_stack_and_the_name_is_not():
    ble, _, _ = fresh()
    ble.config(mtu=100, gap_name="thing")
    ble.active(True)
    equal((ble.config("mtu"), ble.config("gap_name")), (256, b"thing"))


def test_connection_and_its_end_are_events_with_the_address():
    ble, events, _ = fresh(READ_WRITE)
    ble.gap_advertise(100000)
    phone = simulation.world.radio.phone()
    phone.connect()
    equal(events.take(), [(1, 0, 1, b"\xf0\xf1\xf2\xf3\xf4\xf5")])
    equal(simulation.world.radio.advertising, None)
    phone.disconnect()
    equal(events.take(), [(2, 0, 1, b"\xf0\xf1\xf2\xf3\xf4\xf5")])


def test_buffers_of_an_event_are_worthless_after_it():
    ble, _, _ = fresh()
    kept = []
    ble.irq(lambda event, data: kept.append(data))
    connected(ble, Events())
    equal(bytes(kept[0][2]), b"\xdd" * 6)


def test_first_free_connection_handle_is_used_beginning_with_0():
    ble, events, _ = fresh()
    first, second = connected(ble, events), connected(ble, events)
    equal((first.connection, second.connection), (0, 1))
    first.disconnect()
    equal(connected(ble, events).connection, 0)


def test_fifth_connection_has_no_room():
    ble, events, _ = fresh()
    for _ in range(4):
        connected(ble, events)
    equal(errno_of(lambda: ble.gap_advertise(100000)), ENOMEM)


def test_disconnecting_by_the_device():
    ble, events, _ = fresh()
    phone = connected(ble, events)
    equal(ble.gap_disconnect(0), True)
    equal([event[0] for event in events.take()], [2])
    equal(phone.connection, None)
    equal(errno_of(lambda: ble.gap_disconnect(0)), NOT_CONNECTED)


def test_stopping_the_stack_ends_connections_without_an_event_and_forgets_the_services():
    ble, events, (handle,) = fresh(READ_WRITE)
    phone = connected(ble, events)
    ble.active(False)
    equal(events.take(), [])
    equal(phone.connection, None)
    ble.active(True)
    equal(errno_of(lambda: ble.gatts_write(handle, b"x")), EINVAL)


def test_starting_the_stack_twice_begins_anew():
    ble, events, _ = fresh(READ_WRITE)
    phone = connected(ble, events)
    ble.active(True)
    equal(phone.connection, None)
    equal(events.take(), [])


def test_advertising_data_that_is_left_out_is_that_of_last_time():
    ble, _, _ = fresh()
    ble.gap_advertise(100000, b"one", resp_data=b"two")
    ble.gap_advertise(200000)
    equal(simulation.world.radio.advertising, (200000, b"one", b"two", True))
    ble.gap_advertise(None)
    equal(simulation.world.radio.advertising, None)
    equal(errno_of(lambda: ble.gap_advertise(100000, b"x" * 32)), EINVAL)


def test_plain_value_keeps_20_bytes_and_the_write_is_acknowledged():
    ble, events, (handle,) = fresh(READ_WRITE)
    phone = connected(ble, events)
    phone.exchange_mtu(100)
    phone.write(PLAIN, b"0123456789" * 3)
    equal(events.take(), [(21, 0, 100), (3, 0, handle)])
    equal(ble.gatts_read(handle), b"0123456789" * 2)
    equal(ble.gatts_read(handle), b"0123456789" * 2)


def test_own_write_makes_the_buffer_as_large_as_it_needs():
    ble, events, (handle,) = fresh(READ_WRITE)
    phone = connected(ble, events)
    equal(ble.gatts_write(handle, b"x" * 50), 50)
    equal(phone.read(PLAIN), b"x" * 50)
    phone.write(PLAIN, b"y" * 60)
    equal(ble.gatts_read(handle), b"y" * 50)


def test_set_buffer_clears_the_value():
    ble, _, (handle,) = fresh(READ_WRITE)
    ble.gatts_write(handle, b"value")
    ble.gatts_set_buffer(handle, 100)
    equal(ble.gatts_read(handle), b"")


def test_append_buffer_adds_up_until_it_is_read():
    ble, events, (handle,) = fresh(READ_WRITE)
    phone = connected(ble, events)
    ble.gatts_set_buffer(handle, 10, True)
    phone.write(PLAIN, b"abc")
    phone.write(PLAIN, b"def")
    equal(phone.read(PLAIN), b"abcdef")
    equal(ble.gatts_read(handle), b"abcdef")
    equal(ble.gatts_read(handle), b"")


def test_append_buffer_cuts_what_does_not_fit_and_acknowledges_it():
    ble, events, (handle,) = fresh(READ_WRITE)
    phone = connected(ble, events)
    ble.gatts_set_buffer(handle, 10, True)
    phone.write(PLAIN, b"0123456")
    phone.write(PLAIN, b"789abcd")
    phone.write(PLAIN, b"lost")
    equal(events.take(), [(3, 0, handle)] * 3)
    equal(ble.gatts_read(handle), b"0123456789")


def test_flags_are_what_the_peer_may_do():
    ble, events, (readable, writeable) = fresh(bluetooth.FLAG_READ, bluetooth.FLAG_WRITE_NO_RESPONSE)
    phone = connected(ble, events)
    equal(raises(AttError, lambda: phone.write(readable, b"x")).args, (3,))
    equal(raises(AttError, lambda: phone.read(writeable)).args, (2,))
    equal(events.take(), [])
    phone.write(writeable, b"x", response=False)
    equal(events.take(), [(3, 0, writeable)])


def test_handler_may_fill_in_or_refuse_a_read():
    ble, events, (handle,) = fresh(READ_WRITE)
    phone = connected(ble, events)
    ble.irq(lambda event, data: ble.gatts_write(data[1], b"now") and None)
    equal(phone.read(PLAIN), b"now")
    events.answer = 8
    ble.irq(events)
    equal(raises(AttError, lambda: phone.read(PLAIN)).args, (8,))
    equal(events.take(), [(4, 0, handle)])


def test_notification_needs_no_subscription_and_is_cut_at_the_mtu():
    ble, events, (handle,) = fresh(ALL)
    phone = connected(ble, events)
    ble.gatts_notify(0, handle, b"early")
    equal(phone.ignored, 1)
    phone.subscribe(PLAIN)
    ble.gatts_notify(0, handle, b"x" * 30)
    ble.gatts_write(handle, b"kept")
    ble.gatts_notify(0, handle)
    equal(phone.notifications(PLAIN), [b"x" * 20, b"kept"])


def test_send_update_goes_to_subscribers_only():
    ble, events, (handle,) = fresh(ALL)
    phone, other = connected(ble, events), connected(ble, events)
    phone.subscribe(PLAIN)
    ble.gatts_write(handle, b"news", True)
    ble.gatts_write(handle, b"quiet")
    equal(phone.notifications(PLAIN), [b"news"])
    equal(other.ignored, 0)


def test_indication_ends_with_an_event():
    ble, events, (handle,) = fresh(ALL)
    connected(ble, events)
    ble.gatts_indicate(0, handle, b"x")
    equal(events.take(), [(20, 0, handle, 0)])


def test_nobody_to_notify_and_no_buffer_free():
    ble, events, (handle,) = fresh(ALL)
    equal(errno_of(lambda: ble.gatts_notify(0, handle, b"x")), NOT_CONNECTED)
    equal(errno_of(lambda: ble.gatts_indicate(0, handle, b"x")), NOT_CONNECTED)
    connected(ble, events)
    simulation.world.radio.congested = True
    equal(errno_of(lambda: ble.gatts_notify(0, handle, b"x")), ENOMEM)
    simulation.world.radio.congested = False
    ble.gatts_notify(0, handle, b"x")


def test_mtu_is_exchanged_once_by_either_side():
    ble, events, _ = fresh(READ_WRITE)
    ble.config(mtu=200)
    phone = connected(ble, events)
    ble.gattc_exchange_mtu(0)
    equal(events.take(), [(21, 0, 200)])
    equal(phone.mtu, 200)
    equal(errno_of(lambda: ble.gattc_exchange_mtu(0)), EALREADY)


def test_services_cannot_be_replaced_while_advertising_or_connected():
    ble, events, _ = fresh(READ_WRITE)
    ble.gap_advertise(100000)
    equal(errno_of(lambda: ble.gatts_register_services(())), EBUSY)
    connected(ble, events)
    equal(errno_of(lambda: ble.gatts_register_services(())), EBUSY)


def test_registration_checks_what_it_is_given():
    ble, _, _ = fresh()
    for services, words in (
        (((0x180F, ()),), "invalid service UUID"),
        (((SERVICE, ((0x2A00, 2),)),), "invalid characteristic UUID"),
        (((SERVICE, ((PLAIN,),)),), "invalid characteristic tuple"),
        (((SERVICE, ((PLAIN, 2, ((0x2901, 2),)),)),), "invalid descriptor UUID"),
    ):
        equal(str(raises(ValueError, lambda: ble.gatts_register_services(services))), words)
    equal(errno_of(lambda: ble.gatts_register_services(((SERVICE, ()),) * 9)), 7)
    raises(NotImplementedError, lambda: ble.gatts_register_services(((SERVICE, ((PLAIN, 0x1008),)),)))


def test_handles_of_descriptors_follow_their_characteristic():
    ble, _, _ = fresh()
    description = UUID(0x2901)
    (handles,) = ble.gatts_register_services(
        ((SERVICE, ((PLAIN, ALL, ((description, bluetooth.FLAG_READ),)), (OTHER, READ_WRITE))),)
    )
    equal(len(handles), 3)
    equal(sorted(handles), list(handles))
    for handle in handles:
        equal(ble.gatts_write(handle, b"x"), 1)
    equal(errno_of(lambda: ble.gatts_write(handles[0] + 1, b"x")), EINVAL)  # the subscription is the stack's own


def test_handler_that_raises_is_called_no_more():
    ble, events, (handle,) = fresh(READ_WRITE)
    phone = connected(ble, events)
    calls = []

    def broken(event, data):
        calls.append(event)
        raise RuntimeError("broken")

    ble.irq(broken)
    phone.write(PLAIN, b"1")
    phone.write(PLAIN, b"2")
    equal(calls, [3])
    equal(ble.gatts_read(handle), b"2")
    raises(ValueError, lambda: ble.irq(7))


def test_what_is_not_simulated_says_so():
    ble, _, _ = fresh()
    for call in (
        lambda: ble.gap_scan(1000),
        lambda: ble.gap_connect(0, b"123456"),
        lambda: ble.gattc_discover_services(0),
        lambda: ble.gap_passkey(0, 2, 1),
        lambda: ble.config(addr_mode=2),
    ):
        raises(NotImplementedError, call)
