"""LocalCloud: what survives a restart and a kill, what it keeps secret, and the certificates it shows."""

import re
import signal
import socket
import sqlite3
import ssl
import stat
import subprocess
import sys

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec

from tests.host.cloud_control import Device, Refused
from tools.cloud import LocalCloud, authority
from tools.cloud.authority import CertificateAuthority
from tools.cloud.recipes import create_fleet, create_thing
from tools.cloud.store import StoreError
from tools.interpreter import ROOT


@pytest.fixture
def cloud(tmp_path):
    with LocalCloud(tmp_path / "cloud", fast_keys=True) as cloud:
        yield cloud


# Makes a fleet and things until it is killed; tells each thing once the cloud has answered.
ENDLESS = """
import sys
from tools.cloud import LocalCloud
from tools.cloud.recipes import create_fleet
cloud = LocalCloud(sys.argv[1], fast_keys=True)
cloud.start()
iot = cloud.iot()
create_fleet(iot)
for number in range(10_000):
    iot.create_thing(thingName=f"thing-{number:05}")
    print(number, flush=True)
"""


def test_what_was_answered_survives_a_kill(tmp_path):
    with subprocess.Popen(
        [sys.executable, "-c", ENDLESS, tmp_path], stdout=subprocess.PIPE, text=True, cwd=ROOT
    ) as cloud:
        try:
            for _ in range(20):
                last = int(cloud.stdout.readline())
        finally:
            cloud.send_signal(signal.SIGKILL)
    with LocalCloud(tmp_path) as cloud:
        iot = cloud.iot()
        names = {thing["thingName"] for thing in iot.list_things(maxResults=250)["things"]}
        assert {f"thing-{number:05}" for number in range(last + 1)} <= names
        assert iot.describe_provisioning_template(templateName="fleet")["enabled"]
        assert len(iot.list_certificates()["certificates"]) == 1


def test_device_made_before_a_restart_connects_after_it(tmp_path):
    with LocalCloud(tmp_path, fast_keys=True) as cloud:
        own = create_thing(cloud.iot(), "lamp", create_fleet(cloud.iot()).thing_policy)
        root = cloud.ca_file.read_bytes()
    with LocalCloud(tmp_path) as cloud:
        assert cloud.ca_file.read_bytes() == root
        with Device(cloud, tmp_path, "lamp", own.cert_pem, own.key_pem) as device:
            device.subscribe("devices/lamp/x")


def test_stop_and_start_keep_the_ports(cloud):
    before = cloud.mqtt_port, cloud.control_url
    cloud.stop()
    assert not cloud.is_running
    cloud.start()
    assert (cloud.mqtt_port, cloud.control_url) == before
    assert cloud.iot().list_things()["things"] == []


def test_second_cloud_on_the_same_folder_is_refused(cloud):
    with pytest.raises(StoreError, match="another local AWS IoT is running"):
        LocalCloud(cloud.folder).start()
    assert cloud.iot().list_things()["things"] == []


def test_port_in_use_is_an_error_that_leaves_nothing_running(cloud, tmp_path):
    second = LocalCloud(tmp_path / "second", control_port=cloud.control_port)
    with pytest.raises(OSError, match="in use"):
        second.start()
    assert not second.is_running
    second.control_port = 0
    second.start()
    assert second.control_port != cloud.control_port
    second.close()


def test_folder_of_a_newer_version_is_refused(tmp_path):
    with LocalCloud(tmp_path):
        pass
    database = sqlite3.connect(tmp_path / "iot.sqlite3")
    database.execute("PRAGMA user_version = 99")
    database.close()
    with pytest.raises(StoreError, match="newer version"):
        LocalCloud(tmp_path).start()


def test_folder_of_another_region_is_refused(tmp_path):
    with LocalCloud(tmp_path, region="eu-west-1") as cloud:
        arn = cloud.iot().create_thing(thingName="lamp")["thingArn"]
    assert arn == "arn:aws:iot:eu-west-1:123456789012:thing/lamp"
    with pytest.raises(StoreError, match="region eu-west-1"):
        LocalCloud(tmp_path).start()
    with LocalCloud(tmp_path, region="eu-west-1") as cloud:
        assert cloud.iot().describe_thing(thingName="lamp")["thingArn"] == arn


def test_damaged_database_is_told(tmp_path):
    (tmp_path / "iot.sqlite3").write_bytes(b"rubbish" * 1000)
    with pytest.raises(StoreError, match="not readable"):
        LocalCloud(tmp_path).start()


def test_key_of_another_authority_is_told(cloud, tmp_path):
    with LocalCloud(tmp_path / "other"):
        pass
    (tmp_path / "other" / "ca.pem").write_bytes(cloud.ca_file.read_bytes())
    with pytest.raises(StoreError, match="is not the key of"):
        LocalCloud(tmp_path / "other").start()


