"""The cloud refuses: the claim, the device's own certificate, or what its policy allows."""

import re
import time

import pytest

from tests.stories.conftest import QUICK, Certificates, open_desk, put_settings, thing_certificates, thing_name
from tools.cloud.hooks import AllowList

_TWO_HOURS_S = 7200


def wait_ms(line):
    """How long the device waits until its next attempt."""
    return int(re.search(r"wait_ms=(\d+)", line).group(1))


def assert_refused_until(desk, mend):
    """The device says that its claim is refused, asks seldom, and enrols itself once `mend` was called."""
    refused_s = 3
    put_settings(desk, timeouts={**QUICK["timeouts"], "refused_s": refused_s})
    desk.device.power_on()
    line = desk.device.wait_for(r"aws\.disconnected code=claim_refused .*check claim, template and policy", 40)
    assert wait_ms(line) >= refused_s * 1000
    mend()
    desk.device.wait_for(rf"aws\.provisioned thing={thing_name(desk)}", 60)
    desk.device.wait_for(r"aws\.connected", 60)


def test_an_inactive_claim_certificate(desk):
    iot = desk.cloud.iot()
    claim_id = desk.fleet.claim_certificate_arn.rpartition("/")[2]
    iot.update_certificate(certificateId=claim_id, newStatus="INACTIVE")
    assert_refused_until(desk, lambda: iot.update_certificate(certificateId=claim_id, newStatus="ACTIVE"))


def test_a_claim_without_a_policy(desk):
    iot, claim = desk.cloud.iot(), desk.fleet.claim_certificate_arn
    iot.detach_policy(policyName=desk.fleet.claim_policy, target=claim)
    assert_refused_until(desk, lambda: iot.attach_policy(policyName=desk.fleet.claim_policy, target=claim))


def test_a_serial_number_that_the_hook_does_not_allow():
    allowed = AllowList()
    with open_desk(hooks={"ours": allowed}) as desk:
        iot = desk.cloud.iot()
        hook = {"targetArn": desk.cloud.hook_arn("ours")}
        iot.update_provisioning_template(templateName=desk.fleet.template, preProvisioningHook=hook)
        assert_refused_until(desk, lambda: allowed.serials.add(desk.device.unique_id))


def test_a_disabled_template_is_waited_for_without_a_second_certificate(desk, certificates):
    iot, template = desk.cloud.iot(), desk.fleet.template
    iot.update_provisioning_template(templateName=template, enabled=False)
    assert_refused_until(desk, lambda: iot.update_provisioning_template(templateName=template, enabled=True))
    assert certificates.created == 1, "the certificate of the first try is used"


@pytest.mark.parametrize("told_s", [_TWO_HOURS_S, 0], ids=["the device knows", "the cloud says so"])
def test_a_certificate_whose_token_is_too_old_is_asked_for_anew(told_s):
    """An ownership token lives for an hour."""
    certificates = Certificates()
    passed = {"s": 0}
    with open_desk(log=certificates, now=lambda: time.time() + passed["s"]) as desk:
        iot, template = desk.cloud.iot(), desk.fleet.template
        iot.update_provisioning_template(templateName=template, enabled=False)
        put_settings(desk)
        desk.device.power_on()
        desk.device.wait_for(r"aws\.disconnected code=claim_refused", 40)
        desk.device.power_cut()
        passed["s"] = _TWO_HOURS_S
        desk.world.ntp_offset_s = told_s
        iot.update_provisioning_template(templateName=template, enabled=True)
        desk.device.power_on()
        desk.device.wait_for(r"aws\.connected", 40)
        assert certificates.created == 2


def test_a_busy_cloud_is_asked_again_soon(desk, device, certificates):
    desk.cloud.faults.throttle_provisioning = 1
    device.power_on()
    line = device.wait_for(r"aws\.disconnected code=claim_failed .*429")
    assert wait_ms(line) < 60000
    device.wait_for(r"aws\.connected", 60)
    assert certificates.created == 1


def test_a_deactivated_certificate_disconnects_the_device_until_it_is_active_again(desk, device, certificates):
    operator = desk.operator()
    device.power_on()
    operator.next_message()
    iot = desk.cloud.iot()
    [certificate_id] = thing_certificates(desk)
    iot.update_certificate(certificateId=certificate_id, newStatus="INACTIVE")
    device.wait_for(r"aws\.disconnected", 40)
    device.wait_for(r"aws\.disconnected code=cert_refused", 60)
    iot.update_certificate(certificateId=certificate_id, newStatus="ACTIVE")
    device.wait_for(r"aws\.connected", 60)
    operator.forget()
    operator.next_message()
    assert device.starts == ["power on"]
    assert certificates.created == 1, "it must not enrol again"


def test_a_certificate_without_a_policy_is_not_authorised(desk, device):
    device.power_on()
    device.wait_for(r"aws\.connected")
    device.wait_for(r"publish\.done")
    device.power_cut()
    iot = desk.cloud.iot()
    [certificate] = iot.list_thing_principals(thingName=thing_name(desk))["principals"]
    iot.detach_policy(policyName=desk.fleet.thing_policy, target=certificate)
    device.power_on()
    device.wait_for(r"aws\.disconnected code=not_authorised", 40)
    iot.attach_policy(policyName=desk.fleet.thing_policy, target=certificate)
    device.wait_for(r"aws\.connected", 60)
