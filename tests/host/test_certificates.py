"""Certificates and keys as `cryptography` makes them, read by the device's own code; whatever else is refused."""

import base64
import datetime

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from hypothesis import given, settings
from hypothesis import strategies as st

import certificates
import errors
from tests.host.pki import (
    DER,
    EC_CERT,
    EC_KEY,
    EC_PEM,
    OTHER_EC_KEY,
    PEM,
    PKCS8,
    RSA_CERT,
    RSA_KEY,
    TRADITIONAL,
    certificate_of,
    key_bytes,
)


def refusal(call, *details):
    with pytest.raises(errors.PersonError) as caught:
        call(*details)
    assert caught.value.code == "bad_certificate"
    return caught.value.message


@pytest.mark.parametrize("key", [EC_KEY, RSA_KEY], ids=["ec", "rsa"])
@pytest.mark.parametrize("form", [PKCS8, TRADITIONAL], ids=["pkcs8", "traditional"])
@pytest.mark.parametrize("encoding", [PEM, DER], ids=["pem", "der"])
def test_key_in_every_form_fits_its_certificate_and_no_other(key, form, encoding):
    der = certificates.key(key_bytes(key, encoding, form))

    assert der == key_bytes(key, DER, form)
    assert certificates.key_fits(certificate_of(key).public_bytes(DER), der) is True
    assert certificates.key_fits(certificate_of(OTHER_EC_KEY).public_bytes(DER), der) is False
    assert certificates.key_fits(EC_CERT if key is RSA_KEY else RSA_CERT, der) is False


def test_ec_key_without_its_public_part_does_not_say():
    number = EC_KEY.private_numbers().private_value.to_bytes(32, "big")
    der = bytes.fromhex("3031020101 0420") + number + bytes.fromhex("a00a06082a8648ce3d030107")
    serialization.load_der_private_key(der, None)  # the oracle takes it, so it is a key

    assert certificates.key_fits(EC_CERT, certificates.key(der)) is None
    assert certificates.pair(EC_CERT, der) == (EC_CERT, der)


@pytest.mark.parametrize("number", [b"\0" * 32, b"\xff" * 32], ids=["zero", "beyond the order"])
def test_ec_key_whose_number_is_none_of_the_curve_is_refused(number):
    secret = EC_KEY.private_numbers().private_value.to_bytes(32, "big")

    assert "its secret number" in refusal(certificates.key, key_bytes(EC_KEY).replace(secret, number))


@pytest.mark.parametrize(
    "write",
    [
        lambda pem: pem,
        lambda pem: pem.decode(),
        lambda pem: pem.replace(b"\n", b"\r\n"),
        lambda pem: pem.replace(b"\n", b"\\n"),
        lambda pem: pem.replace(b"\n", b"\\r\\n"),
        lambda pem: pem.rstrip(b"\n"),
        lambda pem: pem.replace(b"\n", b"\n  "),
        lambda pem: b"Bag Attributes\n    localKeyID: 01 02\nsubject=/CN=thing\n" + pem + b"the end",
        lambda pem: key_bytes(EC_KEY, PEM) + pem,
        lambda pem: base64.b64encode(EC_CERT),
        lambda pem: base64.encodebytes(EC_CERT).decode(),
        lambda pem: EC_CERT,
    ],
)
def test_certificate_in_every_dress_gives_the_same_der(write):
    assert certificates.certificate(write(EC_PEM)) == EC_CERT


def test_several_certificates_stay_in_order():
    first, second = certificate_of(EC_KEY), certificate_of(RSA_KEY)
    ders = [first.public_bytes(DER), second.public_bytes(DER)]

    assert certificates.certificates(first.public_bytes(PEM) + b"#\n" + second.public_bytes(PEM)) == ders
    assert certificates.certificates(b"".join(ders)) == ders
    assert certificates.certificates(base64.b64encode(b"".join(ders))) == ders


def test_pair_takes_the_certificate_of_a_chain_that_fits():
    chain = certificate_of(RSA_KEY).public_bytes(PEM) + EC_PEM
    key = key_bytes(EC_KEY, PEM, TRADITIONAL)

    assert certificates.pair(chain.decode(), key.decode()) == (EC_CERT, key_bytes(EC_KEY, DER, TRADITIONAL))


def test_pair_that_does_not_fit_is_named():
    with pytest.raises(errors.PersonError) as caught:
        certificates.pair(EC_PEM, key_bytes(OTHER_EC_KEY, PEM))
    assert caught.value.code == "key_mismatch"


UTC_SECONDS = st.datetimes(
    datetime.datetime(1950, 1, 1), datetime.datetime(9999, 12, 31), timezones=st.just(datetime.timezone.utc)
)


@given(UTC_SECONDS, UTC_SECONDS)
@settings(max_examples=150, deadline=None)
def test_dates_are_those_of_the_oracle(one, other):
    certificate = certificate_of(EC_KEY, min(one, other), max(one, other))
    der = certificate.public_bytes(DER)

    assert certificates.not_before(der) == certificate.not_valid_before_utc.timestamp()
    assert certificates.not_after(der) == certificate.not_valid_after_utc.timestamp()


