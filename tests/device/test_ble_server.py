"""The BLE server: finding it, its characteristics, who is let in and who has to go; one process with the phone."""

import asyncio
import errno
import gc
import json

from simulated.radio_alone import AttError

from ble import codes, documents, framing, gatt, messages, server
from ble_desk import INFO, NAME, RX, STATE, TX, Desk, radio, until
from harness import equal, raises

FRESH = True  # aioble keeps its state in its modules
TIMEOUT_S = 30


async def test_device_is_found_by_service_and_name():
    async with Desk():
        _, data, response, connectable = radio.advertising
        equal(data[3:5], b"\x11\x07")
        equal(bytes(reversed(data[5:])).hex(), "5704246a5d4c4f199b53157d8824063d")
        equal((response[2:], radio.name, connectable), (NAME.encode(), NAME.encode(), True))


async def test_info_says_who_it_is_and_how_much_fits():
    async with Desk() as desk:
        visitor = await desk.visitor(mtu=None)
        expected = {"proto": 1, "name": NAME, "hardware": "esp32-test", "version": "1.2.3", "security": "code"}
        expected["chunk"] = 20
        equal(json.loads(visitor.phone.read(INFO)), expected)
        visitor.phone.exchange_mtu(185)
        expected["chunk"] = 182
        equal(json.loads(visitor.phone.read(INFO)), expected)


async def test_what_a_phone_writes_is_never_read_back():
    async with Desk() as desk:
        visitor = await desk.visitor()
        before = {uuid: visitor.phone.read(uuid) for uuid in (TX, RX, STATE, INFO)}
        equal((before[TX], before[RX]), (b"", b""))
        for uuid in (TX, RX, STATE, INFO):
            visitor.phone.write(uuid, b"x" * 300)
            equal(visitor.phone.read(uuid), before[uuid])


async def test_half_a_message_of_one_phone_is_not_the_next_one_s():
    async with Desk("open") as desk:
        visitor = await desk.visitor()
        frame = framing.frame(framing.CLEAR, b'{"typ":"RST","id":1,"dat":{}}')
        visitor.write(frame[:20])
        visitor.phone.disconnect()
        visitor = await desk.visitor()
        visitor.write(frame[20:])
        equal((await visitor.ask("STS", 1))["pkt"], "STS")
        equal([typ for typ, _, _ in desk.asked], ["STS"])


async def test_state_is_told_in_two_bytes_and_read_as_json():
    async with Desk() as desk:
        visitor = await desk.visitor()
        expected = {"mode": "CONFIG", "step": "waiting", "code": 0, "message": "", "last": None}
        equal(json.loads(visitor.phone.read(STATE)), expected)
        last = {"code": 6, "message": "Wi-Fi 'home' refused the password."}
        await desk.ble.set_state("failed", 6, "No.", last)
        await desk.ble.set_state("waiting")
        equal(visitor.phone.notifications(STATE), [b"\x01\x06", b"\x02\x00"])
        expected["last"] = last
        equal(json.loads(visitor.phone.read(STATE)), expected)
        visitor.phone.write(STATE, b"?")
        equal(await until(lambda: visitor.phone.notifications(STATE)), [b"\x02\x00"])


async def test_state_is_never_longer_than_a_characteristic():
    async with Desk() as desk:
        visitor = await desk.visitor()
        await desk.ble.set_state("failed", 12, "\u00e9" * 1000, {"code": 12, "message": "\x01" * 1000})
        state = visitor.phone.read(STATE)
        document = json.loads(state)
        equal((len(state) <= 512, document["message"][:5], document["last"]["code"]), (True, "\u00e9" * 5, 12))
        await desk.ble.set_state("failed", 12, "why", {"code": 12, "more": "x" * 1000})
        equal(json.loads(visitor.phone.read(STATE))["last"], None)


