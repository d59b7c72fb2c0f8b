"""The device's check of signatures, in CPython, against `cryptography` and Project Wycheproof's cases."""

import asyncio
import hashlib

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given, settings
from hypothesis import strategies as st

from ota import signature
from tests.wycheproof import ecdsa_p256

FEW = settings(max_examples=40)


def verify(key, message, signed):
    return asyncio.run(signature.verify(key, hashlib.sha256(message).digest(), signed))


def public_bytes(private):
    return private.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)


def test_the_cases_of_project_wycheproof():
    cases = ecdsa_p256()
    assert len(cases) > 400
    assert [number for number, valid, *parts in cases if verify(*parts) != valid] == []


@FEW
@given(st.integers(1, signature._N - 1), st.binary(max_size=200))
def test_what_cryptography_signs_is_taken(number, message):
    private = ec.derive_private_key(number, ec.SECP256R1())
    signed = private.sign(message, ec.ECDSA(SHA256()))
    assert verify(public_bytes(private), message, signed)
    assert not verify(public_bytes(private), message + b"x", signed)


@FEW
@given(st.integers(1, 8), st.binary(max_size=20))
def test_keys_that_collide_with_the_base_point_are_no_exception(number, message):
    # 1: the key is the base point, whose sum with itself is a doubling; N - 1: their sum is infinity.
    for private in (number, signature._N - number):
        private = ec.derive_private_key(private, ec.SECP256R1())
        assert verify(public_bytes(private), message, private.sign(message, ec.ECDSA(SHA256())))


@FEW
@given(st.binary(max_size=80))
def test_bytes_that_are_no_signature_are_refused_without_a_word(signed):
    assert not verify(public_bytes(ec.derive_private_key(7, ec.SECP256R1())), b"x", signed)


def test_a_signature_has_one_form():
    private = ec.derive_private_key(7, ec.SECP256R1())
    signed = private.sign(b"x", ec.ECDSA(SHA256()))
    r, s = decode_dss_signature(signed)
    assert verify(public_bytes(private), b"x", encode_dss_signature(r, s))
    for other in (signed + b"\0", b"\x30\x81" + signed[1:], signed[:-1], encode_dss_signature(r + signature._N, s)):
        assert not verify(public_bytes(private), b"x", other)
