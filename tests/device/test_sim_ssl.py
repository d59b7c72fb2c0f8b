"""The simulated `ssl`: what is no certificate or key has the port's own words (extmod/modtls_mbedtls.c)."""

import ssl

import pki
from harness import equal, raises


def context():
    return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


def test_what_is_no_certificate_is_refused_in_one_way():
    for data in (
        b"nonsense",
        b"-----BEGIN CERTIFICATE-----\nA===\n-----END CERTIFICATE-----\n",
        "-----BEGIN CERTIFICATE-----\nMIIB",
    ):
        equal(raises(ValueError, lambda: context().load_verify_locations(cadata=data)).args, ("invalid cert",))


def test_what_is_no_key_is_refused_in_one_way():
    broken = pki.EC_KEY_SEC1.replace("MHcC", "M=cC")
    equal(raises(ValueError, lambda: context().load_cert_chain(pki.EC_CERT, broken)).args, ("invalid key",))
    equal(raises(ValueError, lambda: context().load_cert_chain(pki.EC_CERT[:99], broken)).args, ("invalid cert",))
    context().load_cert_chain(pki.EC_CERT, pki.EC_KEY_SEC1)
