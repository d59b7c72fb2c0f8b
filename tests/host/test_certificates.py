"""Certificates and keys as `cryptography` makes them, read by the device's own code; whatever else is refused."""

import base64
import datetime
import subprocess

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa
from hypothesis import given, settings
from hypothesis import strategies as st

import certificates
import errors
import settings_certs
from tests.host.pki import (
    DER,
    EC_CERT,
    EC_KEY,
    EC_PEM,
    ODD_KEY,
    OTHER_EC_KEY,
    P384_KEY,
    P521_KEY,
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


@pytest.mark.parametrize("key", [EC_KEY, P384_KEY, P521_KEY, RSA_KEY], ids=["P-256", "P-384", "P-521", "rsa"])
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


ORDERS = {  # FIPS 186-4, D.1.2
    EC_KEY: "FFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551",
    P384_KEY: "F" * 48 + "C7634D81F4372DDF581A0DB248B0A77AECEC196ACCC52973",
    P521_KEY: "01" + "F" * 65 + "A51868783BF2F966B7FCC0148F709A5D03BB5C9B8899C47AEBB6FB71E91386409",
}


@pytest.mark.parametrize("key", ORDERS, ids=["P-256", "P-384", "P-521"])
def test_ec_key_whose_number_is_none_of_the_curve_is_refused(key):
    size = (key.key_size + 7) // 8
    secret = key.private_numbers().private_value.to_bytes(size, "big")

    def changed(number):
        return key_bytes(key).replace(secret, number.to_bytes(size, "big"))

    order = int(ORDERS[key], 16)
    assert certificates.key(changed(order - 1))
    for number in (0, order):
        assert f"its secret number is not one of P-{key.key_size}" in refusal(certificates.key, changed(number))


def test_ec_key_that_names_two_curves_is_refused():
    sec1 = key_bytes(P384_KEY, DER, TRADITIONAL)
    head = key_bytes(EC_KEY)[6:27]  # the algorithm: a key on P-256
    wrapped = bytes.fromhex("020100") + head + b"\x04\x81" + bytes([len(sec1)]) + sec1

    assert "two curves" in refusal(certificates.key, b"\x30\x81" + bytes([len(wrapped)]) + wrapped)


EC_KEY_PEM = key_bytes(EC_KEY, PEM)


def openssl(*arguments, data):
    return subprocess.run(["openssl", *arguments], input=data, capture_output=True, check=True).stdout


@pytest.mark.parametrize(
    ("option", "way_on"),
    [(("-param_enc", "explicit"), "-param_enc named_curve"), (("-conv_form", "compressed"), "-conv_form uncompressed")],
)
def test_ec_key_in_a_rare_form_is_refused_with_the_way_to_the_usual_one(option, way_on):
    rare = openssl("ec", *option, data=key_bytes(EC_KEY, PEM))

    message = refusal(certificates.key, rare)
    assert f"`openssl ec {way_on}`" in message
    usual = openssl(*message.split("`")[1].split()[1:], data=rare)
    assert certificates.key_fits(EC_CERT, certificates.key(usual)) is True


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


ODD = certificate_of(ODD_KEY).public_bytes(PEM)


def test_pair_does_not_mind_of_which_kind_the_rest_of_a_chain_is():
    key = key_bytes(EC_KEY)

    assert certificates.pair(ODD + EC_PEM, key) == (EC_CERT, key)
    assert "secp256k1" in refusal(certificates.pair, ODD, key)


@pytest.mark.parametrize("cert", [EC_PEM, ODD + EC_PEM, EC_PEM + ODD, certificate_of(P384_KEY).public_bytes(PEM)])
def test_pair_that_does_not_fit_is_named(cert):
    with pytest.raises(errors.PersonError) as caught:
        certificates.pair(cert, key_bytes(OTHER_EC_KEY, PEM))
    assert caught.value.code == "key_mismatch"


UTC_SECONDS = st.datetimes(
    datetime.datetime(1950, 1, 1), datetime.datetime(9999, 12, 31), timezones=st.just(datetime.timezone.utc)
)


@given(UTC_SECONDS, UTC_SECONDS)
@settings(max_examples=150)
def test_dates_are_those_of_the_oracle(one, other):
    certificate = certificate_of(EC_KEY, min(one, other), max(one, other))
    der = certificate.public_bytes(DER)

    oracle = (certificate.not_valid_before_utc.timestamp(), certificate.not_valid_after_utc.timestamp())
    assert certificates.validity(der) == oracle


def test_root_is_told_from_what_it_signed():
    root = certificate_of(OTHER_EC_KEY, subject="root").public_bytes(DER)

    assert certificates.is_self_signed(root) is True
    assert certificates.is_self_signed(EC_CERT) is False


def test_public_keys_are_those_of_the_oracle():
    point = EC_KEY.public_key().public_bytes(serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint)
    modulus = RSA_KEY.public_key().public_numbers().n.to_bytes(256, "big")

    assert certificates.public_key(EC_CERT) == ("P-256", point)
    assert certificates.public_key(RSA_CERT) == (certificates.RSA, modulus)


def test_a_root_may_have_a_key_the_device_itself_could_not_have():
    root = certificate_of(ODD_KEY).public_bytes(PEM)

    assert len(certificates.certificates(root)) == 1
    assert "secp256k1" in refusal(certificates.certificate, root)


WITH_PASSWORD = serialization.BestAvailableEncryption(b"secret")


@pytest.mark.parametrize(
    ("key", "words"),
    [
        (key_bytes(ODD_KEY, PEM, TRADITIONAL), "secp256k1"),
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
        (key_bytes(EC_KEY).replace(b"\x02\x01\0\x30\x13", b"\x02\x01\x01\x30\x13"), "a newer version of PKCS#8"),
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


def test_key_that_is_encrypted_as_in_pkcs12_is_told_so():
    old = openssl("pkcs8", "-topk8", "-v1", "PBE-SHA1-3DES", "-passout", "pass:x", "-outform", "DER", data=EC_KEY_PEM)

    assert "encrypted with a password" in refusal(certificates.key, old)


@pytest.mark.parametrize("read", [certificates.certificates, certificates.certificate, certificates.key])
@pytest.mark.parametrize("form", [bytes, lambda store: base64.b64encode(store).decode()])
def test_pkcs12_is_named_with_the_way_out_of_it(read, form):
    store = openssl("pkcs12", "-export", "-passout", "pass:x", data=EC_KEY_PEM + EC_PEM)

    assert "it is PKCS#12: take certificate and key out of it by `openssl pkcs12 " in refusal(read, form(store))


@pytest.mark.parametrize("kind", ["ed25519", "ed448"])
def test_root_of_a_kind_that_tls_cannot_read_is_named_before_it_keeps_the_others_from_being_trusted(kind):
    request = ("req", "-x509", "-newkey", kind, "-nodes", "-subj", "/CN=root", "-keyout", "/dev/null")
    entry = {"role": "ca", "cert": (EC_PEM + openssl(*request, data=b"")).decode()}

    message = refusal(settings_certs.convert, {"certs": [entry]})
    assert message.startswith("certs[0]: certificate 2 of 2 is not")
    assert "use EC or RSA" in message


@pytest.mark.parametrize(
    ("cert", "words"),
    [
        (key_bytes(EC_KEY, PEM), "a private key, a certificate is wanted"),
        (b"-----BEGIN CERTIFICATE-----\nMIIB", "cut off"),
        (b"-----BEGIN " + b"A" * 100, "damaged"),
        (b"-----BEGIN PKCS7-----\n-----END PKCS7-----", "it is of the kind PKCS7, a certificate is wanted"),
        (b"-----BEGIN \xff\xfe-----\n-----END \xff\xfe-----", "a certificate is wanted"),
        ("\ud800 is half a character", "neither PEM"),
        (EC_PEM.replace(b"\nMII", b"\nMIJ", 1), "cut off"),
        (EC_CERT[:100], "cut off"),
    ],
    ids=["key", "short", "damaged", "other kind", "no text", "half", "length", "cut off"],
)
def test_certificate_that_cannot_be_used_is_refused_with_the_reason(cert, words):
    assert words in refusal(certificates.certificates, cert)