def test_secrets_are_for_the_owner_only_and_devices_keys_nowhere(cloud):
    own = create_thing(cloud.iot(), "lamp", create_fleet(cloud.iot()).thing_policy)
    assert stat.S_IMODE((cloud.folder / "ca.key").stat().st_mode) == 0o600
    middle = own.key_pem.splitlines()[2].encode()
    for file in cloud.folder.rglob("*"):
        assert middle not in file.read_bytes(), file


# ---- what the server shows ----


@pytest.fixture
def own(cloud):
    """The credentials of a thing called "lamp"."""
    return create_thing(cloud.iot(), "lamp", create_fleet(cloud.iot()).thing_policy)


@pytest.fixture
def complaint(cloud, own, tmp_path):
    """Shake hands as the lamp, which trusts the cloud's root: what it has against the server, or None."""
    pair = tmp_path / "pair.pem"
    pair.write_text(own.key_pem + own.cert_pem)

    def shake_hands(host_name="localhost"):
        context = ssl.create_default_context(cafile=cloud.ca_file)
        context.load_cert_chain(pair)
        with socket.create_connection(("127.0.0.1", cloud.mqtt_port), 20) as plain:
            try:
                with context.wrap_socket(plain, server_hostname=host_name):
                    return None
            except ssl.SSLCertVerificationError as error:
                return error.verify_message

    return shake_hands


def test_server_certificate_is_good_for_every_name_of_the_cloud(complaint):
    for host_name in ("localhost", "127.0.0.1", "::1", "endpoint.example", "a1-ats.iot.eu-central-1.amazonaws.com"):
        assert complaint(host_name) is None
    assert "mismatch" in complaint("elsewhere.example")


def test_server_certificate_is_good_for_further_names(tmp_path):
    with LocalCloud(tmp_path, endpoint="my.lan", names=["192.0.2.1"]) as cloud:
        assert cloud.iot().describe_endpoint()["endpointAddress"].startswith("my.lan:")
        shown = x509.load_pem_x509_certificate(ssl.get_server_certificate(("127.0.0.1", cloud.mqtt_port)).encode())
    names = shown.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert "my.lan" in names.get_values_for_type(x509.DNSName)
    assert "192.0.2.1" in map(str, names.get_values_for_type(x509.IPAddress))


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ("expired", "expired"),
        ("not_yet_valid", "not yet valid"),
        ("wrong_name", "mismatch"),
        ("untrusted", "signature failure|unable to get local issuer|self-signed"),
    ],
)
def test_faulty_certificate_is_shown_until_it_is_taken_back(cloud, complaint, fault, said):
    cloud.faults.certificate = fault
    assert re.search(said, complaint())
    cloud.faults.certificate = None
    assert complaint() is None


@pytest.mark.parametrize("chain", ["large", "rsa", "aws"])
def test_long_chain_is_a_good_one(cloud, complaint, chain):
    cloud.faults.certificate = chain
    assert complaint() is None


def test_unknown_fault_of_the_certificate_is_refused_and_the_good_one_stays(cloud, complaint):
    with pytest.raises(ValueError, match="expired"):
        cloud.faults.certificate = "ugly"
    assert cloud.faults.certificate is None
    assert complaint() is None


def test_faulty_certificate_outlasts_a_restart_of_the_cloud(cloud, complaint):
    cloud.faults.certificate = "expired"
    cloud.stop()
    cloud.start()
    assert "expired" in complaint()


def test_certificate_of_another_authority_is_good_once_it_is_registered(cloud, tmp_path):
    fleet = create_fleet(cloud.iot())
    key = ec.generate_private_key(ec.SECP256R1())
    foreign = authority.pem(CertificateAuthority.create("Somebody else").issue_device(key.public_key()))
    with pytest.raises((Refused, OSError)), Device(cloud, tmp_path, "guest", foreign, authority.key_pem(key)):
        pass
    iot = cloud.iot()
    arn = iot.register_certificate_without_ca(certificatePem=foreign, status="ACTIVE")["certificateArn"]
    iot.create_thing(thingName="guest")
    iot.attach_thing_principal(thingName="guest", principal=arn)
    iot.attach_policy(policyName=fleet.thing_policy, target=arn)
    for _ in range(2):  # also after a restart
        with Device(cloud, tmp_path, "guest", foreign, authority.key_pem(key)) as device:
            device.subscribe("devices/guest/x")
        cloud.stop()
        cloud.start()


# ---- what a change does to devices that are connected ----


def test_detaching_the_policy_takes_effect_on_the_connection_that_stands(cloud, tmp_path):
    iot = cloud.iot()
    fleet = create_fleet(iot)
    own = create_thing(iot, "lamp", fleet.thing_policy)
    with Device(cloud, tmp_path, "lamp", own.cert_pem, own.key_pem) as device:
        device.publish("devices/lamp/state", b"on")
        iot.detach_policy(policyName=fleet.thing_policy, target=own.certificate_arn)
        device.send("devices/lamp/state", b"off")
        device.wait_for_end()
