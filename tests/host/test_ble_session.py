"""The device's session against the second implementation on `cryptography`, and against forgers."""

import asyncio
import base64
import json
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from hypothesis import example, given, settings
from hypothesis import strategies as st

from ble import codes, framing, hello, hkdf, lockout, messages, session, setup_code, x25519
from tests import ble_reference

VECTORS = Path(__file__).resolve().parents[1] / "vectors" / "ble.json"
NAME = "esp-0a1b2c"
KEY = st.binary(min_size=32, max_size=32)
CODE = st.binary(min_size=10, max_size=10)
TEXT = st.one_of(st.binary(max_size=64), st.binary(max_size=6124))
CHUNK = st.integers(20, 509)
FEW = settings(max_examples=25)  # a multiplication in Python takes milliseconds


def run(coroutine):
    return asyncio.run(coroutine)


def ends(keys=bytes(range(128))):
    """The device's session and the phone's end of it, with the same keys."""
    phone = ble_reference.End(keys[:32], keys[32:64], keys[64:96], keys[96:])
    return session.Session(keys, bytes(32), ble_reference.AesEcb), phone


def opened(device, payload):
    """What the device reads: bytes, None for a replay."""
    text = run(device.open(memoryview(bytearray(payload))))
    return None if text is None else bytes(text)


def through_the_air(frame, chunk):
    """The payloads that a parser finds after a frame went over in chunks."""
    parser, found = framing.Parser(), []
    for piece in framing.chunks(frame, chunk):
        parser.feed(piece, 0)
        while (what := parser.next()) is not None:
            if what in (framing.CLEAR, framing.SEALED):
                found.append((what, bytes(parser.payload)))
    return found


@FEW
@given(KEY, KEY)
def test_x25519_is_that_of_cryptography(private, other):
    expected = X25519PrivateKey.from_private_bytes(private)
    _, public = run(x25519.key_pair(lambda size: private))
    assert public == expected.public_key().public_bytes_raw()
    peer = X25519PrivateKey.from_private_bytes(other).public_key()
    assert run(x25519.shared_secret(private, peer.public_bytes_raw())) == expected.exchange(peer)


@FEW
@given(KEY, KEY)
def test_any_32_bytes_are_a_public_key_to_both_or_to_neither(private, public):
    try:
        expected = X25519PrivateKey.from_private_bytes(private).exchange(X25519PublicKey.from_public_bytes(public))
    except ValueError:
        with pytest.raises(codes.Refusal):
            run(x25519.shared_secret(private, public))
    else:
        assert run(x25519.shared_secret(private, public)) == expected


@given(st.binary(max_size=100), st.binary(max_size=100), st.binary(max_size=100), st.integers(1, 200))
def test_hkdf_is_that_of_cryptography(salt, material, info, length):
    expected = HKDF(SHA256(), length, salt, info).derive(material)
    assert hkdf.expand(hkdf.extract(salt, material), info, length) == expected


@FEW
@given(CODE, st.lists(TEXT, max_size=3), st.lists(TEXT, max_size=3), CHUNK)
def test_whole_conversation_with_the_second_implementation(code, from_phone, from_device, chunk):
    phone = ble_reference.Phone(code)
    ((kind, said),) = through_the_air(ble_reference.frame(ble_reference.CLEAR, phone.hello(1)), chunk)
    message = messages.parse(said)
    device, public = run(hello.answer(hello.public_key(message), code, NAME, ble_reference.AesEcb))
    ack = hello.ack(message.id, public, device.confirm)
    end, proven = phone.session(ack, NAME)
    assert (kind, proven, device.authenticated) == (framing.CLEAR, True, False)
    for text in from_phone:
        ((kind, payload),) = through_the_air(ble_reference.frame(ble_reference.SEALED, end.seal(text)), chunk)
        assert (kind, opened(device, payload)) == (framing.SEALED, text)
    for text in from_device:
        ((kind, payload),) = through_the_air(run(device.frame(text)), chunk)
        assert (kind, end.open(payload)) == (framing.SEALED, text)
    assert device.authenticated == bool(from_phone)


@pytest.mark.parametrize("length", [0, 1, 15, 16, 17, 511, 512, 513, 4095, 4096, 4097, 6124])
def test_messages_of_every_length_are_read_by_the_second_implementation(length):
    device, phone = ends()
    text = bytes(index * 7 & 0xFF for index in range(length))
    assert opened(device, phone.seal(text)) == text
    assert phone.open(bytes(run(device.frame(text))[framing.HEADER :])) == text


@FEW
@given(CODE, CODE)
def test_phone_with_another_code_notices_and_is_noticed(code, typed):
    phone = ble_reference.Phone(typed)
    device, public = run(hello.answer(phone.public, code, NAME, ble_reference.AesEcb))
    end, proven = phone.session(hello.ack(1, public, device.confirm), NAME)
    assert proven == (code == typed)
    if code != typed:
        with pytest.raises(codes.Refusal) as refusal:
            opened(device, end.seal(b"{}"))
        assert refusal.value.number == codes.NOT_AUTHENTICATED
        with pytest.raises(ble_reference.WrongTag):
            end.open(bytes(run(device.frame(b"{}"))[framing.HEADER :]))


