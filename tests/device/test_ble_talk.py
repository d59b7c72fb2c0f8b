"""What a phone may say to the device, in which order, and how it is answered; one process with the phone."""

import asyncio
import errno

import errors
from ble import codes, framing, messages
from ble_desk import CODE, Desk, radio, until
from harness import equal

FRESH = True  # aioble keeps its state in its modules
TIMEOUT_S = 30


async def test_messages_pass_sealed_in_both_directions():
    async with Desk() as desk:
        visitor = await desk.visitor()
        equal((await visitor.hello())["code"], codes.OK)
        desk.answer = {"aps": [{"ssid": "home", "rssi": -50, "secure": True}]}
        answer = await visitor.ask_sealed("SCAN", 7)
        equal((answer["pkt"], answer["id"], answer["code"]), ("SCAN", 7, codes.OK))
        equal(answer["aps"], desk.answer["aps"])
        equal(desk.asked, [("SCAN", 7, {})])
        visitor.phone.disconnect()
        await until(lambda: radio.advertising)
        names = [name for name, data in desk.events() if data["phone"] == "f0:f1:f2:f3:f4:f5"]
        equal(names, ["ble.connected", "ble.authenticated", "ble.disconnected"])


async def test_largest_messages_pass_at_the_smallest_and_the_largest_chunk():
    for mtu, longest in ((None, 20), (512, 509)):
        async with Desk() as desk:
            visitor = await desk.visitor(mtu)
            await visitor.hello()
            desk.answer = {"text": "y" * 5900}
            answer = await visitor.ask_sealed("APP", 1, {"text": "x" * 6000})
            equal((answer["text"], desk.asked[0][2]["text"]), ("y" * 5900, "x" * 6000))
            equal(max(visitor.sizes), longest)


async def test_answer_that_is_too_large_is_replaced_by_words():
    async with Desk() as desk:
        visitor = await desk.visitor()
        await visitor.hello()
        desk.answer = {"text": "y" * 6200}
        equal((await visitor.ask_sealed("APP"))["code"], codes.TOO_LARGE)


async def test_handler_decides_code_and_details():
    async with Desk() as desk:
        visitor = await desk.visitor()
        await visitor.hello()
        desk.answer = {"code": codes.DONE}
        answer = await visitor.ask_sealed("APPLY", 1)
        equal((answer["code"], answer["msg"]), (codes.DONE, codes.sentence(codes.DONE)))
        desk.answer = {"code": 200, "lamps": 3}  # an application's own
        answer = await visitor.ask_sealed("APP", 3)
        equal((answer["code"], answer["lamps"]), (200, 3))
        desk.answer = errors.error("wrong_password", "home")
        answer = await visitor.ask_sealed("APPLY", 2)
        equal((answer["code"], "home" in answer["msg"]), (codes.WRONG_PASSWORD, True))


async def test_mistake_in_the_handler_is_answered_and_told_without_its_words():
    async with Desk() as desk:
        visitor = await desk.visitor()
        await visitor.hello()
        desk.answer = ValueError("a password")
        equal((await visitor.ask_sealed("STS", 1))["code"], codes.FAILED)
        (failed,) = [data for name, data in desk.events() if name == "task.failed"]
        equal(("ValueError" in failed["message"], "password" in failed["message"]), (True, False))
        desk.answer = None
        equal((await visitor.ask_sealed("STS", 2))["code"], codes.OK)


async def test_phone_whose_answer_has_no_memory_is_disconnected_and_may_ask_again():
    whole = messages.ack

    def exhausted(*details):
        raise MemoryError

    async with Desk() as desk:
        visitor = await desk.visitor()
        await visitor.hello()
        messages.ack = exhausted
        try:
            visitor.write(await visitor.seal("STS"))
            await until(lambda: not visitor.is_connected)  # else it would be told for ever that the device is at it
        finally:
            messages.ack = whole
        visitor = await desk.visitor()
        await visitor.hello()
        equal((await visitor.ask_sealed("STS"))["code"], codes.OK)


