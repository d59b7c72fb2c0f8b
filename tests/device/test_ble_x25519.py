"""X25519, HMAC and HKDF on the device: the RFCs' own vectors."""

import asyncio
import json

from ble import codes, hkdf, x25519
from harness import equal, raises

TIMEOUT_S = 30


def vectors(name):
    with open(__file__.rsplit("/", 2)[0] + "/vectors/ble.json") as file:
        return json.load(file)[name]


unhex = bytes.fromhex


async def test_multiplication_of_rfc_7748():
    for case in vectors("rfc7748_x25519"):
        equal((await x25519.multiply(unhex(case["scalar"]), unhex(case["u"]))).hex(), case["result"])


async def test_thousand_multiplications_of_rfc_7748_begin_right():
    base = b"\x09" + bytes(31)
    equal((await x25519.multiply(base, base)).hex(), vectors("rfc7748_iterated")["times_1"])


async def test_both_sides_of_rfc_7748_agree():
    case = vectors("rfc7748_diffie_hellman")
    alice, bob = unhex(case["alice_private"]), unhex(case["bob_private"])
    equal((await x25519.key_pair(lambda size: alice))[1].hex(), case["alice_public"])
    equal((await x25519.key_pair(lambda size: bob))[1].hex(), case["bob_public"])
    equal((await x25519.shared_secret(alice, unhex(case["bob_public"]))).hex(), case["shared"])
    equal((await x25519.shared_secret(bob, unhex(case["alice_public"]))).hex(), case["shared"])


async def test_public_keys_of_low_order_are_refused():
    private = unhex(vectors("rfc7748_diffie_hellman")["alice_private"])
    for public in vectors("low_order"):
        refusal = await raises(codes.Refusal, x25519.shared_secret(private, unhex(public)))
        equal(refusal.number, codes.INVALID)


async def test_key_pairs_are_new_every_time():
    private, public = await x25519.key_pair()
    other_private, other_public = await x25519.key_pair()
    equal((len(private), len(public), private != other_private, public != other_public), (32, 32, True, True))


async def test_others_run_during_a_multiplication():
    turns = 0

    async def other():
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    task = asyncio.create_task(other())
    await x25519.key_pair()
    task.cancel()
    # 303 ms on an ESP32-C3: 35 turns are 9 ms apart.
    equal(turns >= 35, True)


def test_hmac_of_rfc_4231():
    for case in vectors("rfc4231_hmac_sha256"):
        equal(hkdf.hmac_sha256(unhex(case["key"]), unhex(case["data"])).hex(), case["tag"])


def test_hmac_takes_its_message_in_parts():
    case = vectors("rfc4231_hmac_sha256")[0]
    data = unhex(case["data"])
    equal(hkdf.hmac_sha256(unhex(case["key"]), data[:3], b"", memoryview(data)[3:]).hex(), case["tag"])


def test_keys_of_rfc_5869():
    for case in vectors("rfc5869_hkdf_sha256"):
        prk = hkdf.extract(unhex(case["salt"]), unhex(case["ikm"]))
        equal(prk.hex(), case["prk"])
        equal(hkdf.expand(prk, unhex(case["info"]), case["length"]).hex(), case["okm"])


def test_more_key_material_than_hkdf_has_is_refused():
    equal(len(hkdf.expand(bytes(32), b"", 8160)), 8160)
    raises(ValueError, lambda: hkdf.expand(bytes(32), b"", 8161))


