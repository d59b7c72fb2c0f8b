"""A factory-new device enrols itself, works, and never enrols again."""

from tests.stories.conftest import QUICK, put_application, put_settings, thing_certificates, thing_name
from tools import mpy
from tools.cloud.recipes import create_thing
from tools.desk import PASSWORD, Desk


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
    attributes = desk.cloud.iot().describe_thing(thingName=thing_name(desk))["attributes"]
    assert attributes == {"serial": device.unique_id, "hardware": "esp32"}


def test_it_takes_the_rsa_key_that_aws_makes_with_the_code_that_make_flash_puts_on_a_board(tmp_path):
    mpy.compile_lib(tmp_path)
    with Desk(board={"lib": tmp_path}) as desk:
        operator = desk.operator()
        desk.leave_factory(**QUICK)
        desk.device.power_on()
        desk.device.wait_for(rf"aws\.connected client_id={thing_name(desk)}", 60)
        operator.next_message()
        operator.tell(thing_name(desk), {"say": "hello"})
        desk.device.wait_for("application: told")


def test_it_connects_with_its_own_certificate_and_not_with_the_claim(desk, device):
    device.power_on()
    device.wait_for(r"aws\.connected")
    claim_id = desk.fleet.claim_certificate_arn.rpartition("/")[2]
    assert len(thing_certificates(desk)) == 1
    assert thing_certificates(desk) != [claim_id]


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
    assert operator.next_message()[1]["starts"] == 2, "the 256 bytes survive"


def test_it_needs_no_claim_where_the_settings_have_a_certificate(desk, certificates):
    given = create_thing(desk.cloud.iot(), "given", desk.fleet.thing_policy)
    settings = desk.factory_settings()
    root = settings["certs"][0]
    thing = {"role": "thing", "cert": given.cert_pem, "key": given.key_pem}
    put_settings(desk, aws={"endpoint": settings["aws"]["endpoint"], "thing": "given"}, certs=[root, thing])
    operator = desk.operator()
    desk.device.power_on()
    desk.device.wait_for(r"aws\.connected client_id=given")
    assert operator.next_message()[0] == "devices/given/telemetry"
    assert certificates.created == 0


def test_its_credentials_outlive_a_loss_of_nvs(desk, device, certificates):
    """The port erases all of NVS when it finds it full or of a newer version."""
    device.power_on()
    device.wait_for(r"aws\.connected")
    device.wait_for(r"publish\.done")
    device.power_cut()
    device.flash.erase_nvs()
    device.power_on()
    device.wait_for(rf"aws\.connected client_id={thing_name(desk)}")
    assert certificates.created == 1


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


def test_without_memory_to_enrol_beside_its_application_it_enrols_before(desk, device, certificates):
    put_application(desk, "crowding")
    device.power_on()
    device.wait_for("NORMAL aws.disconnected code=no_memory")
    device.wait_for("restart \\(there is no memory to enrol beside the application\\)")
    device.wait_for("NORMAL aws.provisioned")
    device.wait_for("restart \\(it is a thing now\\)")
    device.wait_for(f"application: connected as {thing_name(desk)}")
    assert certificates.created == 1
