"""Certificate files as people have them, sorted out by `configure`."""

import base64

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import pkcs7, pkcs12

from tests.host import pki
from tools.configure import credentials, document
from tools.configure.trouble import Mistake

ROOT = pki.certificate_of(pki.OTHER_EC_KEY, subject="Amazon Root CA 1", issuer="Amazon Root CA 1")
OTHER_KEY_PEM = pki.key_bytes(pki.OTHER_EC_KEY, pki.PEM)


def test_a_text_of_windows_in_utf_16_is_read(tmp_path):
    (tmp_path / "cert.pem").write_text(pki.EC_PEM.decode(), encoding="utf-16")
    (tmp_path / "key.pem").write_text(pki.key_bytes(pki.EC_KEY, pki.PEM).decode(), encoding="utf-16")
    assert credentials.sort_out([tmp_path]).cert == pki.EC_CERT


@pytest.mark.parametrize("form", [pki.PKCS8, pki.TRADITIONAL])
def test_files_are_sorted_out_by_what_is_in_them(tmp_path, form):
    (tmp_path / "a.pem").write_bytes(ROOT.public_bytes(pki.PEM) + pki.EC_PEM)
    (tmp_path / "b.der").write_bytes(pki.key_bytes(pki.EC_KEY, pki.DER, form))
    (tmp_path / "c.key").write_text("-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n")
    found = credentials.sort_out([tmp_path])
    assert (found.cert, found.key) == (pki.EC_CERT, pki.key_bytes(pki.EC_KEY, pki.DER, form))
    assert found.roots == [ROOT.public_bytes(pki.DER)]
    assert found.notes == ["c.key was left out: it is a public key"]
    (message, root) = document.from_person([], {}, "thing", found).messages[::-1]
    assert (message.dat["role"], root.dat["role"]) == ("thing", "ca")


@pytest.mark.parametrize("key", [pki.P384_KEY, pki.P521_KEY, pki.RSA_KEY], ids=["P-384", "P-521", "RSA"])
def test_keys_of_every_kind_are_known_by_their_certificate(tmp_path, key):
    own = pki.certificate_of(key)
    (tmp_path / "all.pem").write_bytes(pki.key_bytes(key, pki.PEM) + pki.EC_PEM + own.public_bytes(pki.PEM))
    found = credentials.sort_out([tmp_path])
    assert found.cert == own.public_bytes(pki.DER)
    assert document.from_person([], {}, "thing", found).messages[0].dat["role"] == "thing"


def test_the_rest_of_a_chain_is_no_root_and_a_root_may_be_of_any_kind(tmp_path):
    issuer = pki.certificate_of(pki.OTHER_EC_KEY, subject="root", issuer="above")
    big = ec.generate_private_key(ec.SECP384R1())
    root = pki.certificate_of(big, subject="big", issuer="big", signer=big)
    (tmp_path / "chain.pem").write_bytes(pki.EC_PEM + issuer.public_bytes(pki.PEM))
    (tmp_path / "own.key").write_bytes(pki.key_bytes(pki.EC_KEY, pki.PEM))
    (tmp_path / "root.pem").write_bytes(root.public_bytes(pki.PEM))
    found = credentials.sort_out([tmp_path / "chain.pem", tmp_path / "own.key", tmp_path / "root.pem"])
    assert (found.cert, found.roots) == (pki.EC_CERT, [root.public_bytes(pki.DER)])


def test_the_rest_of_a_chain_is_none_when_it_has_a_file_of_its_own_too(tmp_path):
    """The folder of an authority: certificate, chain, both in one, key."""
    issuer = pki.certificate_of(pki.OTHER_EC_KEY, subject="issuer", issuer="above").public_bytes(pki.PEM)
    (tmp_path / "cert.pem").write_bytes(pki.EC_PEM)
    (tmp_path / "chain.pem").write_bytes(issuer)
    (tmp_path / "fullchain.pem").write_bytes(pki.EC_PEM + issuer)
    (tmp_path / "privkey.pem").write_bytes(pki.key_bytes(pki.EC_KEY, pki.PEM))
    found = credentials.sort_out([tmp_path])
    assert (found.cert, found.roots) == (pki.EC_CERT, [])


def test_a_key_that_is_there_twice_is_one_and_a_root_needs_none(tmp_path):
    for name, data in (("a.key", pki.PEM), ("b.key", pki.DER)):
        (tmp_path / name).write_bytes(pki.key_bytes(pki.EC_KEY, data))
    (tmp_path / "cert.pem").write_bytes(pki.EC_PEM)
    (tmp_path / "root.pem").write_bytes(ROOT.public_bytes(pki.PEM))
    assert credentials.sort_out([tmp_path]).cert == pki.EC_CERT
    alone = credentials.sort_out([tmp_path / "root.pem"])
    assert (alone.cert, alone.key, alone.roots) == (None, None, [ROOT.public_bytes(pki.DER)])
    found = credentials.sort_out([tmp_path])
    assert [one.dat["role"] for one in document.from_person([], {}, None, found).messages] == ["ca"]


