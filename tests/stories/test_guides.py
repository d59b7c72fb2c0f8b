"""The applications in the guides of docs/, on one device after the other: what they print is what the guides say."""

import pytest

from tests.stories.conftest import QUICK, open_desk, thing_name
from tests.stories.guides import application_of
from tests.stories.phone import setup_code, visit


@pytest.fixture(scope="module")
def desk(compiled):
    """One desk for all of them: the device is enrolled once."""
    with open_desk(lib=compiled) as desk:
        desk.leave_factory(**{**QUICK, "app": {"every_s": 1, "rounds": 2}, "limits": {"starts": 100}})
        yield desk


@pytest.fixture
def start(desk, tmp_path):
    """Start a guide's application on the desk's device; a failing test shows its console."""

    def power_on(guide):
        desk.device.image.main = application_of(guide, tmp_path)
        desk.device.power_on()
        return desk.device

    yield power_on
    desk.device.power_cut()
    print("\n".join(["", "The device's console:", *desk.device.lines]))


def test_provisioning(desk, start):
    operator = desk.operator()
    device = start("provisioning")
    device.wait_for("application: not enrolled yet")
    device.wait_for(f"application: I am {thing_name(desk)}")
    assert operator.next_message() == (f"devices/{thing_name(desk)}/hello", {"hello": "world"})
    device.power_cut()
    device.power_on()
    device.wait_for(f"application: {thing_name(desk)}")


def test_wifi(desk, start):
    device = start("wifi")
    device.wait_for(r"application: joined home with -\d+ dBm")
    device.wait_for("application: the time is from pool.ntp.org")
    desk.home.vanish()
    device.wait_for(r"application: wifi_lost, again in \d+ ms")
    desk.home.back()
    device.wait_for("application: joined home")


def test_flash(start):
    device = start("flash")
    device.wait_for("application: start 1")
    device.power_cut()
    device.power_on()
    device.wait_for("application: start 2")


def test_events(start):
    device = start("events")
    device.wait_for(r"application: wifi.connected \['ip', 'rssi', 'ssid'\]")
    device.wait_for(r"application: aws.connected \['client_id', 'endpoint', 'session_present'\]")
    device.wait_for("application: missed 0 events until here")


def test_recovery(start):
    device = start("recovery")
    device.wait_for("application: started after a power cut or a crash")
    device.wait_for(r"NORMAL --restart_requested--> restart \(a new day\)")
    device.wait_for("application: started after a new day")


def test_configuration(desk, start):
    device = start("configuration")
    device.wait_for("application: every_s is 1")
    device.hold_button(0)
    device.wait_for(r"NORMAL --config_requested--> restart \(the button was pressed\)")
    device.release_button(0)
    with visit(desk, setup_code(device)) as visitor:
        answer = visitor.ask("APP", {"blink": 1})
    assert answer["code"] == 0
    assert answer["blinked"] is True
