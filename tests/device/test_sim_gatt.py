"""The simulated GATT server behaves as the esp32 port's: buffers, permissions, notifications."""

import bluetooth
import simulation
from bluetooth import UUID
from simulated.radio_alone import AttError

from bluetooth_desk import (
    ALL,
    EBUSY,
    EINVAL,
    ENOMEM,
    NOT_CONNECTED,
    OTHER,
    PLAIN,
    READ_WRITE,
    SERVICE,
    connected,
    errno_of,
    fresh,
)
from harness import equal, raises


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
