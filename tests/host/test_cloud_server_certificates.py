"""The certificates that the local AWS IoT shows, and to whom."""

import contextlib
import re
import ssl

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from tools.cloud.authority import CertificateAuthority
from tools.cloud.server_certificates import ServerCertificates


@pytest.fixture(name="certificates", scope="module")
def made_certificates():
    return ServerCertificates(CertificateAuthority.create("root"), "eu-central-1", (LONG_NAME,))


LONG_NAME = ".".join(["a" * 60, "iot", "example"])


def chain_in(text):
    return x509.load_pem_x509_certificates(text[text.index("-----BEGIN CERT") :].encode())


def test_it_is_good_for_a_name_that_is_no_common_name(certificates):
    certificate = chain_in(certificates.chain_and_key())[0]
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert LONG_NAME in names.get_values_for_type(x509.DNSName)


def test_large_chain_has_ten_kilobytes(certificates):
    chain = certificates.chain_and_key("large")
    assert sum(map(len, re.findall(r"(?s)BEGIN CERTIFICATE-----(.*?)-----END", chain))) > 10_000 * 4 / 3


@pytest.mark.parametrize(("kind", "bits"), [("rsa", 2048), ("aws", 256)])
def test_chain_has_four_keys_of_one_kind(certificates, kind, bits):
    assert [each.public_key().key_size for each in chain_in(certificates.chain_and_key(kind))] == [bits] * 4


def key_shown(context, ciphers):
    """The public key of the server that a client with these ciphers meets, over TLS 1.2."""
    client = ssl.create_default_context()
    client.check_hostname, client.verify_mode = False, ssl.CERT_NONE
    client.maximum_version = ssl.TLSVersion.TLSv1_2
    client.set_ciphers(ciphers)
    up, down = ssl.MemoryBIO(), ssl.MemoryBIO()
    ends = [client.wrap_bio(down, up), context.wrap_bio(up, down, server_side=True)]
    for end in ends * 2 + ends[:1]:
        with contextlib.suppress(ssl.SSLWantReadError):
            end.do_handshake()
    return x509.load_der_x509_certificate(ends[0].getpeercert(binary_form=True)).public_key()


def test_as_aws_ec_keys_are_for_clients_that_take_no_other(certificates):
    context = certificates.context("aws", client=ssl.CERT_NONE)
    assert isinstance(key_shown(context, "ECDHE"), rsa.RSAPublicKey)
    assert isinstance(key_shown(context, "ECDHE-ECDSA-AES128-GCM-SHA256"), ec.EllipticCurvePublicKey)
