"""Settings that are not complete or not right lead to CONFIG, with a sentence that says what to change."""

import pytest

from tests.stories.conftest import QUICK, put_settings, write_settings
from tools.cloud.recipes import create_thing


def start_into_config(device, sentence):
    device.power_on()
    device.wait_for(r"INIT --settings_incomplete--> CONFIG")
    device.wait_for(sentence)


def test_without_settings_it_says_all_that_is_missing(desk):
    start_into_config(
        desk.device,
        r"CONFIG: settings_missing: .*a Wi-Fi network \(networks\), the address of the cloud \(aws.endpoint\), "
        r"a trusted root \(certs, role ca\), thing or claim credentials \(certs, role thing or claim\)",
    )


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda settings: settings.update(networks=[]), r"a Wi-Fi network \(networks\)"),
        (lambda settings: settings["aws"].pop("endpoint"), r"the address of the cloud \(aws.endpoint\)"),
        (lambda settings: settings["aws"].pop("template"), r"the provisioning template \(aws.template\)"),
        (lambda settings: settings["certs"].pop(0), r"a trusted root \(certs, role ca\)"),
        (lambda settings: settings["certs"].pop(1), r"thing or claim credentials \(certs, role thing or claim\)"),
        (lambda settings: settings["certs"][1].update(role="thing"), r"the thing's name \(aws.thing\)"),
    ],
    ids=["network", "endpoint", "template", "root", "credentials", "name"],
)
def test_it_names_the_one_thing_that_is_missing(desk, change, sentence):
    settings = desk.factory_settings(**QUICK)
    change(settings)
    write_settings(desk, settings)
    start_into_config(desk.device, rf"CONFIG: settings_missing: Settings are incomplete: {sentence}\.$")


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ('{"networks": [\n{"ssid": home}]}', r"invalid_setting: settings.json: no valid JSON in line 2, column \d+"),
        ('{"schema": 99}', r"settings_too_new: .*schema 99"),
        ('{"networks": [{"ssid": "home", "password": "short"}]}', r"invalid_setting: networks\[0\].password: "),
        ('{"timeouts": {"backoff_s": 0}}', r"invalid_setting: timeouts.backoff_s: 0; allowed: .*from 1 to 60"),
        ("", r"invalid_setting: settings.json: 0 bytes"),
    ],
    ids=["json", "schema", "password", "number", "empty"],
)
def test_it_says_what_is_wrong_in_a_broken_file(desk, text, sentence):
    desk.device.write_file("/settings.json", text)
    start_into_config(desk.device, f"CONFIG: {sentence}")
    assert "short" not in "\n".join(desk.device.lines), "a password is never told"


def test_a_key_that_does_not_fit_is_told_before_anything_is_tried(desk):
    one, other = (create_thing(desk.cloud.iot(), name, desk.fleet.thing_policy) for name in ("one", "other"))
    settings = desk.factory_settings(**QUICK)
    settings["certs"][1] = {"role": "thing", "cert": one.cert_pem, "key": other.key_pem}
    settings["aws"]["thing"] = "one"
    write_settings(desk, settings)
    start_into_config(desk.device, r"CONFIG: key_mismatch: certs\[1\]: .*does not fit")
    assert not any("wifi.connected" in line for line in desk.device.lines)


def test_complete_settings_bring_it_to_work(desk):
    write_settings(desk, {"networks": []})
    start_into_config(desk.device, "CONFIG: settings_missing")
    desk.device.power_cut()
    put_settings(desk)
    desk.device.power_on()
    desk.device.wait_for(r"aws\.connected")


def test_a_settings_file_that_flash_does_not_give_leads_to_config_which_says_why(desk, device):
    device.remove_file("/settings.json")
    device.write_file("/settings.json/a-folder-in-its-place", "")
    device.power_on()
    device.wait_for(r"settings: the file is left out: flash_failed: .*/settings.json")
    device.wait_for(r"INIT --settings_incomplete--> CONFIG")
    device.wait_for(r"CONFIG: flash_failed: .*/settings.json")
    device.wait_for("can be configured over Bluetooth")
    device.power_cut()
    device.remove_file("/settings.json/a-folder-in-its-place")
    device.remove_file("/settings.json")
    put_settings(desk)
    device.power_on()
    device.wait_for(r"aws\.connected")
