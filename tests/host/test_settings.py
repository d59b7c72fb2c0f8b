"""The settings file, flash and the phone -> checked settings; whatever is wrong is named in words."""

import base64
import json

import pytest

import certificates
import errors
import settings
from tests.host.pki import (
    DER,
    EC_CERT,
    EC_KEY,
    EC_PEM,
    OTHER_EC_KEY,
    PEM,
    PKCS8,
    RSA_KEY,
    TRADITIONAL,
    certificate_of,
    key_bytes,
)

KEY_PEM = key_bytes(EC_KEY, PEM).decode()
CA_PEM = certificate_of(OTHER_EC_KEY, subject="root").public_bytes(PEM)
ROOTS = {"role": "ca", "cert": (CA_PEM + EC_PEM).decode()}
THING = {"role": "thing", "cert": EC_PEM.decode(), "key": KEY_PEM}
CLAIM = {
    "role": "claim",
    "cert": certificate_of(RSA_KEY).public_bytes(PEM).decode(),
    "key": key_bytes(RSA_KEY, PEM, TRADITIONAL).decode(),
}
COMPLETE = {
    "schema": 1,
    "networks": [{"ssid": "home", "password": "correct horse"}, {"ssid": "café ☕", "password": None}],
    "aws": {"endpoint": "abc-ats.iot.eu-west-1.amazonaws.com", "template": "lamps"},
    "certs": [ROOTS, CLAIM],
}


def load(document, *layers):
    return settings.load(json.dumps(document), *layers)


def refused(call, *details):
    """The sentence of the error that a person reads."""
    with pytest.raises(errors.PersonError) as caught:
        call(*details)
    assert str(caught.value).startswith(caught.value.code)
    return str(caught.value)


def networks(loaded):
    return [(network.ssid, network.password) for network in loaded.networks]


def test_complete_file_lacks_nothing():
    loaded = load(COMPLETE)

    assert loaded.missing() == []
    assert loaded.warnings == []
    assert networks(loaded) == [("home", "correct horse"), ("café ☕", None)]
    assert (loaded.aws.endpoint, loaded.aws.port) == ("abc-ats.iot.eu-west-1.amazonaws.com", 8883)
    assert [certificates.is_self_signed(root) for root in loaded.roots] == [True, False]
    assert loaded.claim.key == key_bytes(RSA_KEY, DER, TRADITIONAL)
    assert loaded.thing is None


def test_nothing_at_all_says_what_is_missing():
    assert settings.load(None).missing() == [
        "a Wi-Fi network (networks)",
        "the address of the cloud (aws.endpoint)",
        "a trusted root (certs, role ca)",
        "thing or claim credentials (certs, role thing or claim)",
    ]


@pytest.mark.parametrize(
    ("change", "missing"),
    [
        ({"networks": []}, ["a Wi-Fi network (networks)"]),
        ({"aws": {"template": "lamps"}}, ["the address of the cloud (aws.endpoint)"]),
        ({"aws": {"endpoint": "a.b"}}, ["the provisioning template (aws.template)"]),
        ({"certs": [CLAIM]}, ["a trusted root (certs, role ca)"]),
        ({"certs": [ROOTS]}, ["thing or claim credentials (certs, role thing or claim)"]),
        ({"certs": [ROOTS, THING]}, ["the thing's name (aws.thing)"]),
        ({"certs": [ROOTS, THING], "aws": {"endpoint": "a.b", "thing": "lamp-7"}}, []),
        ({"certs": [ROOTS, THING, CLAIM]}, []),
    ],
)
def test_what_is_missing_is_told_in_words(change, missing):
    assert load({**COMPLETE, **change}).missing() == missing


def test_device_that_was_enrolled_needs_no_claim_any_more():
    assert load({**COMPLETE, "certs": [ROOTS]}).missing(has_thing=True) == []


