"""What goes wrong on the road to the cloud is told, each by its own code, and the device stays at it."""

import pytest


def test_without_a_time_server_no_certificate_is_judged(desk, device):
    desk.world.ntp = False
    device.power_on()
    device.wait_for(r"aws\.disconnected .*code=no_ntp", 40)
    assert not any("aws.provisioned" in line for line in device.lines)
    desk.world.ntp = True
    device.wait_for(r"aws\.connected", 60)


def test_without_a_name_server_it_says_so(desk, device):
    desk.world.dns = False
    device.power_on()
    device.wait_for(r"aws\.disconnected .*code=(no_dns|no_ntp)", 60)
    desk.world.dns = True
    device.wait_for(r"aws\.connected", 60)


@pytest.mark.parametrize(
    ("certificate", "code"),
    [
        ("expired", "server_cert_expired"),
        ("wrong_name", "server_cert_wrong_name"),
        ("untrusted", "server_cert_untrusted"),
    ],
)
def test_a_server_that_is_not_aws_is_never_trusted(desk, device, certificate, code):
    desk.cloud.faults.certificate = certificate
    device.power_on()
    device.wait_for(rf"aws\.disconnected .*code={code}", 40)
    desk.cloud.faults.certificate = None
    device.wait_for(r"aws\.connected", 120)


def test_a_deactivated_certificate_disconnects_the_device_until_it_is_active_again(desk, device):
    operator = desk.operator()
    device.power_on()
    operator.next_message()
    iot = desk.cloud.iot()
    certificate_id = thing_certificate(desk)
    iot.update_certificate(certificateId=certificate_id, newStatus="INACTIVE")
    device.wait_for(r"aws\.disconnected", 40)
    device.wait_for(r"aws\.disconnected .*code=(cert_refused|not_authorised)", 60)
    iot.update_certificate(certificateId=certificate_id, newStatus="ACTIVE")
    device.wait_for(r"aws\.connected", 120)
    assert device.starts == ["power on"]


def test_a_broker_that_is_gone_for_long_is_found_again(desk, device):
    operator = desk.operator()
    device.power_on()
    operator.next_message()
    desk.cloud.stop()
    for _ in range(3):
        device.wait_for(r"aws\.disconnected", 60)
    desk.cloud.start()
    device.wait_for(r"aws\.connected", 120)
    assert device.starts == ["power on"]


def thing_certificate(desk):
    principals = desk.cloud.iot().list_thing_principals(thingName=f"device-{desk.device.unique_id}")
    return principals["principals"][0].rpartition("/")[2]
