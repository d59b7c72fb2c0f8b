"""Settings on the device's own interpreter, whose json differs; tests/host/test_settings*.py ask far more of them."""

import json
import struct
import sys

import pki
import settings
from errors import PersonError
from harness import equal, raises

COMPLETE = {
    "networks": [{"ssid": "café \U0001f600", "password": "correct horse"}],
    "aws": {"endpoint": "abc-ats.iot.eu-west-1.amazonaws.com", "thing": "lamp-7"},
    "app": {"every_s": 5, "nested": {"list": [1, None, True]}},
    "certs": [
        {"role": "ca", "cert": pki.ROOT_CERT + "\n" + pki.RSA_CERT},
        {"role": "thing", "cert": pki.EC_CERT, "key": pki.EC_KEY_SEC1},
    ],
}


def refused(file, *layers):
    return str(raises(PersonError, lambda: settings.load(file, *layers)))


def test_complete_file_lacks_nothing():
    loaded = settings.load(json.dumps(COMPLETE).encode())
    equal(loaded.missing(), [])
    equal(loaded.warnings, [])
    equal(loaded.networks[0].ssid, "café \U0001f600")
    equal(len(loaded.roots), 2)
    equal(loaded.thing.key[:2], b"\x30\x77")
    equal((loaded.aws.port, loaded.timeouts.keepalive_s, loaded.limits.receive_buffer), (8883, 60, 6144))


def test_what_reads_them_is_unloaded_even_where_something_still_points_to_it():
    class File:
        """An empty file that looks who reads it."""

        def seek(self, *_):
            self.reader = sys.modules["settings_json"]
            return 0

        def close(self):
            pass

    file = File()
    raises(PersonError, lambda: settings.load(file))
    equal(file.reader.__dict__, {})
    equal([name for name in sys.modules if name in settings._READERS], [])


def test_nothing_at_all_has_defaults_and_says_what_is_missing():
    loaded = settings.load(None)
    equal(len(loaded.missing()), 4)
    equal((loaded.hostname, loaded.prefix), (None, "awsesp"))
    equal(loaded.pins.button, None)


def test_broken_json_is_told_with_its_place():
    equal(refused(b'{"a": 1,\n "b": x}').split(" JSON ")[1].split(";")[0], "in line 2, column 7")
    equal(refused(b'x{"a": 1}').split(" JSON ")[1].split(";")[0], "in line 1, column 1")
    equal("not in UTF-8" in refused(b'{"a": "\xff"}'), True)
    equal("settings.json: a list" in refused(b"[]"), True)


def test_an_emoji_is_one_character_however_json_writes_it():
    # As Python's json.dumps writes what is not ASCII. MicroPython's json makes two halves of it, which no radio sends.
    def read(name):
        escaped = b'{"networks": [{"ssid": "%s", "password": null}], "aws": {"parameters": {"Site": "%s"}}}'
        return settings.load(escaped % (name, name))

    loaded = read(b"\\u00fc \\ud83d\\ude00!")
    equal(loaded.networks[0].ssid.encode(), b"\xc3\xbc \xf0\x9f\x98\x80!")
    equal(loaded.aws.parameters["Site"], "\xfc \U0001f600!")
    for half in (b"\\ud83d", b"\\ude00\\ud83d", b"\\ud83d \\ude00"):
        equal("networks[0].ssid" in str(raises(PersonError, lambda half=half: read(half))), True)


def test_what_a_phone_gave_is_known_by_its_whole_name():
    dat = json.loads(b'{"networks": [{"ssid": "\\ud83d\\ude00", "password": null}]}')
    settings.merge_cfg({}, dat)
    equal(dat["networks"][0]["ssid"].encode(), b"\xf0\x9f\x98\x80")  # APPLY joins the networks of these names only


def test_a_file_that_is_not_in_utf_8_is_told_its_encoding():
    for begin, unit in ((b"\xff\xfe", "<H"), (b"\xfe\xff", ">H"), (b"", "<H"), (b"", ">H")):
        text = b"".join([struct.pack(unit, ord(character)) for character in '{"aws": {}}'])
        equal("UTF-16" in refused(begin + text), True)


def test_the_name_of_a_file_is_no_certificate():
    for name in ("AmazonRootCA1.pem", "certs/root.crt", "C:\\\\certs\\\\root.der", "https://host.example/root.pem"):
        equal("a file's name" in refused('{"certs": [{"role": "ca", "cert": "%s"}]}' % name), True)
    equal("neither PEM" in refused('{"certs": [{"role": "ca", "cert": "AmazonRootCA"}]}'), True)


def test_json_that_only_micropython_takes_is_refused():
    equal("name 1 is not in quotes" in refused(b"{1: 2}"), True)
    equal("no valid JSON" in refused(b"{[]: 2}"), True)
    equal("aws: the name None" in refused(b'{"aws": {null: 2}}'), True)


def test_number_is_no_truth_value():
    equal("limits.ring: true" in refused(b'{"limits": {"ring": true}}'), True)
    equal("limits.ring: 5.5" in refused(b'{"limits": {"ring": 5.5}}'), True)


def test_errors_name_the_certificate():
    certs = [dict(COMPLETE["certs"][1])]
    certs[0]["key"] = pki.RSA_KEY_PKCS1
    equal(refused(json.dumps({"certs": certs})).startswith("key_mismatch: certs[0]:"), True)
    certs[0]["cert"] = "rubbish"
    equal(refused(json.dumps({"certs": certs})).startswith("bad_certificate: certs[0]:"), True)


def test_phone_over_file_through_flash():
    document = settings.merge_cfg({}, {"networks": [{"ssid": "phone", "password": None}], "aws": {"thing": "other"}})
    document = settings.merge_cert(document, {"role": "claim", "cert": pki.RSA_CERT, "key": pki.RSA_KEY_PKCS8})
    document = settings.merge_cfg(document, {"app": None})
    secret, bulk = settings.to_record(document)
    loaded = settings.load(json.dumps(COMPLETE), (secret, bulk))
    equal([network.ssid for network in loaded.networks], ["phone", "café \U0001f600"])
    equal(loaded.aws.thing, "other")
    equal(loaded.aws.endpoint, COMPLETE["aws"]["endpoint"])
    equal(loaded.app, {})
    equal(loaded.claim is not None and loaded.thing is not None, True)


def test_unknown_name_is_told_with_a_hint():
    loaded = settings.load(b'{"timeouts": {"keepalive": 60}}')
    equal(loaded.warnings, ["timeouts.keepalive is not known and was left out, did you mean keepalive_s?"])


def test_a_number_that_flash_could_not_give_back_is_refused():
    infinite = {"app": {"limit": json.loads("1e999")}}
    equal(str(raises(PersonError, lambda: settings.merge_cfg({}, infinite))).startswith("invalid_setting: app:"), True)
    document = settings.merge_cfg({}, {"app": {"name": "info nano"}})
    equal(settings.from_record(*settings.to_record(document))["app"], {"name": "info nano"})
