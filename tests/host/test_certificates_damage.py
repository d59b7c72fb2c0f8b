"""Certificates and keys with anything done to them give the one error, or are read."""

from hypothesis import given, settings
from hypothesis import strategies as st

import certificates
import errors
from tests.host.pki import (
    DER,
    EC_CERT,
    EC_KEY,
    EC_PEM,
    P384_KEY,
    P521_KEY,
    PEM,
    RSA_CERT,
    RSA_KEY,
    TRADITIONAL,
    certificate_of,
    key_bytes,
)


def only_bad_certificate(call, *details):
    try:
        call(*details)
    except errors.DeviceError as error:
        assert error.code == "bad_certificate"


SAMPLES = [EC_CERT, RSA_CERT, EC_PEM, key_bytes(EC_KEY), key_bytes(RSA_KEY, PEM), key_bytes(EC_KEY, DER, TRADITIONAL),
           key_bytes(P521_KEY), certificate_of(P384_KEY).public_bytes(DER)]  # fmt: skip
READERS = [
    certificates.certificates,
    certificates.certificate,
    certificates.key,
    certificates.validity,
    certificates.is_self_signed,
    certificates.public_key,
]


@given(st.sampled_from(READERS), st.binary(max_size=300))
@settings(max_examples=500)
def test_rubbish_gives_the_one_error(read, data):
    only_bad_certificate(read, data)
    only_bad_certificate(read, b"\x30" + data)


@given(
    st.sampled_from(READERS),
    st.text(st.sampled_from("\ud800-\\\n=M\0 \u00e4")) | st.text(),
    st.sampled_from(["%s", "-----BEGIN %s", EC_PEM.decode() + "%s"]),
)
@settings(max_examples=300)
def test_any_text_gives_the_one_error(read, text, around):
    only_bad_certificate(read, around % text)


@given(st.sampled_from(READERS), st.sampled_from(SAMPLES), st.data())
@settings(max_examples=2000)
def test_damaged_certificates_give_the_one_error(read, sample, data):
    damaged = bytearray(sample)
    for _ in range(data.draw(st.integers(1, 3))):
        damaged[data.draw(st.integers(0, len(sample) - 1))] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(0, len(sample)))

    only_bad_certificate(read, bytes(damaged))
    only_bad_certificate(read, bytes(damaged[:cut]))


@given(st.sampled_from(SAMPLES), st.sampled_from(SAMPLES), st.integers(0, 1200), st.integers(0, 255))
@settings(max_examples=500)
def test_damaged_pairs_give_the_one_error(cert, key, place, value):
    damaged = bytearray(key)
    damaged[place % len(key)] = value

    only_bad_certificate(certificates.key_fits, cert, bytes(damaged))
