"""The work on a phone's message: slow, and without its phone, the radio or memory; one process with the phone."""

import asyncio
import errno

from ble import codes, server
from ble_desk import Desk, radio, until
from harness import equal

FRESH = True  # aioble keeps its state in its modules
TIMEOUT_S = 30


async def test_slow_work_is_answered_at_once_and_others_wait():
    async with Desk() as desk:
        visitor = await desk.visitor()
        await visitor.hello()
        desk.answer = asyncio.Event()
        equal((await visitor.ask_sealed("APPLY", 5))["code"], codes.IN_PROGRESS)
        equal((await visitor.ask_sealed("APPLY", 5))["code"], codes.IN_PROGRESS)
        equal((await visitor.ask_sealed("STS", 6))["code"], codes.BUSY)
        desk.answer.set()
        _, answer = await visitor.ack()
        equal((answer["id"], answer["code"], answer["late"]), (5, codes.OK, True))
        equal(len(desk.asked), 1)


async def test_work_goes_on_without_its_phone_and_the_next_phone_waits_for_it():
    async with Desk() as desk:
        visitor = await desk.visitor()
        await visitor.hello()
        work = desk.answer = asyncio.Event()
        await visitor.ask_sealed("APPLY", 5)
        visitor.phone.disconnect()
        visitor = await desk.visitor()
        await visitor.hello()
        desk.answer = None
        equal((await visitor.ask_sealed("STS", 5))["code"], codes.BUSY)
        work.set()
        equal((await until_done(visitor))["pkt"], "STS")
        equal([typ for typ, _, _ in desk.asked], ["APPLY", "STS"])


async def until_done(visitor):
    """The answer to STS, asked for under the same id until the device is no longer busy."""
    while True:
        answer = await visitor.ask_sealed("STS", 5)
        if answer["code"] != codes.BUSY:
            return answer


async def test_work_ends_well_though_the_radio_fails_meanwhile():
    advertise = radio.advertise

    def failing(*arguments):
        raise OSError(errno.ENOMEM)

    async with Desk("open") as desk:
        visitor = await desk.visitor()
        work = desk.answer = asyncio.Event()
        await visitor.ask("APPLY", 1)
        radio.advertise = failing
        visitor.phone.disconnect()
        await until(lambda: [name for name, data in desk.events() if data.get("phone", 0) is None])
        working = desk.ble._host._work.task
        work.set()
        await working
        radio.advertise, desk.answer = advertise, None
        equal((await (await desk.visitor()).ask("STS", 1))["code"], codes.OK)


async def test_work_for_which_there_is_no_memory_is_not_begun_and_blocks_nothing():
    begin = asyncio.create_task

    def exhausted(_):
        asyncio.create_task = begin
        raise MemoryError

    async with Desk("open") as desk:
        visitor = await desk.visitor()
        asyncio.create_task = exhausted
        visitor.write_clear({"typ": "STS", "id": 1, "dat": {}})
        await until(lambda: not visitor.is_connected)
        equal((await (await desk.visitor()).ask("STS"))["code"], codes.OK)


async def test_memory_of_a_large_message_is_free_for_the_work_on_it():
    async with Desk("open") as desk:
        visitor = await desk.visitor()
        desk.answer = asyncio.Event()
        dat = {"text": "x" * 5000}
        equal((await visitor.ask("APP", 1, dat))["code"], codes.IN_PROGRESS)
        equal(len(desk.ble._host.parser._view) < 1000, True)


async def test_phone_is_waited_for_longer_once_it_is_known_and_as_long_as_its_work_takes():
    server.STRANGER_MS = 300
    async with Desk("open") as desk:
        visitor = await desk.visitor()
        equal((await visitor.ask("STS", 1))["code"], codes.OK)
        await asyncio.sleep_ms(1800)  # a look, and the farewell
        equal(visitor.is_connected, True)
        server.IDLE_MS = 300
        work = desk.answer = asyncio.Event()
        await visitor.ask("APPLY", 2)
        await asyncio.sleep_ms(1800)  # a look, and the farewell
        equal(visitor.is_connected, True)
        work.set()
        await until(lambda: not visitor.is_connected)


async def test_rubbish_keeps_no_stranger_in():
    server.STRANGER_MS = 300
    async with Desk() as desk:
        visitor = await desk.visitor()

        def is_out():
            if visitor.is_connected:
                visitor.write(b"?")
            return not visitor.is_connected

        await until(is_out)
