"""What the firmware relies on in aioble: true for micropython-lib's own and for the stand-in."""

import asyncio

import aioble
import bluetooth
import simulation
from aioble.device import DeviceTimeout

from harness import equal, raises

FRESH = True  # aioble keeps its state in its modules

SERVICE = bluetooth.UUID("5704246a-5d4c-4f19-9b53-157d8824063d")
TX = bluetooth.UUID("15ba8b82-df9a-46dc-865a-177a17ad9035")
RX = bluetooth.UUID("20a62cd0-93ba-41e2-96b0-31b1aa131909")

radio = simulation.world.radio


async def turns(count=10):
    """Let the other tasks run."""
    for _ in range(count):
        await asyncio.sleep_ms(0)


async def connect(**keywords):
    """(phone, connection)"""
    keywords["interval_us"] = 100000
    waiting = asyncio.create_task(aioble.advertise(**keywords))
    await turns()
    phone = radio.phone()
    phone.connect()
    return phone, await waiting


def serve(**keywords):
    """A registered characteristic RX."""
    service = aioble.Service(SERVICE)
    rx = aioble.Characteristic(service, RX, **keywords)
    aioble.register_services(service)
    return rx


async def test_advertise_returns_the_connection():
    phone, connection = await connect(name="thing")
    equal(connection.is_connected(), True)
    equal(connection.device.addr_hex(), "f0:f1:f2:f3:f4:f5")
    equal(str(connection.device), "Device(ADDR_RANDOM, f0:f1:f2:f3:f4:f5, CONNECTED)")
    equal(connection.device, aioble.Device(aioble.ADDR_RANDOM, "f0:f1:f2:f3:f4:f5"))
    equal(connection.mtu, None)
    phone.exchange_mtu(185)
    equal(connection.mtu, 185)


async def test_fields_fill_the_advertisement_then_the_scan_response():
    await connect(name="thing-123456", services=[SERVICE, bluetooth.UUID(0x180F)], appearance=128)
    radio.stop_advertising()
    waiting = asyncio.create_task(aioble.advertise(50000, name="thing-123456", services=[SERVICE]))
    await turns()
    interval_us, data, response, connectable = radio.advertising
    equal((interval_us, connectable), (50000, True))
    equal(data, b"\x02\x01\x06\x11\x07" + bytes(SERVICE))
    equal(response, b"\x0d\x09thing-123456")
    waiting.cancel()


async def test_advertisement_has_room_for_30_bytes():
    await connect(name="x" * 25)
    equal(len(radio._data[0]), 30)
    await raises(ValueError, aioble.advertise(100000, name="x" * 29))


async def test_advertising_ends_after_its_time():
    await raises(asyncio.TimeoutError, aioble.advertise(100000, name="thing", timeout_ms=20))
    equal(radio.advertising, None)


async def test_advertising_that_is_cancelled_swallows_it():
    waiting = asyncio.create_task(aioble.advertise(100000, name="thing"))
    await turns()
    waiting.cancel()
    equal(await waiting, None)
    equal(radio.advertising, None)


async def test_end_of_the_connection_wakes_whoever_waits_for_it():
    phone, connection = await connect(name="thing")
    waiting = asyncio.create_task(connection.disconnected())
    await turns()
    phone.disconnect()
    await waiting
    equal(connection.is_connected(), False)
    equal(connection.device._connection, None)
    await connection.disconnected()


async def test_disconnecting_by_the_device():
    phone, connection = await connect(name="thing")
    async with connection:
        equal(phone.connection, 0)
    equal(phone.connection, None)
    equal(connection.is_connected(), False)


async def test_wait_ends_with_the_connection_or_after_its_time():
    phone, connection = await connect(name="thing")

    async def wait(timeout_ms):
        with connection.timeout(timeout_ms):
            await asyncio.sleep(100)

    async def wait_until_lost():
        await raises(aioble.DeviceDisconnectedError, wait(None))

    await raises(asyncio.TimeoutError, wait(20))
    waiting = asyncio.create_task(wait_until_lost())
    await turns()
    phone.disconnect()
    await waiting
    with DeviceTimeout(None, None):
        pass


async def test_written_tells_the_connection_and_several_writes_may_count_as_one():
    rx = serve(write=True)
    phone, connection = await connect(name="thing")
    phone.write(RX, b"one")
    phone.write(RX, b"two")
    equal(await rx.written(), connection)
    equal(rx.read(), b"two")
    await raises(asyncio.TimeoutError, rx.written(timeout_ms=20))