@pytest.mark.parametrize(
    ("document", "words"),
    [
        ({"networks": {}}, ["networks: an object", "list of at most 8"]),
        ({"networks": [{"ssid": f"n{n}", "password": None} for n in range(9)]}, ["networks: 9 entries", "at most 8"]),
        ({"networks": [7]}, ["networks[0]: 7", "object"]),
        ({"networks": [{"password": "12345678"}]}, ["networks[0].ssid: null", "1 to 32"]),
        ({"networks": [{"ssid": "", "password": None}]}, ["networks[0].ssid: empty"]),
        ({"networks": [{"ssid": "é" * 17, "password": None}]}, ["networks[0].ssid: 34 bytes"]),
        ({"networks": [{"ssid": "a\0b", "password": None}]}, ["networks[0].ssid", "zero byte"]),
        ({"networks": [{"ssid": "\ud800", "password": None}]}, ["networks[0].ssid", "UTF-8"]),
        ({"networks": [{"ssid": "x"}]}, ["networks[0].password: missing", "null for an open network"]),
        ({"networks": [{"ssid": "x", "password": ""}]}, ["password: empty", "null for an open network"]),
        ({"networks": [{"ssid": "x", "password": "short"}]}, ["password: 5 characters", "8 to 63"]),
        ({"networks": [{"ssid": "x", "password": "x" * 64}]}, ["password: 64 characters", "64 hexadecimal"]),
        ({"networks": [{"ssid": "x", "password": "grünkohl"}]}, ["password", "printable ASCII"]),
        ({"networks": [{"ssid": "x", "password": 12345678}]}, ["password: not a text"]),
        ({"aws": []}, ["aws: a list", "object"]),
        ({"aws": {"endpoint": "https://a.b"}}, ["aws.endpoint", "scheme", "a host name alone"]),
        ({"aws": {"endpoint": "a.b:8883"}}, ["aws.endpoint", "has a port", "field port"]),
        ({"aws": {"endpoint": "a.b/mqtt"}}, ["aws.endpoint", "path"]),
        ({"aws": {"endpoint": " a.b"}}, ["aws.endpoint", "no host name"]),
        ({"aws": {"endpoint": "a..b"}}, ["aws.endpoint", "no host name"]),
        ({"aws": {"endpoint": "-a.b"}}, ["aws.endpoint", "no host name"]),
        ({"aws": {"endpoint": "1.2.3.256"}}, ["aws.endpoint", "no IPv4 address"]),
        ({"aws": {"endpoint": "1.2.3"}}, ["aws.endpoint", "no IPv4 address"]),
        ({"aws": {"endpoint": "a" * 64 + ".b"}}, ["aws.endpoint", "no host name"]),
        ({"aws": {"endpoint": "ab." * 85}}, ["aws.endpoint"]),
        ({"aws": {"endpoint": ""}}, ["aws.endpoint: empty"]),
        ({"aws": {"port": "8883"}}, ["aws.port", "a whole number from 1 to 65535"]),
        ({"aws": {"port": 0}}, ["aws.port: 0"]),
        ({"aws": {"port": 65536}}, ["aws.port: 65536"]),
        ({"aws": {"port": True}}, ["aws.port: true"]),
        ({"aws": {"port": 8883.0}}, ["aws.port: 8883.0"]),
        ({"aws": {"thing": "my lamp"}}, ['aws.thing: "my lamp"', ":_-"]),
        ({"aws": {"thing": "x" * 129}}, ["aws.thing", "..."]),
        ({"aws": {"template": "x" * 37}}, ["aws.template", "1 to 36"]),
        ({"aws": {"template": "a/b"}}, ["aws.template"]),
        ({"aws": {"parameters": {"Site": 5}}}, ["aws.parameters.Site: 5", "text"]),
        ({"aws": {"parameters": {str(n): "" for n in range(17)}}}, ["aws.parameters: 17 entries"]),
        ({"aws": {"parameters": {"Site": "x" * 257}}}, ["aws.parameters.Site: 257 bytes"]),
        ({"app": [1]}, ["app: a list"]),
        ({"app": {"a": "x" * 5000}}, ["app: 50", "at most 4096"]),
        ({"hardware": "my board"}, ["hardware"]),
        ({"security": "none"}, ['security: "none"', '"code" or "open"']),
        ({"hostname": "a_b"}, ["hostname"]),
        ({"hostname": "x" * 33}, ["hostname"]),
        ({"hostname": "-"}, ["hostname"]),
        ({"servers": {"ntp": []}}, ["servers.ntp: empty"]),
        ({"servers": {"ntp": ["a.b"] * 5}}, ["servers.ntp: 5 entries"]),
        ({"servers": {"ntp": ["a.b", "c d"]}}, ["servers.ntp[1]"]),
        ({"servers": {"ntp": "pool.ntp.org"}}, ["servers.ntp", "a list"]),
        ({"limits": {"ring": 0}}, ["limits.ring: 0", "from 1 to 256"]),
        ({"limits": {"ring": None}}, ["limits.ring: null"]),
        ({"limits": 5}, ["limits: 5", "object"]),
        ({"timeouts": {"keepalive_s": 29}}, ["timeouts.keepalive_s: 29", "from 30 to 1200"]),
        ({"pins": {"button": 49}}, ["pins.button: 49", "or null"]),
        ({"certs": {}}, ["certs: an object"]),
        ({"certs": [ROOTS, 5]}, ["certs[1]: 5"]),
        ({"certs": [{"role": "root", "cert": "x"}]}, ['certs[0].role: "root"', '"thing" or "claim" or "ca"']),
        ({"certs": [{"role": "ca"}]}, ["certs[0].cert: missing"]),
        ({"certs": [{**ROOTS, "key": KEY_PEM}]}, ["certs[0].key: not wanted"]),
        ({"certs": [{**THING, "key": None}]}, ["certs[0].key: missing"]),
        ({"certs": [ROOTS, ROOTS]}, ["certs[1].role: twice"]),
        ({"certs": [{**THING, "key": CLAIM["key"]}]}, ["key_mismatch: certs[0]:", "does not fit"]),
        ({"certs": [{**THING, "cert": "rubbish"}]}, ["bad_certificate: certs[0]: the certificate of thing"]),
        ({"schema": "1"}, ["schema"]),
        ({"schema": -1}, ["schema"]),
        ({"schema": True}, ["schema: true"]),
        ({"schema": 2}, ["settings_too_new", "schema 2", "update the firmware"]),
        ({"awsConfig": 5}, ["awsConfig: 5"]),
    ],
)
def test_wrong_field_is_named_with_what_is_allowed(document, words):
    sentence = refused(load, document)

    assert [word for word in words if word not in sentence] == []


