"""The encrypted session on the device: the worked session of the specification, and everything that must be refused."""

import asyncio
import hashlib
import json

from ble import codes, framing, hello, lockout, messages, session, setup_code
from harness import equal, raises

TIMEOUT_S = 20
SEED = bytes(range(128))


def vectors(name="session"):
    with open(__file__.rsplit("/", 2)[0] + "/vectors/ble.json") as file:
        return json.load(file)[name]


def unhex(text):
    return bytes.fromhex(text)


def pair(keys=SEED):
    """A device's session and the phone's ends of it."""
    device = session.Session(keys, bytes(32))
    phone_sealer = session.Sealer(keys[:32], keys[32:64])
    phone_opener = session.Opener(keys[64:96], keys[96:])
    return device, phone_sealer, phone_opener


def payload_of(frame):
    return memoryview(bytearray(frame[framing.HEADER :]))


async def test_keys_and_confirmation_are_those_of_the_specification():
    values = vectors()
    answer, public = await hello.answer(
        unhex(values["phone_public"]),
        unhex(values["setup_code_bytes"]),
        values["name"],
        random=lambda size: unhex(values["device_private"]),
    )
    equal(public.hex(), values["device_public"])
    equal(answer.confirm.hex(), values["confirm"])
    th = hello.transcript(unhex(values["phone_public"]), public, values["name"])
    equal(th.hex(), values["th"])
    keys = hello.derive(unhex(values["shared_secret"]), unhex(values["setup_code_bytes"]), th)
    equal(keys.hex(), values["enc_p"] + values["mac_p"] + values["enc_d"] + values["mac_d"])
    text = await answer.open(memoryview(bytearray(unhex(values["sealed_by_phone"]))))
    equal(bytes(text).decode(), values["clear"])
    equal(answer.authenticated, True)


async def test_sealed_frame_is_that_of_the_specification():
    values = vectors()
    phone = session.Sealer(unhex(values["enc_p"]), unhex(values["mac_p"]))
    equal(bytes(await phone.frame(values["clear"].encode())).hex(), values["frame_type_2"])


async def test_largest_message_is_sealed_as_by_other_implementations():
    values = vectors()
    phone = session.Sealer(unhex(values["enc_p"]), unhex(values["mac_p"]))
    largest = vectors("largest_message")
    phone.counter = largest["counter"] - 1
    frame = await phone.frame(bytes(index * 7 & 0xFF for index in range(6124)))
    digest = hashlib.sha256(memoryview(frame)[framing.HEADER :]).digest().hex()
    equal(digest, largest["sha256_of_sealed_by_phone"])


async def test_hello_is_answered_as_the_specification_says():
    values = vectors()
    message = messages.parse(unhex(values["frame_type_1"])[framing.HEADER :])
    equal((message.typ, message.id, hello.public_key(message).hex()), ("HELLO", 1, values["phone_public"]))
    ack = json.loads(hello.ack(1, unhex(values["device_public"]), unhex(values["confirm"])))
    equal((ack["typ"], ack["id"], ack["dat"]["pkt"], ack["dat"]["code"]), ("ACK", 1, "HELLO", 0))
    equal((ack["dat"]["pub"], ack["dat"]["confirm"]), (values["device_public"], values["confirm"]))


async def test_messages_of_every_length_go_both_ways():
    device, phone_sealer, phone_opener = pair()
    for length in (0, 1, 15, 16, 17, 511, 512, 513, 6124):
        text = bytes(index * 7 & 0xFF for index in range(length))
        equal(bytes(await device.open(payload_of(await phone_sealer.frame(text)))), text)
        equal(bytes(await phone_opener.open(payload_of(await device.frame(text)))), text)


async def test_nothing_of_the_text_is_in_the_frame():
    device, _, _ = pair()
    frame = bytes(await device.frame(b"password" * 100))
    equal(frame.find(b"password"), -1)
    other = bytes(await device.frame(b"password" * 100))
    equal(frame[10:-16] == other[10:-16], False)


async def test_message_that_is_too_large_is_refused_and_does_not_count():
    device, _, phone_opener = pair()
    equal((await raises(codes.Refusal, device.frame(bytes(6125)))).number, codes.TOO_LARGE)
    equal(bytes(await phone_opener.open(payload_of(await device.frame(b"next")))), b"next")


async def test_other_setup_code_reads_as_not_authenticated():
    device, _, _ = pair()
    stranger = session.Sealer(bytes(32), bytes(32))
    refusal = await raises(codes.Refusal, device.open(payload_of(await stranger.frame(b"{}"))))
    equal((refusal.number, device.authenticated), (codes.NOT_AUTHENTICATED, False))


async def test_every_forged_bit_of_a_short_message_is_noticed():
    _, phone_sealer, _ = pair()
    genuine = bytes(payload_of(await phone_sealer.frame(b"{}")))
    for bit in range(len(genuine) * 8):
        device, _, _ = pair()
        forged = bytearray(genuine)
        forged[bit >> 3] ^= 1 << (bit & 7)
        if forged[:4] == bytes(4):
            equal(await device.open(memoryview(forged)), None)
            continue
        equal((await raises(codes.Refusal, device.open(memoryview(forged)))).number, codes.NOT_AUTHENTICATED)
        equal(bytes(await device.open(memoryview(bytearray(genuine)))), b"{}")


async def test_truncated_messages_are_refused():
    device, phone_sealer, _ = pair()
    genuine = payload_of(await phone_sealer.frame(b"{}"))
    for length in range(len(genuine)):
        refusal = await raises(codes.Refusal, device.open(genuine[:length]))
        equal(refusal.number, codes.NOT_AUTHENTICATED)