async def test_answers_wait_while_the_stack_has_no_buffer():
    async with Desk("open") as desk:
        visitor = await desk.visitor(mtu=None)
        radio.congested = True
        visitor.write_clear({"typ": "STS", "id": 1, "dat": {}})
        await until(lambda: desk.asked)
        await asyncio.sleep_ms(50)
        equal((visitor.silent(), visitor.is_connected), (True, True))
        radio.congested = False
        equal((await visitor.ack())[1]["code"], codes.OK)


async def test_phone_that_takes_nothing_is_disconnected():
    async with Desk("open") as desk:
        visitor = await desk.visitor()
        radio.congested = True
        visitor.write_clear({"typ": "STS", "id": 1, "dat": {}})
        await until(lambda: not visitor.is_connected, 9000)
        radio.congested = False
        equal((await (await desk.visitor()).ask("STS", 1))["code"], codes.OK)


async def test_connection_that_the_stack_does_not_know_is_given_up_at_once():
    def unknown(*_):
        raise OSError(128)

    notify, radio.notify = radio.notify, unknown
    async with Desk("open") as desk:
        (await desk.visitor()).write_clear(b"rubbish")
        await until(lambda: radio.advertising)
        reasons = [data["reason"] for name, data in desk.events() if name == "ble.disconnected"]
        equal(reasons, ["the phone has gone"])
    radio.notify = notify


async def test_device_shows_signs_of_life_while_it_searches_what_a_hostile_phone_sent():
    false = b"\xa5\x01\x0b\xb8\xff\xff"  # a header every six bytes, each of a message of 3000: 75 s of CRC on a chip
    async with Desk() as desk:
        visitor = await desk.visitor()
        before = desk.beats
        visitor.write(false * 1000)
        equal((await visitor.ack())[1]["code"], codes.BAD_CRC)
        await until(lambda: desk.beats - before > 500, 9000)
        equal(visitor.is_connected, True)


async def test_phone_whose_message_leaves_no_memory_is_disconnected_and_may_come_again():
    parse, frame = messages.parse, framing.frame

    def exhausted(*_):
        raise MemoryError

    async with Desk("open") as desk:
        visitor = await desk.visitor()
        messages.parse = exhausted
        visitor.write_clear({"typ": "STS", "id": 1, "dat": {}})
        await until(lambda: radio.advertising)
        messages.parse = parse
        visitor = await desk.visitor()
        desk.answer = asyncio.Event()
        equal((await visitor.ask("APPLY", 1))["code"], codes.IN_PROGRESS)
        framing.frame = exhausted
        desk.answer.set()
        await until(lambda: radio.advertising)
        framing.frame = frame
        reasons = [data["reason"] for name, data in desk.events() if name == "ble.disconnected"]
        equal(reasons, ["no memory for what it sent", "no memory for an answer"])
        desk.answer = None
        equal((await (await desk.visitor()).ask("STS", 1))["code"], codes.OK)


async def test_value_for_which_there_is_no_memory_ends_nothing():
    async with Desk() as desk:
        visitor = await desk.visitor()
        before = visitor.phone.read(INFO)
        end = documents.info_end
        documents.info_end = lambda chunk: bytes(1 << 40)
        equal(raises(AttError, lambda: visitor.phone.read(INFO)).args, (0x11,))  # insufficient resources
        documents.info_end = end
        equal(visitor.phone.read(INFO), before)


class SlowClock:
    """The time of `gatt`: two seconds more with each notification."""

    now_ms = 0

    def ticks_ms(self):
        return self.now_ms


async def test_phone_that_takes_a_message_too_slowly_is_disconnected_while_the_device_shows_signs_of_life():
    notify, clock, pieces = radio.notify, SlowClock(), []

    def slow(*arguments):
        clock.now_ms += 2000
        pieces.append(desk.beats)
        notify(*arguments)

    gatt.time = clock
    async with Desk("open") as desk:
        visitor = await desk.visitor(mtu=None)
        radio.notify = slow
        desk.answer = {"text": "y" * 6000}
        visitor.write_clear({"typ": "STS", "id": 1, "dat": {}})
        await until(lambda: radio.advertising, 9000)
        radio.notify = notify
        equal((len(pieces), pieces[-1] - pieces[0]), (21, 20))
        reasons = [data["reason"] for name, data in desk.events() if name == "ble.disconnected"]
        equal(reasons, ["the phone has gone, or does not take what it is sent"])
        desk.answer = None
        equal((await (await desk.visitor()).ask("STS", 1))["code"], codes.OK)