def test_error_never_shows_a_password():
    document = {"networks": [{"ssid": "x", "password": "geheimes Grün"}]}

    assert "geheim" not in refused(load, document)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "0 bytes"),
        (b"{" + b" " * 65536, "65537 bytes"),
        (b'{"aws":\n  {"port": 1 "endpoint"}}', "line 2, column"),
        (b'{"a": "\xff"}', "not in UTF-8"),
        (b"[1]", "a list"),
        (b"[" * 60000, "no valid JSON"),
        (b"\x00" * 10, "no valid JSON"),
    ],
)
def test_file_that_is_no_json_is_told_with_the_place(data, words):
    assert words in refused(settings.load, data)


@pytest.mark.parametrize("password", ["12345678", "x" * 63, " ~" * 4, "0123456789abcdefABCDEF" * 2 + "0" * 20, None])
def test_every_password_of_wpa_is_taken(password):
    assert networks(load({"networks": [{"ssid": "x", "password": password}]})) == [("x", password)]


@pytest.mark.parametrize("ssid", ["x", "é" * 16, " ", '"\\', "\n", "😀" * 8, "%s", "a,b;c"])
def test_odd_names_of_networks_are_taken(ssid):
    assert networks(load({"networks": [{"ssid": ssid, "password": None}]})) == [(ssid, None)]


@pytest.mark.parametrize("host", ["a", "a.b", "10.0.0.1", "xn--caf-dma.example", "1a.2b", "a-b.c", "A.Com"])
def test_endpoint_may_be_any_host(host):
    assert load({"aws": {"endpoint": host}}).aws.endpoint == host


def test_file_of_windows_notepad_is_read():
    assert settings.load(b"\xef\xbb\xbf" + json.dumps(COMPLETE).encode()).missing() == []


def test_unknown_names_are_left_out_with_a_hint():
    loaded = load(
        {
            "network": [],
            "xyzzy": 1,
            "aws": {"endpont": "a.b"},
            "networks": [{"SSID": "y", "ssid": "x", "password": None}],
            "limits": {"rings": 4},
            "timeouts": {"keepalive": 60},
            "servers": {"dns": []},
            "certs": [{**ROOTS, "name": "x"}],
        }
    )

    assert [warning.replace(" is not known and was left out", "") for warning in loaded.warnings] == [
        "network, did you mean networks?",
        "xyzzy",
        "networks[0].SSID, did you mean ssid?",
        "aws.endpont, did you mean endpoint?",
        "certs[0].name",
        "servers.dns",
        "limits.rings, did you mean ring?",
        "timeouts.keepalive, did you mean keepalive_s?",
    ]


def test_settings_of_the_original_library_are_brought_over():
    original = {
        "pWifiSsid": "home",
        "pWifiPwd": "correct horse",
        "awsConfig": {
            "pHostNameStr": "a.b",
            "pClaimTemplateStr": "lamps",
            "port_u16": 443,
            "pRootCaStr": CA_PEM.decode(),
            "pCaimCertStr": CLAIM["cert"],
            "pClaimPrivateKeyStr": CLAIM["key"],
        },
    }
    loaded = load(original)

    assert loaded.missing() == []
    assert networks(loaded) == [("home", "correct horse")]
    assert (loaded.aws.endpoint, loaded.aws.port, loaded.aws.template) == ("a.b", 443, "lamps")
    assert loaded.claim.key == key_bytes(RSA_KEY, DER, TRADITIONAL)


def test_certificates_may_be_der_in_base64():
    entry = {
        "role": "thing",
        "cert": base64.b64encode(EC_CERT).decode(),
        "key": base64.b64encode(key_bytes(EC_KEY, DER, PKCS8)).decode(),
    }

    assert load({"certs": [entry]}).thing.cert == EC_CERT


def test_servers_of_downloads_may_have_roots_of_their_own():
    assert load({"certs": [ROOTS]}).download_roots is None  # then they are the others
    own = {"role": "download", "cert": EC_PEM.decode()}
    loaded = load({"certs": [ROOTS, own]})
    assert (len(loaded.roots), loaded.download_roots) == (2, [EC_CERT])
    with pytest.raises(errors.PersonError, match="not wanted"):
        load({"certs": [{**own, "key": "x"}]})
    with pytest.raises(errors.PersonError, match="role"):  # in the file only
        settings.merge_cert({}, own)
