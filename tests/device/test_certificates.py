"""Certificates and keys on the device's own interpreter; tests/host/test_certificates.py asks far more of them."""

import gc
import random

import certificates
import pem
import pki
from errors import PersonError
from harness import equal, raises

DAYS_OF_2024_02_29 = 19782
END_OF_2049 = 2524607999  # beyond what 31 bits of a small int hold


def test_dates_are_unix_seconds():
    der = certificates.certificate(pki.EC_CERT)
    equal(certificates.validity(der), (DAYS_OF_2024_02_29 * 86400 + 86398, END_OF_2049))


def test_keys_in_every_form_fit_their_certificate_only():
    for cert, keys, others in (
        (pki.EC_CERT, (pki.EC_KEY_SEC1, pki.EC_KEY_PKCS8), (pki.RSA_KEY_PKCS1,)),
        (pki.RSA_CERT, (pki.RSA_KEY_PKCS1, pki.RSA_KEY_PKCS8), (pki.EC_KEY_SEC1,)),
        (pki.ROOT_CERT, (), (pki.EC_KEY_SEC1, pki.RSA_KEY_PKCS8)),
    ):
        der = certificates.certificate(cert)
        equal([certificates.key_fits(der, certificates.key(key)) for key in keys], [True] * len(keys))
        equal([certificates.key_fits(der, certificates.key(key)) for key in others], [False] * len(others))


def test_keys_of_all_curves_are_read():
    der = certificates.key(pki.P384_KEY)
    equal(certificates.key_fits(certificates.certificate(pki.EC_CERT), der), False)
    secret = der.find(b"\x04\x30") + 2
    for changed in (bytes(48), b"\xff" * 48):
        data = der[:secret] + changed + der[secret + 48 :]
        equal("not one of P-384" in raises(PersonError, lambda it=data: certificates.key(it)).message, True)


def test_pair_is_converted_for_tls():
    cert, key = certificates.pair(pki.ROOT_CERT + "\r\n" + pki.EC_CERT.replace("\n", "\r\n"), pki.EC_KEY_SEC1)
    equal(cert, certificates.certificate(pki.EC_CERT))
    equal(key[:2], b"\x30\x77")
    equal(raises(PersonError, lambda: certificates.pair(pki.ROOT_CERT, pki.EC_KEY_SEC1)).code, "key_mismatch")


def test_root_is_told_from_what_it_signed():
    equal(certificates.is_self_signed(certificates.certificate(pki.ROOT_CERT)), True)
    equal(certificates.is_self_signed(certificates.certificate(pki.EC_CERT)), False)


def test_what_cannot_be_used_is_refused_with_the_reason():
    for data, word in (
        (pki.ED25519_KEY, "Ed25519"),
        (pki.ENCRYPTED_KEY, "encrypted with a password"),
        (pki.EC_CERT, "a certificate, a private key is wanted"),
        (pki.EC_KEY_SEC1[:100], "cut off"),
        (b"\x30\x84\xff\xff\xff\xff", "length"),
        (b"\x30\x80\x02\x01", "length"),
        ("rubbish", "neither PEM"),
        ("", "0 bytes"),
        (b"\xff\xfe", "neither PEM"),
    ):
        failure = raises(PersonError, lambda it=data: certificates.key(it, "the key"))
        equal((failure.code, word in failure.message or failure.message), ("bad_certificate", True))


def test_every_cut_and_flipped_byte_gives_an_error_or_a_certificate():
    whole = certificates.certificate(pki.EC_CERT)
    for place in range(len(whole)):
        flipped = whole[:place] + bytes([whole[place] ^ 0xFF]) + whole[place + 1 :]
        for data in (whole[:place], flipped):
            try:
                certificates.validity(certificates.certificate(data))
            except PersonError as failure:
                equal(failure.code, "bad_certificate")


def test_pairs_damaged_anyhow_give_an_error_or_a_pair():
    random.seed(1)
    likely = b"\x00\x01\x02\x03\x04\x06\x17\x18\x30\x7f\x80\x81\x82\x83\x84\xa0\xa1\xff-\n"
    pairs = ((pki.EC_CERT, pki.EC_KEY_SEC1), (pki.RSA_CERT, pki.RSA_KEY_PKCS8), (pki.ROOT_CERT, pki.P384_KEY))
    for turn in range(600):
        texts = [text.encode() for text in pairs[turn % 3]]
        both = texts if turn % 2 else [pem.decode(texts[0], pem.CERTIFICATE, "")[0], certificates.key(texts[1])]
        which = turn // 2 % 2
        data = bytearray(both[which])
        for _ in range(random.randrange(1, 4)):
            at = random.randrange(min(len(data), 200))
            data[at : at + random.randrange(3)] = bytes([random.choice(likely)] * random.randrange(3))
        both[which] = bytes(data)
        try:
            certificates.pair(*both)
        except PersonError as failure:
            equal(failure.code in ("bad_certificate", "key_mismatch"), True)


def test_checking_an_rsa_pair_copies_little_but_the_modulus():
    cert, key = certificates.pair(pki.RSA_CERT, pki.RSA_KEY_PKCS8)
    gc.collect()
    before = gc.mem_alloc()
    gc.disable()
    certificates.key_fits(cert, key)
    used = gc.mem_alloc() - before
    gc.enable()
    equal(used < 6144 or used, True)  # of 64 bits: half of it on the chip
