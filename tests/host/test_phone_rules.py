"""What the phone page accepts and says, against the rules of the device: settings, codes, certificates, and its own."""

import re

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import pkcs7, pkcs12
from hypothesis import given, settings
from hypothesis import strategies as st

import errors
import settings_checks
from ble import code_table, framing, setup_code
from certificates import certificate, key, pair
from tests.host import pki
from tests.host.phone_node import PAGE

# the same rules as lib


def refuses(check, value):
    try:
        check("field", value)
    except errors.PersonError:
        return True
    return False


VALUES = ["", "a", "a" * 8, "a" * 32, "a" * 33, "a" * 36, "a" * 37, "a" * 63, "a" * 64, "g" * 64, "a" * 65,
          "ä" * 16, "ä" * 17, "a" * 128, "a" * 129, "1234567", "pässword", "has space", " ~" * 4, "tab\there!",
          "nul\0byte", "https://a.b", "a.b/c", "a.b:8883", "a.b", "-a.b", "a-.b", "a..b", "1.2.3.4", "1.2.3",
          "256.1.1.1", "1.2.3.4.5", "abc123-ats.iot.eu-west-1.amazonaws.com", "a_b", "a:b", "a b", "ab.c" * 64,
          "x" * 64 + ".b", ".".join(["a"] * 127), "a.", "a.0x1", None]  # fmt: skip
RULES = {
    "ssid": settings_checks.ssid,
    "password": settings_checks.password,
    "endpoint": settings_checks.endpoint,
    "host": settings_checks.host,
    "thing": lambda path, value: settings_checks.word(path, value, 128, ":_-"),
    "template": lambda path, value: settings_checks.word(path, value, 36, "_-"),
}


@pytest.mark.parametrize("rule", RULES)
def test_the_page_accepts_what_the_device_accepts(node, rule):
    script = (
        "async (load, _, rule, values) => { const limits = await load('limits'); return values.map(limits[rule]); }"
    )
    refused = dict(zip(VALUES, map(bool, node.script(script, rule, VALUES)), strict=True))
    assert refused == {value: refuses(RULES[rule], value) for value in VALUES}


def test_numbers_are_those_of_the_device(node):
    script = """async (load) => {
      const [limits, framing, { CODES }] = [await load("limits"), await load("framing"), await load("codes")];
      return [limits.MAX_NETWORKS, limits.ROLES, framing.LARGEST, framing.HEADER, framing.GAP_MS, CODES];
    }"""
    networks, roles, largest, header, gap_ms, numbers = node.script(script)
    assert (networks, tuple(roles)) == (settings_checks.MAX_NETWORKS, settings_checks.ROLES)
    assert (largest, header, gap_ms) == (framing.LARGEST, framing.HEADER, framing.GAP_MS)
    assert numbers == {code_table.find(number)[0]: number for number in code_table.numbers()}


@pytest.mark.parametrize(
    "port, fine", [(1, True), (65535, True), (0, False), (65536, False), (1.5, False), (None, False)]
)
def test_ports_are_accepted_as_the_device_does(node, port, fine):
    assert (node.call("limits.port", port) == "") is fine


@settings(max_examples=50)
@given(st.binary(min_size=10, max_size=10), st.sampled_from(["", "-", " ", "."]), st.booleans())
def test_setup_codes_are_read_as_typed(node, code, separator, lower):
    typed = setup_code.text(code).replace("-", separator)
    assert node.call("setup-code.parse", typed.lower() if lower else typed) == {"bytes": code}
    link = setup_code.link("https://example.org/", code)
    assert node.call("setup-code.fromLink", link.split("/")[-1]) == setup_code.text(code)
    assert node.call("setup-code.grouped", link) == setup_code.text(code), "pasted into the field"


@pytest.mark.parametrize(
    "typed",
    [
        "",
        "AAIS-EM2E-KVTH-PCE",
        "AAIS-EM2E-KVTH-PCEZA",
        "AAIS-EM2E-KVTH-PCE1",
        "AAIS-EM2E-KVTH-PCE9",
        "ÄAIS-EM2E-KVTH-PCEZ",
    ],
)
def test_what_is_no_setup_code_is_told(node, typed):
    answer = node.call("setup-code.parse", typed)
    assert answer["problem"] and "bytes" not in answer
    assert typed == "" or typed not in answer["problem"]
    assert node.call("setup-code.fromLink", "#" + typed) == ""


# certificates

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


@pytest.mark.parametrize(
    "private, word",
    [
        (pki.key_bytes(pki.OTHER_EC_KEY, pki.PEM), "does not belong"),
        (pki.key_bytes(pki.EC_KEY, pki.PEM, pki.PKCS8, pki.serialization.BestAvailableEncryption(b"x")), "password"),
        (pki.key_bytes(pki.EC_KEY, pki.DER, pki.PKCS8, pki.serialization.BestAvailableEncryption(b"x")), "password"),
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


# structure


def code_of(path):
    """The file without its comments."""
    return re.sub(r"/\*.*?\*/|^\s*//.*$", "", path.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)


def imports_of(path):
    return re.findall(r'from "([^"]+)"', path.read_text(encoding="utf-8"))


def test_the_protocol_knows_no_page_and_the_view_no_protocol():
    for path in (PAGE / "protocol").glob("*.js"):
        assert not re.search(r"\b(document\.(get|query|create|body)|window|navigator)\b", code_of(path)), path.name
        assert all(name.startswith("./") for name in imports_of(path)), path.name
    for path in (PAGE / "view").glob("*.js"):
        assert all(name.startswith("./") for name in imports_of(path)), path.name


def test_nothing_is_stored_and_nothing_comes_from_elsewhere():
    for path in PAGE.rglob("*.*"):
        if path.suffix not in (".js", ".html", ".css"):
            continue
        text = path.read_text(encoding="utf-8")
        assert not re.search(r"localStorage|sessionStorage|indexedDB|document\.cookie", text), path.name
        assert not re.search(r'(src|href|url|import)[=(\s]+["\']?https?:', text), path.name


def test_every_code_has_words_and_a_way_on(node):
    script = (
        "async (load) => { const { CODES, KINDS, WAYS } = await load('view/words'); return { CODES, KINDS, WAYS }; }"
    )
    words = node.script(script)
    assert sorted(map(int, words["CODES"])) == code_table.numbers()
    for entry in [*words["CODES"].values(), *words["KINDS"].values()]:
        assert entry["title"] and entry["text"] and entry["ways"]
        assert set(entry["ways"]) <= words["WAYS"].keys()
