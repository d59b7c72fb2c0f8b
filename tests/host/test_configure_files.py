"""What `configure` sends: settings files and a person's words, checked before anything goes over the air."""

import base64
import json
import types

import pytest
from cryptography.hazmat.primitives.serialization import pkcs12
from typer.testing import CliRunner

from tests.host import pki
from tools.configure import cli, credentials, document, link, wizard
from tools.configure.screen import Screen
from tools.configure.trouble import Exit, Mistake, Trouble
from tools.configure.wizard import GivenUp, Wizard

ROOT = pki.certificate_of(pki.OTHER_EC_KEY, subject="Amazon Root CA 1", issuer="Amazon Root CA 1")
ROOT_PEM = ROOT.public_bytes(pki.PEM).decode()
STORE = pkcs12.serialize_key_and_certificates(None, pki.EC_KEY, pki.EC_CERTIFICATE, None, pki.CLEAR)
CLAIM = {"role": "claim", "cert": pki.EC_PEM.decode(), "key": pki.key_bytes(pki.EC_KEY, pki.PEM).decode()}


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
        ({"certs": [{**CLAIM, "cert": base64.b64encode(STORE).decode()}]}, "it is PKCS#12: take certificate"),
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


def test_what_just_fits_is_sent():
    def message(size):
        return document.Message("CFG", {"": "x" * (size - len('{"typ": "CFG", "id": 99, "dat": {"": ""}}'))}, "it")

    document._check_size(message(6124))
    with pytest.raises(Mistake, match="6125 bytes, at most 6124"):
        document._check_size(message(6125))


def test_dates_are_looked_at(monkeypatch):
    monkeypatch.setattr(credentials.time, "time", lambda: pki.END.timestamp() + 9e5)
    assert [note for note in plan_of(certs=[CLAIM]).notes if "has expired" in note]
    monkeypatch.undo()
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


def test_a_listed_network_with_a_lock_has_a_password_and_is_chosen_once(capsys):
    wizard = at_the_wifi("1", "", "short", "first password", "y", "home", "second password", "n")
    wizard._wifi()
    assert wizard._networks == [{"ssid": "home", "password": "second password"}]
    shown = capsys.readouterr().out
    assert "! It has no password of “home”: type it." in shown
    assert "! 5 characters; allowed: 8 to 63" in shown


def test_a_network_that_the_device_knows_keeps_its_password(capsys):
    wizard = at_the_wifi("home", "", "y", "hidden", "keep", "y", "open one", "", "n", "y", known={"home", "hidden"})
    wizard._wifi()
    asked = [{"networks": [{"ssid": ssid}]} for ssid in ("home", "hidden")]
    assert wizard._link.told == [(), asked[0], (), asked[1]]  # (): hung up, so that nothing typed before is kept
    sent = [{"ssid": "home"}, {"ssid": "hidden"}, {"ssid": "open one", "password": None}]
    assert wizard._agreed().messages == [("CFG", {"networks": sent}, "settings")]
    shown = " ".join(capsys.readouterr().out.split())
    assert "home (the password it has), hidden (the password it has), open one (open)" in shown


class Knowing:
    """A `Link` to a device that knows these networks."""

    def __init__(self, known):
        self._known, self.told = known, []

    def ask(self, typ, dat):
        self.told.append(dat)
        if dat["networks"][0]["ssid"] not in self._known:
            raise Trouble("refused", 8, "networks[0].password: missing")
        return types.SimpleNamespace(details={})

    def forget_others(self, networks):
        self.told.append(networks)


def at_the_wifi(*lines, known=()):
    wizard = Wizard(lambda made: made, Knowing(known), Scripted(*lines))
    wizard._scan = lambda: [{"ssid": "home", "rssi": -50, "secure": True}]
    return wizard


def test_a_device_that_refuses_to_tell_is_set_up_all_the_same():
    def ask(_):
        raise trouble

    link = types.SimpleNamespace(ask=lambda typ, _: typ)
    trouble = Trouble("refused", 8)
    assert Wizard(ask, link, None)._asked("STS") is None
    trouble = Trouble("link_lost")
    with pytest.raises(Trouble):
        Wizard(ask, link, None)._asked("STS")


@pytest.mark.parametrize(
    ("way", "codes"), [("w", (6, 7, 9)), ("c", (5, 14)), ("f", (8, 13, 15)), ("t", (None, 1, 3, 4, 10, 11, 12, 99))]
)
def test_what_is_offered_first_fits_the_failure(way, codes):
    assert {wizard._first_way(code) for code in codes} == {way}


@pytest.mark.parametrize("last", [None, "code 6", {}, {"code": 0}, {"code": None}, {"code": "6"}, {"code": [6]}])
def test_what_is_no_failure_is_none(last):
    assert link.last_failure({"last": last}) is None
    assert link.last_failure({"last": {"code": 6}}) == {"code": 6}


def test_a_number_is_one_that_is_on_the_list():
    aps = [{"ssid": "home"}, {"ssid": "\u00b2"}]
    chosen = [wizard._chosen(aps, typed) for typed in ("1", "2", "\u00b2", "0", "3", "\u00b3", "-1")]
    assert chosen == [aps[0], aps[1], aps[1], None, None, None, None]


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
        (("--file", "-"), "--file -: it is not JSON"),
        (("--list", "--code", "12345"), "setup code"),
    ],
)
def test_a_mistyped_call_ends_before_the_radio_is_touched(options, words):
    result = CliRunner().invoke(cli.app, options, "no json", {"SETUP_CODE": ""})
    assert (result.exit_code, words in result.output) == (Exit.USAGE, True), result.output
    assert "12345" not in result.output
