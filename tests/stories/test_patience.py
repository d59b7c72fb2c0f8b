"""What takes half a minute by the shortest setting allowed. All devices start at once, so that the waits are one."""

import pytest

from tests.stories.conftest import open_desk, put_application, put_settings, thing_name


@pytest.fixture(scope="module")
def blocked():
    """A device whose application keeps the loop for itself."""
    with open_desk() as desk:
        put_application(desk, "blocking")
        put_settings(desk)
        desk.device.power_on()
        yield desk.device


@pytest.fixture(scope="module")
def configuring():
    """A device whose button is held, or stuck, and whose settings are complete."""
    with open_desk() as desk:
        put_settings(desk, pins={"button": 0})
        desk.device.hold_button(0)
        desk.device.power_on()
        yield desk.device


@pytest.fixture(scope="module")
def unheard():
    """A device that says nothing but PINGREQ, to a cloud that does not answer that."""
    with open_desk() as desk:
        desk.cloud.faults.order("no_pingresp", client_id=thing_name(desk))
        put_application(desk, "quiet")
        put_settings(desk)
        desk.device.power_on()
        yield desk.device


@pytest.fixture(autouse=True)
def _all_at_once(blocked, configuring, unheard):
    """Each story needs one of them."""


def test_a_loop_that_is_blocked_for_ever_ends_by_the_watchdog(blocked):
    blocked.wait_for("application: blocks")
    blocked.wait_for_start("watchdog", 60)
    blocked.wait_for("boot: start 2, slot factory, reset watchdog")
    blocked.wait_for("application: well")
    blocked.wait_for(r"aws\.connected")


def test_a_button_that_is_held_asks_for_config_once(configuring):
    configuring.wait_for(r"INIT --config_requested--> CONFIG")
    configuring.wait_for("CONFIG: asked for")
    configuring.wait_for(r"CONFIG --window_closed--> restart \(nobody came to configure\)", 60)
    configuring.wait_for(r"INIT --ready--> NORMAL")
    configuring.wait_for(r"aws\.connected")
    assert configuring.starts == ["power on", "machine.reset()"]


def test_a_cloud_that_does_not_answer_a_ping_is_given_up(unheard):
    unheard.wait_for(r"aws\.connected")
    unheard.wait_for(r"aws\.disconnected code=no_pingresp", 60)
    unheard.wait_for(r"aws\.connected", 20)