def test_root_is_told_from_what_it_signed():
    root = certificate_of(OTHER_EC_KEY, subject="root").public_bytes(DER)

    assert certificates.is_self_signed(root) is True
    assert certificates.is_self_signed(EC_CERT) is False


def test_public_keys_are_those_of_the_oracle():
    point = EC_KEY.public_key().public_bytes(serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint)
    modulus = RSA_KEY.public_key().public_numbers().n.to_bytes(256, "big")

    assert certificates.public_key(EC_CERT) == (certificates.EC, point)
    assert certificates.public_key(RSA_CERT) == (certificates.RSA, modulus)


def test_a_root_may_have_a_key_the_device_itself_could_not_have():
    root = certificate_of(ec.generate_private_key(ec.SECP384R1())).public_bytes(PEM)  # as Amazon Root CA 4

    assert len(certificates.certificates(root)) == 1
    assert "P-384" in refusal(certificates.certificate, root)


P384 = ec.generate_private_key(ec.SECP384R1())
WITH_PASSWORD = serialization.BestAvailableEncryption(b"secret")


@pytest.mark.parametrize(
    ("key", "words"),
    [
        (key_bytes(P384), "P-384"),
        (key_bytes(P384, PEM, TRADITIONAL), "P-384"),
        (key_bytes(ed25519.Ed25519PrivateKey.generate(), PEM), "Ed25519"),
        (key_bytes(rsa.generate_private_key(65537, 1024)), "1024 bits"),
        (key_bytes(EC_KEY, PEM, PKCS8, WITH_PASSWORD), "encrypted with a password"),
        (key_bytes(EC_KEY, DER, PKCS8, WITH_PASSWORD), "encrypted with a password"),
        (key_bytes(EC_KEY, PEM, TRADITIONAL, WITH_PASSWORD), "encrypted with a password"),
        (key_bytes(EC_KEY, PEM, serialization.PrivateFormat.OpenSSH), "ssh-keygen"),
        (EC_KEY.public_key().public_bytes(PEM, serialization.PublicFormat.SubjectPublicKeyInfo), "a public key"),
        (EC_PEM, "a certificate, a private key is wanted"),
        (EC_CERT, "not a private key"),
        (key_bytes(EC_KEY, PEM)[:150], "cut off"),
        (key_bytes(EC_KEY)[:-1], "cut off"),
        (key_bytes(EC_KEY) + b"\0", "too many"),
        (b"", "0 bytes"),
        (b"hello?", "base64"),
        (b"x" * 70000, "70000 bytes"),
        (None, "not text"),
        (42, "not text"),
    ],
)
def test_key_that_cannot_be_used_is_refused_with_the_reason(key, words):
    message = refusal(certificates.key, key, "the thing's key")

    assert words in message
    assert message.startswith("the thing's key is not")


@pytest.mark.parametrize(
    ("cert", "words"),
    [
        (key_bytes(EC_KEY, PEM), "a private key, a certificate is wanted"),
        (b"-----BEGIN CERTIFICATE-----\nMIIB", "cut off"),
        (b"-----BEGIN " + b"A" * 100, "damaged"),
        (b"-----BEGIN RUBBISH-----\n-----END RUBBISH-----", "of an unknown kind"),
        (EC_PEM.replace(b"\nMII", b"\nMIJ", 1), "cut off"),
        (EC_CERT[:100], "cut off"),
    ],
    ids=["key", "short", "damaged", "unknown", "length", "cut off"],
)
def test_certificate_that_cannot_be_used_is_refused_with_the_reason(cert, words):
    assert words in refusal(certificates.certificates, cert)


def only_bad_certificate(call, *details):
    try:
        call(*details)
    except errors.DeviceError as error:
        assert error.code == "bad_certificate"


SAMPLES = [EC_CERT, RSA_CERT, EC_PEM, key_bytes(EC_KEY), key_bytes(RSA_KEY, PEM), key_bytes(EC_KEY, DER, TRADITIONAL)]
READERS = [
    certificates.certificates,
    certificates.certificate,
    certificates.key,
    certificates.not_before,
    certificates.not_after,
    certificates.is_self_signed,
    certificates.public_key,
]


@given(st.sampled_from(READERS), st.binary(max_size=300))
@settings(max_examples=500, deadline=None)
def test_rubbish_gives_the_one_error(read, data):
    only_bad_certificate(read, data)
    only_bad_certificate(read, b"\x30" + data)


@given(st.sampled_from(READERS), st.sampled_from(SAMPLES), st.data())
@settings(max_examples=2000, deadline=None)
def test_damaged_certificates_give_the_one_error(read, sample, data):
    damaged = bytearray(sample)
    for _ in range(data.draw(st.integers(1, 3))):
        damaged[data.draw(st.integers(0, len(sample) - 1))] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(0, len(sample)))

    only_bad_certificate(read, bytes(damaged))
    only_bad_certificate(read, bytes(damaged[:cut]))


@given(st.sampled_from(SAMPLES), st.sampled_from(SAMPLES), st.integers(0, 1200), st.integers(0, 255))
@settings(max_examples=500, deadline=None)
def test_damaged_pairs_give_the_one_error(cert, key, place, value):
    damaged = bytearray(key)
    damaged[place % len(key)] = value

    only_bad_certificate(certificates.key_fits, cert, bytes(damaged))