async def test_last_message_is_answered_again_and_not_done_twice():
    async with Desk() as desk:
        visitor = await desk.visitor()
        await visitor.hello()
        first = await visitor.ask_sealed("CFG", 5)
        equal(await visitor.ask_sealed("CFG", 5), first)
        equal(len(desk.asked), 1)
        await visitor.ask_sealed("CFG", 6)
        equal(len(desk.asked), 2)


async def test_two_answers_at_the_same_time_do_not_mix():
    notify, calls = radio.notify, []

    def slow(*arguments):
        calls.append(None)
        if len(calls) % 2:
            raise OSError(errno.ENOMEM)  # each piece waits once, and the other answer has its turn
        notify(*arguments)

    radio.notify = slow
    async with Desk() as desk:
        visitor = await desk.visitor(mtu=None)
        await visitor.hello()
        desk.answer = asyncio.Event()
        await visitor.ask_sealed("APPLY", 5)
        visitor.write(await visitor.seal("STS", 6))
        sent = len(calls)
        await until(lambda: len(calls) > sent)
        desk.answer.set()
        for expected in ((6, codes.BUSY), (5, codes.OK)):
            _, answer = await visitor.ack()
            equal((answer["id"], answer["code"]), expected)
    radio.notify = notify


async def test_new_hello_ends_the_session_before_it_and_its_answers():
    async with Desk() as desk:
        visitor = await desk.visitor()
        await visitor.hello()
        await visitor.ask_sealed("CFG", 5)
        old = bytes(await visitor.seal("RST", 6))
        work = desk.answer = asyncio.Event()
        await visitor.ask_sealed("SCAN", 7)
        await visitor.hello()
        work.set()
        desk.answer = None
        await asyncio.sleep_ms(20)
        equal(visitor.silent(), True)  # the answer to SCAN was for the session that has ended
        await visitor.ask_sealed("CFG", 5)
        equal([typ for typ, _, _ in desk.asked], ["CFG", "SCAN", "CFG"])
        visitor.write(old)
        equal((await visitor.ack())[1]["code"], codes.NOT_AUTHENTICATED)


async def test_replayed_message_is_dropped_unanswered():
    async with Desk() as desk:
        visitor = await desk.visitor()
        await visitor.hello()
        frame = bytes(await visitor.seal("RST", 5))
        visitor.write(frame)
        equal((await visitor.ack())[1]["id"], 5)
        visitor.write(frame)
        equal((await visitor.ask_sealed("STS", 6))["id"], 6)
        equal([typ for typ, _, _ in desk.asked], ["RST", "STS"])


async def test_nothing_but_hello_is_done_in_clear():
    async with Desk() as desk:
        visitor = await desk.visitor()
        for document, code in (
            ({"typ": "RST", "id": 3, "dat": {}}, codes.NOT_AUTHENTICATED),
            ({"typ": "RST", "id": 3}, codes.NOT_AUTHENTICATED),
            ({"typ": "NEW", "id": 3, "dat": {}}, codes.NOT_AUTHENTICATED),
            (b"rubbish", codes.NOT_JSON),
            ({"typ": "HELLO", "id": 3, "dat": {}}, codes.MISSING_FIELD),
            ({"typ": "HELLO", "id": 3, "dat": {"pub": "00"}}, codes.INVALID),
            ({"typ": "HELLO", "id": 3, "dat": {"pub": "00" * 32}}, codes.INVALID),
        ):
            visitor.write_clear(document)
            kind, answer = await visitor.ack()
            equal((kind, answer["code"]), (framing.CLEAR, code))
            equal(answer["id"], None if code == codes.NOT_JSON else 3)
        visitor.write(framing.frame(framing.SEALED, bytes(40)))
        kind, answer = await visitor.ack()
        equal((kind, answer["code"], answer["id"], answer["pkt"]), (framing.CLEAR, codes.NOT_AUTHENTICATED, None, None))
        equal((desk.asked, visitor.is_connected), ([], True))


