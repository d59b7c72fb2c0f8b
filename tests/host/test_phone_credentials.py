"""Certificate files on the phone page, sorted out and judged as on the device."""

import base64
import subprocess

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import pkcs7, pkcs12
from hypothesis import given, settings
from hypothesis import strategies as st

import errors
from certificates import certificate, key, pair
from tests.host import pki

SORT = """async (load, _, files) => {
  const { Credentials, certificatePem, keyPem } = await load("credentials");
  const credentials = new Credentials();
  const notes = files.flatMap(([name, bytes]) => credentials.add(name, bytes));
  const { identity, roots, problems } = await credentials.assemble();
  return {
    notes, problems,
    roots: roots.map((root) => certificatePem([root])),
    roles: credentials.items.map(({ role }) => role),
    pair: identity && [certificatePem([identity.cert]), keyPem(identity.key)],
  };
}"""

EC_PEM, EC_KEY = pki.EC_PEM, pki.key_bytes(pki.EC_KEY, pki.PEM)
CURVE_OF_OPENSSL = b"-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n"
P384_PEM = pki.certificate_of(pki.P384_KEY).public_bytes(pki.PEM)
ODD_PEM = pki.certificate_of(pki.ODD_KEY).public_bytes(pki.PEM)
ROOT = pki.certificate_of(pki.OTHER_EC_KEY, subject="root").public_bytes(pki.PEM)
PKCS12 = pkcs12.serialize_key_and_certificates(
    b"device", pki.EC_KEY, x509.load_der_x509_certificate(pki.EC_CERT), None, pki.serialization.NoEncryption()
)
PKCS7 = pkcs7.serialize_certificates([x509.load_der_x509_certificate(pki.EC_CERT)], pki.DER)
OLD_ENCRYPTED = subprocess.run(
    ["openssl", "pkcs8", "-topk8", "-v1", "PBE-SHA1-3DES", "-passout", "pass:x", "-outform", "DER"],
    input=EC_KEY, capture_output=True, check=True,
).stdout  # fmt: skip
SEC1 = pki.key_bytes(pki.EC_KEY, pki.DER, pki.TRADITIONAL)


@pytest.mark.parametrize(
    "cert, private",
    [
        (EC_PEM, EC_KEY),
        (pki.EC_CERT, pki.key_bytes(pki.EC_KEY)),
        (EC_PEM, pki.key_bytes(pki.EC_KEY, pki.PEM, pki.TRADITIONAL)),
        (pki.RSA_CERT, pki.key_bytes(pki.RSA_KEY, pki.PEM, pki.TRADITIONAL)),
        (pki.RSA_CERT, pki.key_bytes(pki.RSA_KEY)),
        (P384_PEM, pki.key_bytes(pki.P384_KEY, pki.PEM)),
        (pki.certificate_of(pki.P521_KEY).public_bytes(pki.PEM), pki.key_bytes(pki.P521_KEY, pki.DER, pki.TRADITIONAL)),
        (
            b'"' + EC_PEM.replace(b"\n", b'\\n"\n"'),
            CURVE_OF_OPENSSL + pki.key_bytes(pki.EC_KEY, pki.PEM, pki.TRADITIONAL),
        ),
        (EC_PEM.replace(b"\n", b"\\\\n"), EC_KEY.replace(b"\n", b"\r")),
        (b"Bag Attributes\r\n" + EC_PEM.replace(b"\n", b"\r\n"), EC_KEY.replace(b"\n", b"\\n")),
    ],
)
def test_files_become_what_the_device_takes(node, cert, private):
    sorted_out = node.script(SORT, [["device.pem.crt", cert], ["private.pem", private], ["AmazonRootCA1.pem", ROOT]])
    assert (sorted_out["notes"], sorted_out["problems"]) == ([], [])
    assert sorted_out["roles"] == ["certificate", "key", "root"]
    assert pair(*sorted_out["pair"]) == pair(cert, private)
    assert certificate(sorted_out["roots"][0]) == certificate(ROOT)


