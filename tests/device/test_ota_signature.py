"""ECDSA on the device: Wycheproof's cases, a vector of our own, and a loop that goes on turning."""

import asyncio
import binascii
import hashlib
import json

from harness import equal
from ota import signature
from signing import public_key, signature_of

COMPANIONS = ["wycheproof"]
TIMEOUT_S = 60


def vector():
    with open(__file__.rsplit("/", 2)[0] + "/vectors/ota.json") as file:
        return json.load(file)


def parts():
    case = vector()
    return (
        bytes.fromhex(case["public_key_uncompressed"]),
        hashlib.sha256(case["signed_text"].encode()).digest(),
        binascii.a2b_base64(case["signature_base64"]),
    )


async def test_the_cases_of_project_wycheproof():
    with open("ecdsa") as file:
        lines = file.read().split("\n")
    equal(len(lines) > 400, True)
    wrong = []
    for line in lines:
        valid, number, key, message, signed = line.split(" ")
        digest = hashlib.sha256(b"" if message == "-" else bytes.fromhex(message)).digest()
        signed = b"" if signed == "-" else bytes.fromhex(signed)
        if await signature.verify(bytes.fromhex(key), digest, signed) != (valid == "1"):
            wrong.append(number)
    equal(wrong, [])


async def test_the_vector_of_the_documentation():
    equal(await signature.verify(*parts()), True)


async def test_one_bit_more_or_less_anywhere_is_noticed():
    for part in range(3):
        for at in (0, 1, 17, 31):
            changed = [bytearray(value) for value in parts()]
            changed[part][at] ^= 1
            equal(await signature.verify(*changed), False)


async def test_the_signature_of_another_key_is_none():
    key, digest, signed = parts()
    negative = key[:33] + (signature._P - int.from_bytes(key[33:], "big")).to_bytes(32, "big")
    equal(await signature.verify(negative, digest, signed), False)


async def test_what_is_no_key_verifies_nothing():
    key, digest, signed = parts()
    for other in (b"", key[:-1], key + b"\0", b"\2" + key[1:], b"\4" + bytes(64), b"\4" + b"\xff" * 64):
        equal(await signature.verify(other, digest, signed), False)


def test_a_signature_has_nothing_behind_it():
    for number in range(64):
        signed = binascii.a2b_base64(signature_of(bytes((number,)), 7))
        if len(signed) == 70:  # with two bytes more it still has the length of one
            break
    key, digest = bytes.fromhex(public_key(7)), hashlib.sha256(bytes((number,))).digest()
    longer = bytes((0x30, len(signed))) + signed[2:] + b"\5\0"
    for der, is_good in ((signed, True), (longer, False)):
        asyncio.new_event_loop()
        equal(asyncio.run(signature.verify(key, digest, der)), is_good)


def test_a_key_has_one_form():
    # The point at x = 5, and the same with x and P added up: 5 modulo P, too.
    p, x = signature._P, 5
    y = pow(x * x * x - 3 * x + signature._B, (p + 1) // 4, p).to_bytes(32, "big")
    equal(signature._point(b"\4" + x.to_bytes(32, "big") + y)[0], x)
    equal(signature._point(b"\4" + (p + x).to_bytes(32, "big") + y), None)


async def test_others_run_during_a_check():
    turns = [0]

    async def other():
        while True:
            turns[0] += 1
            await asyncio.sleep(0)

    task = asyncio.create_task(other())
    await signature.verify(*parts())
    task.cancel()
    # Half a second on an ESP32-C3: 120 turns are 4 ms apart.
    equal(turns[0] >= 120, True)
