"""Updates over the air that come through: signed, downloaded, tried, confirmed, whatever happens on the way."""

import pytest

from tests.stories.releases import SLOT, TIMES, Releases
from tools.desk import Desk


@pytest.fixture(scope="module")
def desk():
    with Desk(board={"image": "ota", "slot_bytes": SLOT}, cloud={"fast_keys": True}) as desk:
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
    device.wait_for(r"NORMAL --update_requested--> restart \(version 1\.1\.0\)")
    device.wait_for(r"INIT --update_accepted--> OTA")
    device.wait_for(r"OTA ota\.started")
    device.wait_for(r"OTA ota\.progress percent=60")
    device.wait_for(r"OTA --update_written--> restart \(version 1\.1\.0\)")
    device.wait_for(r"awsesp 1\.1\.0")
    device.wait_for(r"NORMAL ota\.finished version=1\.1\.0")
    assert releases.ends(job, "SUCCEEDED")["version"] == "1.1.0"
    assert device.slot == "ota_1"
    device.power_cut()
    device.power_on()
    device.wait_for(r"awsesp 1\.1\.0")
    device.wait_for(r"publish\.done")