def test_a_text_of_windows_in_utf_16_is_read(node):
    for order, mark in (("utf-16-le", b"\xff\xfe"), ("utf-16-be", b"\xfe\xff")):
        files = [[name, mark + text.decode().encode(order)] for name, text in (("cert", EC_PEM), ("key", EC_KEY))]
        assert node.script(SORT, files)["pair"], order


def test_a_chain_leaves_only_what_fits_the_key(node):
    middle = pki.certificate_of(pki.RSA_KEY, subject="intermediate").public_bytes(pki.PEM)
    sorted_out = node.script(SORT, [["chain.pem", middle + EC_PEM], ["key.pem", EC_KEY], ["root.pem", ROOT]])
    assert sorted_out["roles"] == ["unused", "certificate", "key", "root"]
    assert certificate(sorted_out["pair"][0]) == pki.EC_CERT


def test_the_rest_of_a_chain_is_no_root_though_it_has_a_file_of_its_own_too(node):
    middle = pki.certificate_of(pki.RSA_KEY, subject="intermediate").public_bytes(pki.PEM)
    files = [["cert.pem", EC_PEM], ["chain.pem", middle], ["fullchain.pem", EC_PEM + middle], ["privkey.pem", EC_KEY]]
    assert node.script(SORT, files)["roles"] == ["certificate", "unused", "key"]


def test_the_rest_of_a_chain_may_have_keys_that_no_device_can_have(node):
    assert node.script(SORT, [["chain.pem", ODD_PEM + EC_PEM], ["key.pem", EC_KEY]])["problems"] == []
    (problem,) = node.script(SORT, [["odd.pem", ODD_PEM], ["key.pem", EC_KEY]])["problems"]
    assert "secp256k1" in problem
    (problem,) = node.script(SORT, [["chain.pem", ODD_PEM + P384_PEM], ["key.pem", EC_KEY]])["problems"]
    assert "does not belong" in problem


def without_public_point(private):
    """Its SEC1 without the optional public half: only trying it out tells whether the key fits."""
    sec1 = pki.key_bytes(private, pki.DER, pki.TRADITIONAL)
    coordinate = (private.key_size + 7) // 8
    at = len(sec1) - (2 * coordinate + 1) - 5  # before the point: its tag and length, and those of a bit string
    head = 3 if sec1[1] == 0x81 else 2
    return b"\x30" + bytes([at - head]) + sec1[head:at]


@pytest.mark.parametrize(
    "cert, key_pair, fits",
    [
        (EC_PEM, pki.EC_KEY, True),
        (EC_PEM, pki.OTHER_EC_KEY, False),
        (P384_PEM, pki.P384_KEY, True),
        (EC_PEM, pki.P384_KEY, False),
    ],
)
def test_a_key_is_tried_on_its_certificate(node, cert, key_pair, fits):
    bare = without_public_point(key_pair)
    key(bare)  # the device reads it
    sorted_out = node.script(SORT, [["cert", cert], ["key", bare]])
    assert (sorted_out["pair"] is not None) is fits
    assert any("does not belong" in problem for problem in sorted_out["problems"]) is not fits


def armoured(label, der):
    return f"-----BEGIN {label}-----\n{base64.encodebytes(der).decode()}-----END {label}-----\n".encode()