async def test_replay_is_dropped_unanswered_and_counters_may_skip():
    device, phone_sealer, _ = pair()
    frames = []
    for number in range(4):
        frames.append(bytes(await phone_sealer.frame(b"%d" % number)))
    equal(bytes(await device.open(payload_of(frames[0]))), b"0")
    equal(await device.open(payload_of(frames[0])), None)
    equal(bytes(await device.open(payload_of(frames[3]))), b"3")
    equal(await device.open(payload_of(frames[2])), None)
    equal(device.replayed, 2)


async def test_forged_counter_does_not_lock_the_phone_out():
    device, phone_sealer, _ = pair()
    forged = payload_of(await phone_sealer.frame(b"a"))
    forged[:4] = b"\xff\xff\xff\xff"
    await raises(codes.Refusal, device.open(forged))
    equal(bytes(await device.open(payload_of(await phone_sealer.frame(b"b")))), b"b")


async def test_message_does_not_pass_back_to_its_sender():
    device, _, _ = pair()
    own = payload_of(await device.frame(b"{}"))
    equal((await raises(codes.Refusal, device.open(own))).number, codes.NOT_AUTHENTICATED)


async def test_last_counter_is_never_used_twice():
    _, phone_sealer, _ = pair()
    phone_sealer.counter = 0xFFFFFFFE
    await phone_sealer.frame(b"last")
    equal((await raises(codes.Refusal, phone_sealer.frame(b"again"))).number, codes.NOT_AUTHENTICATED)


async def test_two_messages_sealed_at_the_same_time_do_not_mix():
    device, _, phone_opener = pair()
    texts = (b"a" * 3000, b"b" * 5000)
    frames = await asyncio.gather(device.frame(texts[0]), device.frame(texts[1]))
    for text, frame in ((texts[0], frames[0]), (texts[1], frames[1])):
        equal(bytes(await phone_opener.open(payload_of(frame))), text)


async def test_others_run_while_a_large_message_is_opened():
    device, phone_sealer, _ = pair()
    payload = payload_of(await phone_sealer.frame(bytes(6124)))
    turns = 0

    async def other():
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    task = asyncio.create_task(other())
    await device.open(payload)
    task.cancel()
    equal(turns >= 10, True)


async def test_unsafe_public_key_makes_no_session():
    refusal = await raises(codes.Refusal, hello.answer(bytes(32), bytes(10), "esp-000000"))
    equal(refusal.number, codes.INVALID)


def test_five_wrong_codes_in_a_row_close_the_door_for_a_minute():
    now = [1000]
    door = lockout.Lockout(lambda: now[0])
    for _ in range(4):
        door.failed()
    equal(door.retry_s(), 0)
    door.failed()
    equal(door.retry_s(), 60)
    now[0] += 59001
    equal(door.retry_s(), 1)
    now[0] += 999
    equal(door.retry_s(), 0)
    for _ in range(4):
        door.failed()
    equal(door.retry_s(), 0)


def test_right_code_forgives_the_wrong_ones_before():
    door = lockout.Lockout(lambda: 0)
    for _ in range(3):
        for _ in range(4):
            door.failed()
        door.succeeded()
    equal(door.retry_s(), 0)


def test_wrong_codes_during_the_refusal_do_not_prolong_it():
    now = [0]
    door = lockout.Lockout(lambda: now[0])
    for _ in range(5):
        door.failed()
    now[0] = 30000
    door.failed()
    equal(door.retry_s(), 30)


def test_refusal_ends_across_the_wrap_of_the_clock():
    now = [(1 << 30) - 10000]
    door = lockout.Lockout(lambda: now[0])
    for _ in range(5):
        door.failed()
    now[0] = 49999
    equal(door.retry_s(), 1)
    now[0] = 50000
    equal(door.retry_s(), 0)


def test_setup_code_of_the_specification():
    values = vectors()
    code = unhex(values["setup_code_bytes"])
    equal(setup_code.text(code), "AAIS-EM2E-KVTH-PCEZ")
    equal(setup_code.parse(values["setup_code_text"]), code)
    equal(setup_code.link("https://example.org/", code), "https://example.org/#AAISEM2EKVTHPCEZ")


def test_setup_code_is_read_as_people_type_it():
    code = unhex(vectors()["setup_code_bytes"])
    for typed in ("aais-em2e-kvth-pcez", " AAIS EM2E KVTH PCEZ\n", "aaisem2ekvthpcez", "AAIS.EM2E_KVTH.PCEZ"):
        equal(setup_code.parse(typed), code)
    equal(setup_code.parse("80OB-" + "A" * 12), setup_code.parse("BOOB-" + "A" * 12))


def test_setup_code_that_cannot_be_one_is_explained_without_repeating_it():
    for typed, why in (
        ("AAIS-EM2E", "8 characters"),
        ("AAIS-EM2E-KVTH-PCEZ-A", "more than 16"),
        ("AAIS-EM2E-KVTH-PCE1", "the letter I or L"),
        ("AAIS-EM2E-KVTH-PCE9", "not used"),
        ("AAIS-EM2E-KVTH-PCE\u00e9", "not used"),
        ("", "0 characters"),
    ):
        error = raises(Exception, lambda: setup_code.parse(typed))
        equal((error.code, why in str(error), "EM2E" in str(error)), ("invalid_setting", True, False))


def test_new_setup_codes_are_random():
    equal((len(setup_code.new()), setup_code.new() != setup_code.new()), (10, True))
