"""The simulated `bluetooth` behaves as the esp32 port's: the stack, its events, its connections."""

import simulation
from bluetooth import BLE, UUID

from bluetooth_desk import (
    EALREADY,
    EINVAL,
    ENODEV,
    ENOMEM,
    NOT_CONNECTED,
    PLAIN,
    READ_WRITE,
    Events,
    connected,
    errno_of,
    fresh,
)
from harness import equal, raises


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


def test_mtu_is_exchanged_once_by_either_side():
    ble, events, _ = fresh(READ_WRITE)
    ble.config(mtu=200)
    phone = connected(ble, events)
    ble.gattc_exchange_mtu(0)
    equal(events.take(), [(21, 0, 200)])
    equal(phone.mtu, 200)
    equal(errno_of(lambda: ble.gattc_exchange_mtu(0)), EALREADY)


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
