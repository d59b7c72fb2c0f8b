"""Updates over the air that come through, at once and at last. Those that do not: test_update_endings.py; each detail:
tests/device/test_updating.py and its neighbours."""

import pytest

from tests import precompiled
from tests.stories.releases import SLOT, TIMES, Releases
from tools.desk import Desk


@pytest.fixture(scope="module")
def desk():
    """One device for all of it, which the stories find as the one before has left it."""
    board = {"image": "ota", "slot_bytes": SLOT, "compiled": precompiled.folders()}
    with Desk(board=board, cloud={"fast_keys": True}) as desk:
        desk.leave_factory(**TIMES)
        yield desk
        print("\n".join(["", "The device's console:", *desk.device.lines]))


@pytest.fixture(scope="module")
def releases(desk):
    made = Releases(desk)
    desk.device.flash_firmware(made.image("1.0.0"))
    desk.device.power_on()
    desk.device.wait_for(r"aws\.connected")
    return made


def test_a_signed_update_is_installed_tried_and_confirmed(desk, releases):
    job = releases.release("1.1.0")
    device = desk.device
    device.wait_for(r"NORMAL --update_requested--> restart \(update: version 1\.1\.0\)")
    device.wait_for(r"INIT --update_accepted--> OTA")
    device.wait_for(r"OTA ota\.started")
    device.wait_for(r"OTA ota\.progress percent=60")
    device.wait_for(r"OTA --update_written--> restart \(version 1\.1\.0\)")
    device.wait_for(r"awsesp 1\.1\.0")
    device.wait_for(r"NORMAL ota\.finished version=1\.1\.0")
    releases.ends(job, "SUCCEEDED")
    assert device.slot == "ota_1"


def test_an_update_comes_through_a_bad_network_and_a_power_cut(desk, releases):
    faults, device = desk.cloud.faults.files, desk.device
    faults.order("unavailable")
    faults.order("cut", amount=9000)
    faults.order("forbidden")
    faults.order("short", amount=5000)
    job = releases.release("1.2.0")
    device.wait_for(r"INIT --update_accepted--> OTA")
    device.wait_for(r"OTA ota\.progress percent=20")
    desk.home.vanish()
    device.wait_for(r"OTA wifi\.disconnected")
    device.power_cut()
    desk.home.back()
    device.power_on()
    device.wait_for(r"INIT --update_accepted--> OTA")
    device.wait_for(r"OTA --update_written--> restart")
    device.wait_for(r"awsesp 1\.2\.0")
    releases.ends(job, "SUCCEEDED")


def test_who_holds_the_button_while_an_update_waits_comes_to_config_and_the_update_after_that(desk, releases):
    """boot.py has begun the start for the update: CONFIG is main.py's, without another start."""
    device = desk.device
    device.power_cut()
    timeouts = dict(TIMES["timeouts"], config_s=5)
    desk.leave_factory(**{**TIMES, "timeouts": timeouts, "pins": {"button": 0}})
    device.power_on()
    job = releases.release("1.3.0")
    device.wait_for(r"OTA ota\.started")
    device.power_cut()
    device.hold_button(0)
    device.power_on()
    device.wait_for(r"INIT --application_wanted--> restart \(no update now\)")
    device.wait_for(r"boot: start 2, slot ota_0, reset soft")
    device.wait_for(r"INIT --config_requested--> CONFIG")
    device.release_button(0)
    device.wait_for(r"CONFIG --window_closed--> restart")
    device.wait_for(r"INIT --update_delayed--> restart \(update: before the application\)")
    device.wait_for(r"INIT --update_accepted--> OTA")
    device.wait_for(r"awsesp 1\.3\.0")
    releases.ends(job, "SUCCEEDED")
