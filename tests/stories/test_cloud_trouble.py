"""What goes wrong on the road to the cloud is told, each by its own code, and the device stays at it."""

import pytest

from tests.stories.conftest import eventually, is_settled, thing_name
from tools.desk import ENDPOINT


def test_without_a_time_server_no_certificate_is_judged(desk, device):
    desk.world.ntp = False
    device.power_on()
    device.wait_for(r"aws\.disconnected code=no_ntp", 40)
    assert not any("aws.provisioned" in line for line in device.lines)
    desk.world.ntp = True
    device.wait_for(r"aws\.connected", 60)


def test_a_time_before_this_firmware_was_built_is_not_believed(desk, device):
    desk.world.ntp_offset_s = -20 * 365 * 86400
    device.power_on()
    device.wait_for(r"aws\.disconnected code=no_ntp", 40)
    assert not any("clock.set" in line for line in device.lines)
    desk.world.ntp_offset_s = 0
    device.wait_for(r"aws\.connected", 60)


def test_a_time_server_that_lies_by_weeks_is_corrected_by_the_cloud_and_keeps_nobody_offline(desk, device):
    desk.world.ntp_offset_s = 40 * 86400
    device.power_on()
    device.wait_for(r"clock\.set source=[^c]", 40)
    device.wait_for(r"aws\.connected", 60)
    device.wait_for(r"clock\.set source=cloud", 20)
    eventually(lambda: is_settled(desk))
    device.power_cut()
    desk.world.ntp_offset_s = 0
    device.power_on()
    device.wait_for(r"aws\.connected", 60)
    assert not any("no_ntp" in line for line in device.lines)


def test_without_a_name_server_it_says_so(desk, device):
    desk.world.dns = False
    device.power_on()
    device.wait_for(r"aws\.disconnected code=no_dns", 60)
    desk.world.dns = True
    device.wait_for(r"aws\.connected", 60)


def test_an_endpoint_that_does_not_exist_is_told_as_such(desk, device):
    desk.world.forget_name(ENDPOINT)
    device.power_on()
    line = device.wait_for(r"aws\.disconnected code=unknown_name", 40)
    assert ENDPOINT in line
    desk.world.name(ENDPOINT, desk.cloud.mqtt_port)
    device.wait_for(r"aws\.connected", 60)


def test_a_blocked_port_is_told_with_its_number(desk, device):
    desk.world.block_port(8883)
    device.power_on()
    line = device.wait_for(r"aws\.disconnected code=port_blocked", 40)
    assert f"{ENDPOINT}:8883" in line
    desk.world.block_port(8883, False)
    device.wait_for(r"aws\.connected", 60)


def test_a_refused_port_is_told_with_its_number(desk, device):
    desk.world.refuse_port(8883)
    device.power_on()
    line = device.wait_for(r"aws\.disconnected code=refused", 40)
    assert f"{ENDPOINT}:8883" in line
    desk.world.refuse_port(8883, False)
    device.wait_for(r"aws\.connected", 60)


@pytest.mark.parametrize(
    ("certificate", "code"),
    [
        ("expired", "server_cert_expired"),
        ("not_yet_valid", "server_cert_not_yet_valid"),
        ("wrong_name", "server_cert_wrong_name"),
        ("untrusted", "server_cert_untrusted"),
    ],
)
def test_a_server_that_is_not_aws_is_never_trusted(desk, device, certificate, code):
    desk.cloud.faults.certificate = certificate
    device.power_on()
    device.wait_for(rf"aws\.disconnected .*code={code}", 40)
    desk.cloud.faults.certificate = None
    device.wait_for(r"aws\.connected", 60)


@pytest.mark.parametrize("chain", ["large", "rsa", "aws"])
def test_a_long_chain_of_certificates_is_taken(desk, device, chain):
    desk.cloud.faults.certificate = chain
    device.power_on()
    device.wait_for(r"aws\.connected", 60)
    assert not any("aws.disconnected" in line for line in device.lines)


def test_a_cloud_that_changes_the_kind_of_its_key_is_found_again_without_a_restart(desk, device):
    device.power_on()
    device.wait_for(r"aws\.connected", 60)
    for kind in ("rsa", None):
        desk.cloud.stop()
        desk.cloud.faults.certificate = kind
        desk.cloud.start()
        device.wait_for(r"aws\.disconnected", 60)
        device.wait_for(r"aws\.connected", 60)
    assert device.starts == ["power on"]


def test_a_cloud_that_does_not_answer_is_told_as_such(desk, device):
    desk.cloud.faults.order("no_connack", client_id=thing_name(desk))
    device.power_on()
    device.wait_for(r"aws\.disconnected code=no_connack", 40)
    desk.cloud.faults.clear()
    device.wait_for(r"aws\.connected", 60)


def test_a_link_on_which_nothing_arrives_is_given_up(desk, device):
    device.power_on()
    device.wait_for(r"publish\.done")
    desk.home.stall()
    device.wait_for(r"aws\.disconnected code=no_acknowledgement", 40)
    desk.home.stall(False)
    device.wait_for(r"aws\.connected", 60)
    device.wait_for(r"publish\.done")


def test_a_broker_that_is_gone_for_long_is_found_again(desk, device):
    operator = desk.operator()
    device.power_on()
    operator.next_message()
    desk.cloud.stop()
    for _ in range(3):
        device.wait_for(r"aws\.disconnected", 60)
    desk.cloud.start()
    device.wait_for(r"aws\.connected", 60)
    operator.forget()
    operator.next_message()
    assert device.starts == ["power on"]
