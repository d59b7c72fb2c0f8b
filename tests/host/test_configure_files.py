"""What `configure` sends: settings files and certificate files, checked before anything goes over the air."""

import base64
import json

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import pkcs7, pkcs12
from typer.testing import CliRunner

from tests.host import pki
from tools.configure import cli, credentials, document, wizard
from tools.configure.screen import Screen
from tools.configure.trouble import Exit, Mistake
from tools.configure.wizard import GivenUp, Wizard

ROOT = pki.certificate_of(pki.OTHER_EC_KEY, subject="Amazon Root CA 1", issuer="Amazon Root CA 1")
ROOT_PEM = ROOT.public_bytes(pki.PEM).decode()
CLAIM = {"role": "claim", "cert": pki.EC_PEM.decode(), "key": pki.key_bytes(pki.EC_KEY, pki.PEM).decode()}
OTHER_KEY_PEM = pki.key_bytes(pki.OTHER_EC_KEY, pki.PEM)


def bare_key(key):
    """SEC1 without the public key, in base64: the device cannot tell in time what it belongs to."""
    secret = key.private_numbers().private_value.to_bytes(32, "big")
    der = bytes.fromhex("30310201010420") + secret + bytes.fromhex("a00a06082a8648ce3d030107")
    return base64.b64encode(der).decode()


def plan_of(**fields):
    return document.from_file(json.dumps(fields))


def test_a_plan_in_the_order_in_which_it_is_sent():
    plan = plan_of(certs=[CLAIM, {"role": "ca", "cert": ROOT_PEM * 2}], aws={"template": "fleet"}, pins={"button": 0})
    assert [(one.typ, one.dat.get("role")) for one in plan.messages] == [
        ("CFG", None),
        ("CERT", "ca"),
        ("CERT", "claim"),
    ]
    assert plan.messages[1].dat == {"role": "ca", "cert": ROOT_PEM * 2}
    assert plan.notes[0].startswith("not sent: pins")
    assert "lacks a Wi-Fi network" in plan.notes[1]


def test_what_only_a_file_can_give_is_left_out_and_told():
    """It is a settings file that `make flash` takes: that Bluetooth does not carry all of it is no mistake in it."""
    plan = plan_of(certs=[{"role": "download", "cert": ROOT_PEM}, CLAIM], hostname="boiler")
    assert [one.dat["role"] for one in plan.messages] == ["claim"]
    assert plan.notes[0].startswith("not sent: hostname, certs of the role download.")


def test_certificates_are_sent_as_pem_however_they_are_given():
    der = {"role": "claim", "cert": base64.b64encode(pki.RSA_CERT).decode()}
    der["key"] = base64.b64encode(pki.key_bytes(pki.RSA_KEY, pki.DER, pki.TRADITIONAL)).decode()
    (message,) = plan_of(certs=[der]).messages
    assert message.dat["cert"].startswith("-----BEGIN CERTIFICATE-----\n")
    assert message.dat["key"] == pki.key_bytes(pki.RSA_KEY, pki.PEM).decode()


def test_a_document_of_the_original_library_is_brought_over():
    plan = plan_of(pWifiSsid="home", pWifiPwd="12345678", awsConfig={"pHostNameStr": "abc.example"})
    cfg = {"networks": [{"ssid": "home", "password": "12345678"}], "aws": {"endpoint": "abc.example"}}
    assert plan.messages[0].dat == cfg


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"networks": [{"ssid": "home", "password": "short"}]}, "networks[0].password: 5 characters"),
        ({"aws": {"endpoint": "https://x"}}, "aws.endpoint"),
        ({"schema": 7}, "schema"),
        ({"certs": [{**CLAIM, "key": pki.key_bytes(pki.OTHER_EC_KEY, pki.PEM).decode()}]}, "does not fit"),
        ({"certs": [{**CLAIM, "key": bare_key(pki.OTHER_EC_KEY)}]}, "does not belong"),
        ({"certs": [{**CLAIM, "key": "rubbish"}]}, "certs[0]"),
        ({"networks": [{"ssid": "n" * 30 + str(n), "password": "p" * 63} for n in range(8)], "aws": {"parameters": {
            str(n): "x" * 256 for n in range(4)}}}, "networks"),
        ({"certs": [{"role": "ca", "cert": ROOT_PEM * 14}]}, "trusted root"),
    ],
)  # fmt: skip
def test_what_the_device_would_refuse_is_refused_before(fields, words):
    with pytest.raises(Mistake) as caught:
        plan_of(**fields)
    assert words in str(caught.value)
    assert "short" not in str(caught.value)


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


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ({"one.pem": pki.EC_PEM}, "not its private key"),
        ({"one.pem": pki.EC_PEM, "two.key": pki.key_bytes(pki.RSA_KEY, pki.PEM)}, "belongs to none"),
        ({"one.key": pki.key_bytes(pki.EC_KEY), "two.key": pki.key_bytes(pki.RSA_KEY)}, "several private keys"),
        ({"one.pem": pki.EC_PEM + OTHER_KEY_PEM + pki.key_bytes(pki.EC_KEY, pki.PEM)}, "several private keys"),
        ({"one.pem": b""}, "is empty"),
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


