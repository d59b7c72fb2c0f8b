"""What takes half a minute by the shortest setting allowed. All devices start at once, so that the waits are one."""

import pytest

from tests.stories.conftest import (
    Certificates,
    open_desk,
    put_application,
    put_settings,
    thing_certificates,
    thing_name,
)


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


@pytest.fixture(scope="module")
def unauthorised():
    """(desk, certificates) with a device that has enrolled itself, but whose policy allows nothing."""
    certificates = Certificates()
    with open_desk(log=certificates) as desk:
        set_policy(desk, "Deny")
        put_settings(desk)
        desk.device.power_on()
        yield desk, certificates


@pytest.fixture(scope="module")
def stranded():
    """(desk, certificates) with a device that has enrolled itself, and whose certificate was deactivated before it
    could connect with it."""
    certificates = Certificates()
    with open_desk(log=certificates) as desk:
        desk.cloud.faults.order("no_connack", client_id=thing_name(desk))
        put_settings(desk)
        desk.device.power_on()
        desk.device.wait_for(r"aws\.disconnected code=no_connack")
        [certificate_id] = thing_certificates(desk)
        desk.cloud.iot().update_certificate(certificateId=certificate_id, newStatus="INACTIVE")
        desk.cloud.faults.clear()
        yield desk, certificates


def set_policy(desk, effect):
    """Let the policy of the things "Allow" or "Deny" what it allowed from the beginning."""
    iot, policy = desk.cloud.iot(), desk.fleet.thing_policy
    document = iot.get_policy_version(policyName=policy, policyVersionId="1")["policyDocument"]
    document = document.replace('"Allow"', f'"{effect}"')
    iot.create_policy_version(policyName=policy, policyDocument=document, setAsDefault=True)


@pytest.fixture(autouse=True)
def _all_at_once(blocked, configuring, unheard, unauthorised, stranded):
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


def test_a_new_thing_without_a_policy_waits_for_it_and_wastes_no_certificates(unauthorised):
    """A new certificate would be refused as well: only the account can mend it."""
    desk, certificates = unauthorised
    desk.device.wait_for(r"aws\.provisioned")
    for _ in range(6):
        desk.device.wait_for(r"aws\.disconnected code=not_authorised", 40)
    set_policy(desk, "Allow")
    desk.device.wait_for(r"aws\.connected", 60)
    assert certificates.created == 1
    assert desk.device.starts == ["power on"]


def test_a_new_certificate_that_is_refused_for_long_is_given_up_and_the_claim_begins_anew(stranded):
    """What the claim gave is believed only once the cloud was reached with it."""
    desk, certificates = stranded
    for _ in range(5):
        desk.device.wait_for(r"aws\.disconnected code=cert_refused", 40)
    desk.device.wait_for(r"--> restart \(the cloud refused the new certificate\)", 60)
    desk.device.wait_for(r"aws\.provisioned", 60)
    desk.device.wait_for(r"aws\.connected", 60)
    assert certificates.created == 2