async def test_clear_messages_do_not_end_a_session_and_are_not_done():
    async with Desk() as desk:
        visitor = await desk.visitor()
        await visitor.hello()
        await visitor.ask_sealed("STS", 1)
        visitor.write_clear({"typ": "RST", "id": 2, "dat": {}})
        kind, answer = await visitor.ack()
        equal((kind, answer["code"], answer["pkt"]), (framing.SEALED, codes.NOT_AUTHENTICATED, "RST"))
        equal((await visitor.ask_sealed("STS", 3))["code"], codes.OK)
        equal([typ for typ, _, _ in desk.asked], ["STS", "STS"])


async def test_five_wrong_codes_in_a_row_close_the_door():
    async with Desk() as desk:
        for _ in range(5):
            visitor = await desk.visitor()
            equal((await visitor.hello(code=bytes(10)))["code"], codes.OK)
            visitor.write(await visitor.seal("STS"))
            kind, answer = await visitor.ack()
            equal((kind, answer["code"]), (framing.CLEAR, codes.NOT_AUTHENTICATED))
            await until(lambda: radio.advertising)
        reasons = [data["reason"] for name, data in desk.events() if name == "ble.disconnected"]
        equal(reasons, ["the setup code was wrong"] * 5)
        visitor = await desk.visitor()
        answer = await visitor.hello()
        equal((answer["code"], "pub" in answer), (codes.NOT_AUTHENTICATED, False))
        equal((50 < answer["retry_s"] <= 60, desk.asked), (True, []))


async def test_right_code_forgives_the_wrong_ones_before():
    async with Desk() as desk:
        for code in (bytes(10), bytes(10), bytes(10), bytes(10), CODE, bytes(10)):
            visitor = await desk.visitor()
            await visitor.hello(code)
            visitor.write(await visitor.seal("STS"))
            await visitor.ack()
            if code == CODE:
                visitor.phone.disconnect()
        visitor = await desk.visitor()
        equal((await visitor.hello())["code"], codes.OK)


async def test_phone_with_other_keys_is_answered_in_clear():
    async with Desk() as desk:
        visitor = await desk.visitor()
        await visitor.hello(code=bytes(10))
        frame = await visitor.seal("STS")
        frame[-1] ^= 1
        visitor.write(frame)
        kind, answer = await visitor.ack()
        equal((kind, answer["code"], visitor.is_connected), (framing.CLEAR, codes.BAD_CRC, True))


async def test_damaged_and_late_messages_are_asked_for_again():
    async with Desk() as desk:
        visitor = await desk.visitor()
        await visitor.hello()
        await visitor.ask_sealed("STS", 1)
        frame = await visitor.seal("CFG", 2)
        frame[-1] ^= 1
        visitor.write(frame)
        kind, answer = await visitor.ack()
        equal((kind, answer["code"], answer["id"]), (framing.SEALED, codes.BAD_CRC, None))
        visitor.write((await visitor.seal("CFG", 2))[:-1])
        kind, answer = await visitor.ack(8000)
        equal((kind, answer["code"], answer["id"]), (framing.SEALED, codes.TIMEOUT, None))
        equal((await visitor.ask_sealed("CFG", 2))["code"], codes.OK)
        equal([typ for typ, _, _ in desk.asked], ["STS", "CFG"])


async def test_open_device_takes_everything_in_clear_and_warns():
    async with Desk("open") as desk:
        equal(len(desk.ble.warnings), 1)
        visitor = await desk.visitor()
        equal((await visitor.ask("STS", 1))["code"], codes.OK)
        equal((await visitor.hello(message_id=2))["code"], codes.INVALID)
        visitor.write(framing.frame(framing.SEALED, bytes(40)))
        equal((await visitor.ack())[1]["code"], codes.INVALID)
        equal((await visitor.ask("NEW", 3))["code"], codes.INVALID)
        equal([typ for typ, _, _ in desk.asked], ["STS"])
    equal(Desk("code").ble.warnings, [])