def test_dates_are_looked_at():
    start, end = pki.START.timestamp(), pki.END.timestamp()
    notes = [credentials.date_note(pki.EC_CERT, now) for now in (start - 9e5, start + 9e5, end - 9e5, end + 9e5)]
    assert [note and note.partition("thing ")[2] for note in notes] == [
        "is not valid yet", None, "expires within a month", "has expired",
    ]  # fmt: skip


class Scripted(Screen):
    """A person who types these lines."""

    def __init__(self, *lines):
        super().__init__()
        self._lines = list(lines)

    def input(self, prompt, secret=False):
        return self._lines.pop(0)


def test_what_cannot_be_sent_may_be_corrected(capsys):
    wizard = Wizard(None, None, Scripted("t", "q"))
    wizard._networks = [{"ssid": "n" * 32, "password": "p" * 63}]
    wizard._aws = {"endpoint": "a." * 120 + "b", "template": "x" * 37}
    with pytest.raises(GivenUp):
        wizard._agreed()
    assert capsys.readouterr().out.count("! aws.template:") == 2


@pytest.mark.parametrize("way", ["1", "2", "3"])
def test_who_corrects_the_cloud_finds_what_was_typed_before(way):
    """Return at every question changes nothing: a thing does not become a claim by it."""
    wizard = Wizard(None, None, Scripted("abc.example", way, *([] if way == "3" else ["a-name"]), *[""] * 3))
    wizard._has_thing = False
    wizard._cloud()
    before = (wizard._role, dict(wizard._aws))
    wizard._cloud()
    assert (wizard._role, wizard._aws) == before
    assert before[1]["endpoint"] == "abc.example"


def test_a_path_that_no_system_takes_is_told_not_a_traceback():
    with pytest.raises(Mistake, match="name too long"):
        credentials.sort_out(credentials.paths_of("c" * 5000))


def test_a_number_is_one_that_is_on_the_list():
    aps = [{"ssid": "home"}, {"ssid": "\u00b2"}]
    chosen = [wizard._chosen(aps, typed) for typed in ("1", "2", "\u00b2", "0", "3", "\u00b3", "-1")]
    assert chosen == [aps[0], aps[1], aps[1], None, None, None, None]


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


def test_a_file_that_is_too_large_is_not_read_to_its_end(tmp_path):
    with (tmp_path / "film.json").open("wb") as file:
        file.write(b"{}")
        file.truncate(2**40)  # what is not written takes no place
    result = CliRunner().invoke(cli.app, ["--file", str(tmp_path / "film.json")])
    assert (result.exit_code, "larger than any settings file" in result.output) == (Exit.USAGE, True), result.output


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ((), "no terminal"),
        (("--status", "--list"), "do not go together"),
        (("--json", "--file", "settings.json"), "--status and --list"),
        (("--reset", "everything"), "settings, or all"),
        (("--reset", "all"), "--yes"),
        (("--file", "not/there.json"), "No such file"),
        (("--file", "-"), "not JSON"),
        (("--list", "--code", "12345"), "setup code"),
    ],
)
def test_a_mistyped_call_ends_before_the_radio_is_touched(options, words):
    result = CliRunner().invoke(cli.app, options, "no json", {"SETUP_CODE": ""})
    assert (result.exit_code, words in result.output) == (Exit.USAGE, True), result.output
    assert "12345" not in result.output