@FEW
@given(CODE)
def test_device_of_another_name_is_noticed(code):
    phone = ble_reference.Phone(code)
    device, public = run(hello.answer(phone.public, code, "esp-other", ble_reference.AesEcb))
    assert phone.session(hello.ack(1, public, device.confirm), NAME)[1] is False


@FEW
@given(CODE)
def test_two_sessions_share_no_keys(code):
    phone = ble_reference.Phone(code)
    first, _ = run(hello.answer(phone.public, code, NAME, ble_reference.AesEcb))
    second, _ = run(hello.answer(phone.public, code, NAME, ble_reference.AesEcb))
    assert first.confirm != second.confirm
    assert run(first.frame(b"same text")) != run(second.frame(b"same text"))


@given(st.binary(max_size=200), st.integers(0, 300), st.integers(1, 255))
def test_forged_byte_is_refused_or_dropped_and_the_genuine_message_still_read(text, where, change):
    device, phone = ends()
    genuine = phone.seal(text)
    forged = bytearray(genuine)
    forged[where % len(forged)] ^= change
    if forged[:4] == bytes(4):
        assert opened(device, forged) is None
    else:
        with pytest.raises(codes.Refusal):
            opened(device, forged)
    assert opened(device, genuine) == text


@given(st.binary(max_size=80), st.integers(0, 100), st.binary(max_size=30))
def test_truncated_and_lengthened_messages_are_refused(text, length, more):
    device, phone = ends()
    genuine = phone.seal(text)
    for payload in (genuine[: length % len(genuine)], genuine + more + b"!"):
        with pytest.raises(codes.Refusal) as refusal:
            opened(device, payload)
        assert refusal.value.number == codes.NOT_AUTHENTICATED


@given(st.binary(max_size=200))
def test_noise_is_never_a_message(noise):
    device, _ = ends()
    try:
        assert opened(device, noise) is None
    except codes.Refusal as refusal:
        assert refusal.number == codes.NOT_AUTHENTICATED
    assert device.authenticated is False


@given(st.lists(st.integers(0, 9), max_size=30))
def test_messages_in_any_order_are_read_once_and_only_upwards(order):
    device, phone = ends()
    sealed = [phone.seal(b"%d" % number) for number in range(10)]
    highest, dropped = -1, 0
    for number in order:
        if number > highest:
            assert opened(device, sealed[number]) == b"%d" % number
            highest = number
        else:
            assert opened(device, sealed[number]) is None
            dropped += 1
    assert device.replayed == dropped


@given(st.integers(1, 2**32 - 2), st.integers(1, 2**32 - 1))
def test_counter_of_32_bits_never_goes_back(first, second):
    device, phone = ends()
    phone.sent = first - 1
    assert opened(device, phone.seal(b"first")) == b"first"
    phone.sent = second - 1
    assert opened(device, phone.seal(b"second")) == (b"second" if second > first else None)


@given(CODE)
def test_setup_code_is_rfc_4648_in_groups(code):
    text = setup_code.text(code)
    assert text.replace("-", "") == base64.b32encode(code).decode()
    assert [len(group) for group in text.split("-")] == [4, 4, 4, 4]
    assert setup_code.parse(text) == code
    assert setup_code.parse(setup_code.link("https://x/", code).split("#")[1].lower()) == code


@given(st.text(max_size=40))
@example("\udcff" * 16)  # bytes of a command line that are not in UTF-8
def test_typed_text_is_a_code_or_an_error_for_a_person(typed):
    try:
        code = setup_code.parse(typed)
    except setup_code.errors.PersonError as error:
        assert error.code == "invalid_setting"
    else:
        assert len(code) == 10


@given(st.lists(st.one_of(st.sampled_from(["wrong", "right"]), st.integers(0, 90000)), max_size=60))
def test_lockout_counts_wrong_codes_in_a_row(steps):
    now_ms, in_a_row, until_ms = 0, 0, 0
    door = lockout.Lockout(lambda: now_ms % 2**30)
    for step in steps:
        if isinstance(step, int):
            now_ms += step
        elif now_ms >= until_ms:
            in_a_row = in_a_row + 1 if step == "wrong" else 0
            (door.failed if step == "wrong" else door.succeeded)()
            if in_a_row == 5:
                in_a_row, until_ms = 0, now_ms + 60000
        assert door.retry_s() == max(0, -(-(until_ms - now_ms) // 1000))


def test_worked_session_of_the_specification_in_the_second_implementation():
    values = json.loads(VECTORS.read_text())["session"]
    code = bytes.fromhex(values["setup_code_bytes"])
    phone = ble_reference.Phone(code, bytes.fromhex(values["phone_private"]))
    assert ble_reference.frame(1, phone.hello(1)).hex() == values["frame_type_1"]
    ack = json.dumps({"dat": {"pub": values["device_public"], "confirm": values["confirm"]}})
    end, proven = phone.session(ack, values["name"])
    assert proven
    assert end.seal(values["clear"].encode()).hex() == values["sealed_by_phone"]