def test_a_folder_of_everything_is_not_this_device_s(tmp_path):
    for number in range(41):
        (tmp_path / f"{number}.pem").write_bytes(pki.EC_PEM)
    with pytest.raises(Mistake, match="41 files"):
        credentials.sort_out([tmp_path])


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ({"one.pem": pki.EC_PEM}, "not its private key"),
        ({"one.pem": pki.EC_PEM, "two.key": pki.key_bytes(pki.RSA_KEY, pki.PEM)}, "belongs to none"),
        ({"one.key": pki.key_bytes(pki.EC_KEY), "two.key": pki.key_bytes(pki.RSA_KEY)}, "several private keys"),
        ({"one.pem": pki.EC_PEM + OTHER_KEY_PEM + pki.key_bytes(pki.EC_KEY, pki.PEM)}, "several private keys"),
        ({"one.pem": b""}, "is empty"),
        ({"one.pem": pki.EC_PEM + b"#" * 65536}, "65537 bytes"),
        ({"one.pem": b"PK\x03\x04 from the console"}, "unpack it"),
        ({"one.pem": pki.EC_PEM[:-40]}, "one.pem"),
    ],
)
def test_files_that_do_not_fit_are_told(tmp_path, files, words):
    for name, data in files.items():
        (tmp_path / name).write_bytes(data)
    with pytest.raises(Mistake) as caught:
        credentials.sort_out([tmp_path])
    assert words in str(caught.value)


REQUEST = x509.CertificateSigningRequestBuilder(ROOT.subject).sign(pki.EC_KEY, hashes.SHA256()).public_bytes(pki.PEM)
STORE = pkcs12.serialize_key_and_certificates(b"device", pki.EC_KEY, pki.EC_CERTIFICATE, None, pki.CLEAR)
DATE = pki.EC_CERT.index(b"\x17\x0d") + 2
WITHOUT_DATE = pki.EC_CERT[: DATE + 2] + b"13" + pki.EC_CERT[DATE + 4 :]  # in the thirteenth month
WITH_PASSWORD = pki.serialization.BestAvailableEncryption(b"x")


@pytest.mark.parametrize(
    ("file", "data", "words"),
    [
        (
            "one.key",
            pki.key_bytes(pki.EC_KEY, pki.DER, pki.PKCS8, WITH_PASSWORD),
            "left out: it is encrypted",
        ),
        ("one.csr", REQUEST, "one.csr was left out: it is a certificate signing request"),
        (
            "one.p12",
            STORE,
            "it is PKCS#12: take certificate and key out of it by `openssl pkcs12",
        ),
        ("one.b64", base64.encodebytes(STORE), "it is PKCS#12: take certificate and key out of it by `openssl pkcs12"),
        (
            "one.b7b",
            base64.encodebytes(pkcs7.serialize_certificates([pki.EC_CERTIFICATE], pki.DER)),
            "`openssl pkcs7 -print_certs",
        ),
        (
            "one.p7b",
            pkcs7.serialize_certificates([pki.EC_CERTIFICATE], pki.DER),
            "`openssl pkcs7 -print_certs",
        ),
        ("one.der", WITHOUT_DATE, "it is not a private key, and as a certificate it cannot be read: a date in it"),
        ("one.txt", b"hello", "it is neither PEM, nor DER, nor base64"),
    ],
)
def test_what_is_missing_may_be_what_was_left_out(tmp_path, file, data, words):
    (tmp_path / file).write_bytes(data)
    (tmp_path / "cert.pem").write_bytes(pki.EC_PEM)
    with pytest.raises(Mistake) as caught:
        credentials.sort_out([tmp_path / file, tmp_path / "cert.pem"])
    assert str(caught.value).startswith("a certificate is there, but not its private key: give both; ")
    assert words in str(caught.value)


def test_a_folder_with_nothing_but_a_store_says_so(tmp_path):
    (tmp_path / "device.p12").write_bytes(STORE)
    found = credentials.sort_out([tmp_path])
    assert (found.cert, found.roots) == (None, [])
    assert found.notes[0].startswith("device.p12 was left out: it is PKCS#12: take certificate and key out of it by")


def test_a_path_that_no_system_takes_is_told_not_a_traceback():
    with pytest.raises(Mistake, match="name too long"):
        credentials.sort_out(credentials.paths_of("c" * 5000))


def test_typed_paths_are_read_as_a_shell_does(monkeypatch):
    assert [str(path) for path in credentials.paths_of("'with space.pem' other.key")] == ["with space.pem", "other.key"]
    for line in ("'open", "~no_such_user_here/cert.pem"):
        with pytest.raises(Mistake):
            credentials.paths_of(line)
    monkeypatch.setattr(credentials, "_ON_WINDOWS", True)
    assert [str(path) for path in credentials.paths_of(r'"C:\from AWS\a.pem" D:\b.key')] == [
        r"C:\from AWS\a.pem",
        r"D:\b.key",
    ]