async def test_capture_keeps_each_write_and_the_order_across_characteristics():
    service = aioble.Service(SERVICE)
    rx = aioble.Characteristic(service, RX, write=True, capture=True)
    tx = aioble.Characteristic(service, TX, write=True, capture=True)
    aioble.register_services(service)
    phone, connection = await connect(name="thing")
    for uuid, data in ((RX, b"1"), (TX, b"2"), (RX, b"3")):
        phone.write(uuid, data)
    equal(await rx.written(), (connection, b"1"))
    equal(await tx.written(), (connection, b"2"))
    equal(await rx.written(), (connection, b"3"))


async def test_capture_loses_the_oldest_of_more_than_ten():
    rx = serve(write=True, capture=True)
    phone, connection = await connect(name="thing")
    for number in range(12):
        phone.write(RX, b"%d" % number)
    for number in range(2, 12):
        equal(await rx.written(), (connection, b"%d" % number))
    await raises(asyncio.TimeoutError, rx.written(timeout_ms=20))


async def test_buffered_characteristic_loses_its_first_value_and_appends():
    service = aioble.Service(SERVICE)
    rx = aioble.BufferedCharacteristic(service, RX, write=True, read=True, initial=b"gone", max_len=10, append=True)
    equal(rx.read(), b"gone")
    aioble.register_services(service)
    equal(rx.read(), b"")
    phone, connection = await connect(name="thing")
    phone.write(RX, b"0123456")
    phone.write(RX, b"789abc")
    equal(await rx.written(), connection)
    equal(rx.read(), b"0123456789")
    equal(rx.read(), b"")


async def test_first_value_of_a_plain_characteristic_may_be_longer_than_20_bytes():
    serve(read=True, initial=b"x" * 30)
    phone, _ = await connect(name="thing")
    equal(phone.read(RX), b"x" * 30)


async def test_on_read_fills_in_the_value_or_refuses():
    class Counter(aioble.Characteristic):
        reads = 0

        def on_read(self, connection):
            self.reads += 1
            self.write(b"%d" % self.reads)
            return 0

    service = aioble.Service(SERVICE)
    Counter(service, RX, read=True)
    aioble.register_services(service)
    phone, _ = await connect(name="thing")
    equal(phone.read(RX), b"1")
    equal(phone.read(RX), b"2")


async def test_notification_and_its_errors():
    tx = serve(notify=True)
    phone, connection = await connect(name="thing")
    phone.subscribe(RX)
    tx.notify(connection, b"hello")
    tx.write(b"value", send_update=True)
    tx.notify(connection)
    equal(phone.notifications(RX), [b"hello", b"value", b"value"])
    radio.congested = True
    equal(raises(OSError, lambda: tx.notify(connection, b"x")).errno, 12)
    radio.congested = False
    await raises(ValueError, tx.indicate(connection, b"x"))
    phone.disconnect()
    equal(raises(OSError, lambda: tx.notify(connection, b"x")).errno, -128)


async def test_indication_returns_when_acknowledged():
    tx = serve(indicate=True)
    phone, connection = await connect(name="thing")
    phone.subscribe(RX)
    await tx.indicate(connection, b"sure")
    equal(phone.notifications(RX), [b"sure"])
    raises(ValueError, lambda: tx.notify(connection, b"x"))
    phone.disconnect()
    await connection.disconnected()
    await raises(ValueError, tx.indicate(connection, b"x"))


async def test_device_asks_for_a_larger_mtu():
    _, connection = await connect(name="thing")
    equal(await connection.exchange_mtu(300), 300)


async def test_descriptor_is_read_like_a_characteristic():
    service = aioble.Service(SERVICE)
    tx = aioble.Characteristic(service, TX, read=True, notify=True)
    aioble.Descriptor(tx, bluetooth.UUID(0x2901), read=True, initial="what it is")
    aioble.register_services(service)
    phone, _ = await connect(name="thing")
    equal(phone.read(bluetooth.UUID(0x2901)), b"what it is")


async def test_stop_ends_connections_without_telling_those_who_wait():
    phone, connection = await connect(name="thing")
    aioble.stop()
    equal(phone.connection, None)
    equal(connection.is_connected(), True)
    await raises(asyncio.TimeoutError, connection.disconnected(timeout_ms=20))
    equal(bluetooth.BLE().active(), False)


async def test_everything_again_after_a_stop():
    for _ in range(2):
        rx = serve(write=True, capture=True)
        phone, connection = await connect(name="thing")
        phone.write(RX, b"hello")
        equal(await rx.written(), (connection, b"hello"))
        phone.disconnect()
        await connection.disconnected()
        aioble.stop()


async def test_config_starts_the_stack():
    aioble.config(mtu=100)
    equal(bluetooth.BLE().active(), True)
    equal(aioble.config("mtu"), 100)