@pytest.mark.parametrize(
    "private, word",
    [
        (pki.key_bytes(pki.OTHER_EC_KEY, pki.PEM), "does not belong"),
        (pki.key_bytes(pki.EC_KEY, pki.PEM, pki.PKCS8, pki.serialization.BestAvailableEncryption(b"x")), "password"),
        (pki.key_bytes(pki.EC_KEY, pki.DER, pki.PKCS8, pki.serialization.BestAvailableEncryption(b"x")), "password"),
        (OLD_ENCRYPTED, "password"),
        (pki.key_bytes(pki.ODD_KEY, pki.PEM), "secp256k1"),
        (EC_KEY[:60], "cut off"),
        (ROOT + EC_KEY[:60], "cut off"),
        (ROOT + EC_KEY[:-40] + CURVE_OF_OPENSSL, "cut off"),
        (EC_PEM[:-200] + EC_PEM[-100:], "cannot be used"),
        (b"hello, world", "neither PEM"),
        (b"", "empty"),
        (bytes(65537), "65536"),
        (b"PK\x03\x04" + bytes(70000), "unpack it"),
        (None, "not folders"),
        (PKCS12, "openssl pkcs12"),
        (base64.b64encode(PKCS12), "openssl pkcs12"),
        (armoured("CERTIFICATE", PKCS12), "openssl pkcs12"),
        (armoured("PKCS12", PKCS12), "openssl pkcs12"),
        (PKCS7, "openssl pkcs7"),
        (CURVE_OF_OPENSSL, "ec parameters"),
        (b"-----BEGIN PUBLIC KEY-----\nTUlJQg==\n-----END PUBLIC KEY-----\n", "public key"),
    ],
)
def test_what_cannot_be_used_is_told(node, private, word):
    sorted_out = node.script(SORT, [["cert.pem", EC_PEM], ["my.file", private]])
    assert sorted_out["pair"] is None
    assert any(word in sentence for sentence in sorted_out["notes"] + sorted_out["problems"]), sorted_out


def device_says(read, der):
    """True, or the name of what the page throws. Without its first byte it is no DER: the device then tries base64."""
    try:
        return (der[:1] == b"\x30" and bool(read(der))) or "Malformed"
    except errors.PersonError:
        return "Malformed"


@settings(max_examples=150)
@given(st.sampled_from([pki.EC_CERT, pki.RSA_CERT]), st.integers(0, 10**6), st.integers(0, 255), st.booleans())
def test_damaged_certificates_are_judged_as_on_the_device(node, der, place, value, cut):
    place %= len(der)
    damaged = der[:place] if cut else der[:place] + bytes([value]) + der[place + 1 :]
    script = """async (load, _, der) => {
      const { readCertificate } = await load("certificates");
      try { readCertificate(der).publicKey(); return true; } catch (error) { return error.constructor.name; }
    }"""
    assert node.script(script, damaged) == device_says(certificate, damaged)


@settings(max_examples=150)
@given(
    st.sampled_from([pki.key_bytes(pki.EC_KEY), SEC1, pki.key_bytes(pki.RSA_KEY), pki.key_bytes(pki.P521_KEY)]),
    st.integers(0, 10**6),
    st.integers(0, 255),
)
def test_damaged_keys_are_judged_as_on_the_device(node, der, place, value):
    place %= len(der)
    damaged = der[:place] + bytes([value]) + der[place + 1 :]
    script = """async (load, _, der) => {
      try { (await load("certificates")).readKey(der); return true; } catch (error) { return error.constructor.name; }
    }"""
    assert node.script(script, damaged) == device_says(key, damaged)


def test_two_keys_and_too_many_parts_are_told(node):
    files = [["one.key", EC_KEY], ["two.key", pki.key_bytes(pki.RSA_KEY, pki.PEM)], ["cert.pem", pki.RSA_CERT]]
    assert any("two private keys" in problem for problem in node.script(SORT, files)["problems"])
    many = [pki.certificate_of(pki.EC_KEY, subject=str(number)).public_bytes(pki.PEM) for number in range(21)]
    assert node.script(SORT, [["bundle.pem", b"".join(many)]])["notes"] == [
        "bundle.pem was left out: 20 parts are the most."
    ]


def test_dates_are_looked_at(node):
    script = """async (load, _, der, days) => {
      const { readCertificate, datesProblem } = await load("certificates");
      const read = readCertificate(der);
      const near = (date, day) => new Date(date.getTime() + day * 86400_000);
      const [begin, end] = [read.notBefore, read.notAfter];
      return [near(begin, -1), begin, end, near(end, 1)].map((now) => datesProblem(read, now).slice(0, 10));
    }"""
    assert node.script(script, pki.EC_CERT) == ["it is not ", "", "", "it expired"]