async def test_advertising_survives_a_radio_that_fails():
    advertise, failures = radio.advertise, [errno.ENOMEM, errno.EALREADY]

    def failing(*arguments):
        if failures:
            raise OSError(failures.pop())
        advertise(*arguments)

    radio.advertise = failing
    async with Desk("open") as desk:
        reasons = [data["reason"] for name, data in desk.events() if name == "ble.disconnected"]
        equal((len(reasons), "Bluetooth failed" in reasons[0]), (2, True))
        equal((await (await desk.visitor()).ask("STS", 1))["code"], codes.OK)


async def test_one_phone_at_a_time():
    async with Desk("open") as desk:
        visitor = await desk.visitor()
        equal(radio.advertising, None)
        await visitor.ask("STS", 1)
        equal(radio.advertising, None)
        visitor.phone.disconnect()
        await until(lambda: radio.advertising)


async def test_phone_that_comes_between_two_rounds_of_advertising_stays_alone():
    advertise, phone = radio.advertise, radio.phone()

    def late(*arguments):
        advertise(*arguments)
        if phone.connection is None:
            phone.connect()  # aioble learns of it when it has begun the next round
            advertise(*arguments)

    radio.advertise = late
    desk = Desk("open")
    desk.task = asyncio.create_task(desk.ble.run(lambda: None))
    await until(desk.events)
    equal((phone.connection, radio.advertising), (0, None))
    await desk.__aexit__()


async def test_what_comes_after_the_farewell_is_not_the_next_phone_s():
    async with Desk() as desk:
        visitor = await desk.visitor()
        await visitor.hello(code=bytes(10))
        visitor.write(await visitor.seal("STS"))
        await visitor.ack()
        visitor.write(framing.frame(framing.CLEAR, bytes(500))[:20])
        visitor = await desk.visitor()
        equal((await visitor.hello())["code"], codes.OK)


async def test_phone_that_says_nothing_is_disconnected():
    server.STRANGER_MS = 100
    async with Desk() as desk:
        visitor = await desk.visitor()
        await until(lambda: radio.advertising)
        equal(visitor.is_connected, False)
        reasons = [data["reason"] for name, data in desk.events() if name == "ble.disconnected"]
        equal(reasons, ["the phone said nothing for too long"])


async def test_device_shows_signs_of_life_while_it_waits_for_a_phone_and_for_its_words():
    async with Desk() as desk:
        equal(desk.beats > 0, True)
        await desk.visitor()
        before = desk.beats
        await until(lambda: desk.beats > before + 1)


async def test_end_switches_the_radio_off_and_gives_the_memory_back():
    during, before = await heap_of_a_visit()  # what is made once for ever is made now
    equal((radio.advertising, radio.name), (None, None))
    during, after = await heap_of_a_visit()
    equal((during - after > 6000, after - before < 500), (True, True))


async def heap_of_a_visit():
    """Bytes allocated while a phone is there, and after the device has switched its radio off."""
    async with Desk("open") as desk:
        visitor = await desk.visitor()
        await visitor.ask("STS", 1)
        del visitor
        gc.collect()
        during = gc.mem_alloc()
    del desk
    gc.collect()
    return during, gc.mem_alloc()


async def test_restart_waits_for_the_phone_but_not_for_long():
    async with Desk("open") as desk:
        visitor = await desk.visitor()
        waiting = asyncio.create_task(desk.ble.gone(60000))
        await asyncio.sleep_ms(20)
        equal(waiting.done(), False)
        visitor.phone.disconnect()
        await waiting
        visitor = await desk.visitor()
        await desk.ble.gone(60)
        equal(visitor.is_connected, True)
