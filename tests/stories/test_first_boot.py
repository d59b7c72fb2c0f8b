"""A factory-new device enrols itself, works, and never enrols again."""

from tools.desk import PASSWORD


def test_a_factory_new_device_enrols_and_reports(desk, device):
    operator = desk.operator()
    device.power_on()
    device.wait_for(r"INIT --ready--> NORMAL")
    device.wait_for(r"NORMAL wifi\.connected .*ssid=home")
    device.wait_for(r"NORMAL clock\.set")
    device.wait_for(rf"NORMAL aws\.provisioned thing={thing_name(desk)}")
    device.wait_for(rf"NORMAL aws\.connected client_id={thing_name(desk)}")
    topic, payload = operator.next_message()
    assert topic == f"devices/{thing_name(desk)}/telemetry"
    assert payload["starts"] == 1
    assert desk.cloud.iot().describe_thing(thingName=thing_name(desk))["thingName"] == thing_name(desk)


def test_it_connects_with_its_own_certificate_and_not_with_the_claim(desk, device):
    device.power_on()
    device.wait_for(r"aws\.connected")
    iot = desk.cloud.iot()
    principals = iot.list_thing_principals(thingName=thing_name(desk))["principals"]
    assert len(principals) == 1
    assert principals[0] != desk.fleet.claim_certificate_arn


def test_the_second_start_needs_no_claim(desk, device):
    operator = desk.operator()
    device.power_on()
    device.wait_for(r"flash\.flushed")
    operator.next_message()
    device.power_cut()
    claim_id = desk.fleet.claim_certificate_arn.rpartition("/")[2]
    desk.cloud.iot().update_certificate(certificateId=claim_id, newStatus="INACTIVE")
    operator.forget()
    device.power_on()
    device.wait_for(r"aws\.connected")
    assert operator.next_message()[1]["starts"] == 2


def test_a_command_reaches_the_application(desk, device):
    operator = desk.operator()
    device.power_on()
    operator.next_message()
    operator.tell(thing_name(desk), {"say": "hello"})
    device.wait_for(r'application: told \{"say": "hello"\}')


def test_no_secret_is_on_the_console(desk, device):
    operator = desk.operator()
    device.power_on()
    operator.next_message()
    console = "\n".join(device.lines)
    for secret in (PASSWORD, "PRIVATE KEY", "BEGIN CERT", "certificateOwnershipToken"):
        assert secret not in console


def thing_name(desk):
    return f"device-{desk.device.unique_id}"
