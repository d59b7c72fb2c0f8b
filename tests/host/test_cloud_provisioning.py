"""Fleet provisioning by claim, as a device sees it over MQTT: the answers, the refusals, and who gets them."""

import json

import cbor2
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization

from tests.host.cloud_control import Device, Refused, WallClock
from tools.cloud import LocalCloud
from tools.cloud.authority import new_ec_key
from tools.cloud.recipes import create_fleet, fleet_template

CREATE = "$aws/certificates/create/json"
PROVISION = "$aws/provisioning-templates/fleet/provision/json"


@pytest.fixture
def clock():
    return WallClock()


@pytest.fixture
def cloud(tmp_path, clock):
    with LocalCloud(tmp_path / "cloud", fast_keys=True, now=clock) as cloud:
        yield cloud


@pytest.fixture
def fleet(cloud):
    return create_fleet(cloud.iot())


@pytest.fixture
def new_device(cloud, fleet, tmp_path):
    """Connects a device with the fleet's claim."""
    return lambda client_id="new": Device(cloud, tmp_path, client_id, fleet.claim_cert_pem, fleet.claim_key_pem)


def refusal(answer):
    assert answer["_end"] == "rejected", answer
    assert answer["errorMessage"]
    return answer["statusCode"], answer["errorCode"]


def set_template(cloud, change):
    """Give the fleet's template another body: `change` gets the usual one and alters it."""
    body = fleet_template("fleet-thing")
    change(body)
    cloud.iot().create_provisioning_template_version(
        templateName="fleet", templateBody=json.dumps(body), setAsDefault=True
    )


def test_answers_go_to_the_asking_connection_alone(new_device):
    with new_device("curious") as curious, new_device("asking") as asking:
        curious.subscribe(f"{CREATE}/accepted", f"{CREATE}/rejected")
        assert asking.create_keys()["_end"] == "accepted"
        # Had the answer gone to both, it would have reached the other one before its own.
        curious.publish(CREATE, b"broken")
        topic, _ = curious.message()
    assert topic == f"{CREATE}/rejected"
    assert not curious.has_message()


def test_token_expires_after_an_hour(new_device, clock):
    with new_device() as device:
        token = device.create_keys()["certificateOwnershipToken"]
        clock.advance(3601)
        assert refusal(device.provision(token, SerialNumber="1")) == (400, "InvalidCertificateOwnershipToken")


def test_token_is_still_good_after_a_restart_of_the_cloud(cloud, new_device):
    with new_device() as device:
        token = device.create_keys()["certificateOwnershipToken"]
    cloud.stop()
    cloud.start()
    with new_device() as device:
        assert device.provision(token, SerialNumber="1")["thingName"] == "device-1"


@pytest.mark.parametrize("token", ["", "x" * 256])
def test_token_that_was_never_issued_is_refused(new_device, token):
    with new_device() as device:
        assert refusal(device.provision(token, SerialNumber="1")) == (400, "InvalidCertificateOwnershipToken")


def test_refused_request_leaves_the_token_good_and_nothing_behind(cloud, new_device):
    with new_device() as device:
        created = device.create_keys()
        token = created["certificateOwnershipToken"]
        assert refusal(device.provision(token)) == (400, "InvalidParameters")  # no SerialNumber
        described = cloud.iot().describe_certificate(certificateId=created["certificateId"])
        assert described["certificateDescription"]["status"] == "PENDING_ACTIVATION"
        assert device.provision(token, SerialNumber="1")["thingName"] == "device-1"


def test_template_that_fails_half_way_changes_nothing(cloud, new_device):
    def name_a_policy_that_is_not_there(body):
        body["Resources"]["policy"]["Properties"]["PolicyName"] = "nowhere"

    set_template(cloud, name_a_policy_that_is_not_there)
    with new_device() as device:
        created = device.create_keys()
        answer = device.provision(created["certificateOwnershipToken"], SerialNumber="1")
    assert refusal(answer) == (404, "ResourceNotFound")
    described = cloud.iot().describe_certificate(certificateId=created["certificateId"])
    assert described["certificateDescription"]["status"] == "PENDING_ACTIVATION"
    assert cloud.iot().list_things()["things"] == []


def test_disabled_template_is_refused(cloud, new_device):
    cloud.iot().update_provisioning_template(templateName="fleet", enabled=False)
    with new_device() as device:
        answer = device.provision(device.create_keys()["certificateOwnershipToken"], SerialNumber="1")
    assert refusal(answer) == (404, "ResourceNotFound")


def test_throttled_requests_are_told_so_and_then_it_goes_on(cloud, new_device):
    cloud.faults.throttle_provisioning = 2
    with new_device() as device:
        assert refusal(device.create_keys()) == (429, "Throttled")
        assert refusal(device.create_keys()) == (429, "Throttled")
        assert device.create_keys()["_end"] == "accepted"


@pytest.mark.parametrize("payload", [b"{", b"[]", b"\xff", b'"text"'])
def test_payload_that_is_no_json_object_is_rejected(new_device, payload):
    with new_device() as device:
        assert refusal(device.ask(CREATE, payload)) == (400, "InvalidJson")


@pytest.mark.parametrize("parameters", ["text", ["a"], {"SerialNumber": 1}, {"SerialNumber": None}])
def test_parameters_must_be_strings(new_device, parameters):
    with new_device() as device:
        request = {"certificateOwnershipToken": "x", "parameters": parameters}
        assert refusal(device.ask(PROVISION, request)) == (400, "InvalidParameters")


def test_whole_provisioning_in_cbor(cloud, new_device):
    def ask(device, topic, payload):
        device.subscribe(f"{topic}/accepted")
        device.subscribe(f"{topic}/rejected")
        device.publish(topic, payload)
        answered, payload = device.message()
        return answered.rpartition("/")[2], cbor2.loads(payload)

    create, provision = CREATE.replace("json", "cbor"), PROVISION.replace("json", "cbor")
    with new_device() as device:
        end, made = ask(device, create, b"\xa0")
        assert (end, sorted(made)) == (
            "accepted",
            ["certificateId", "certificateOwnershipToken", "certificatePem", "privateKey"],
        )
        request = {"certificateOwnershipToken": made["certificateOwnershipToken"], "parameters": {"SerialNumber": "c1"}}
        assert ask(device, provision, cbor2.dumps(request))[1]["thingName"] == "device-c1"
        assert cloud.iot().describe_thing(thingName="device-c1")["attributes"]["serial"] == "c1"
        # Not CBOR, an array, a map whose key is a map, ever deeper, a byte string as token, and JSON.
        for wrong in (b"\xff", b"\x80", b"\xa1\xa0\x01", b"\x81" * 5000, b"\xa1\x61a\x41\x00", b'{"parameters": {}}'):
            end, answer = ask(device, provision, wrong)
            assert (end, answer["statusCode"], answer["errorCode"]) == ("rejected", 400, "InvalidCbor")


def test_claim_may_do_nothing_but_provision(new_device):
    with new_device() as device:
        device.send("devices/other/telemetry", b"1")
        device.wait_for_end()


def test_device_that_comes_again_gets_a_second_certificate_for_its_thing(cloud, new_device):
    with new_device() as device:
        for version in ("a", "b"):
            token = device.create_keys()["certificateOwnershipToken"]
            device.provision(token, SerialNumber="1", HardwareVersion=version)
    thing = cloud.iot().describe_thing(thingName="device-1")
    assert thing["attributes"] == {"serial": "1", "hardware": "b"}
    assert len(cloud.iot().list_thing_principals(thingName="device-1")["principals"]) == 2


@pytest.mark.parametrize(
    ("decision", "attributes"),
    [
        ("MERGE", {"serial": "1", "hardware": "unknown", "room": "kitchen"}),
        ("REPLACE", {"serial": "1", "hardware": "unknown"}),
        ("DO_NOTHING", {"room": "kitchen"}),
    ],
)
def test_thing_that_exists_is_changed_as_the_template_says(cloud, new_device, decision, attributes):
    cloud.iot().create_thing(thingName="device-1", attributePayload={"attributes": {"room": "kitchen"}})
    set_template(cloud, lambda body: body["Resources"]["thing"].update(OverrideSettings={"AttributePayload": decision}))
    with new_device() as device:
        device.provision(device.create_keys()["certificateOwnershipToken"], SerialNumber="1")
    assert cloud.iot().describe_thing(thingName="device-1")["attributes"] == attributes


def test_template_puts_things_into_groups(cloud, new_device):
    for group in ("all", "new", "old"):
        cloud.iot().create_thing_group(thingGroupName=group)
    set_template(cloud, lambda body: body["Resources"]["thing"]["Properties"].update(ThingGroups=["all", "new"]))

    def provisioned():
        with new_device() as device:
            device.provision(device.create_keys()["certificateOwnershipToken"], SerialNumber="1")
        listed = cloud.iot().list_thing_groups_for_thing(thingName="device-1")["thingGroups"]
        return [group["groupName"] for group in listed]

    assert provisioned() == ["all", "new"]
    cloud.iot().update_thing_groups_for_thing(
        thingName="device-1", thingGroupsToAdd=["old"], thingGroupsToRemove=["new"]
    )
    assert provisioned() == ["all", "new"], "replaced, as nothing else is said"


def test_thing_that_must_be_new_is_refused_when_it_exists(cloud, new_device):
    cloud.iot().create_thing(thingName="device-1")
    set_template(cloud, lambda body: body["Resources"]["thing"].update(OverrideSettings={"AttributePayload": "FAIL"}))
    with new_device() as device:
        answer = device.provision(device.create_keys()["certificateOwnershipToken"], SerialNumber="1")
    assert refusal(answer) == (409, "ResourceConflicts")


def test_policy_written_in_the_template_is_made_and_device_configuration_is_given(cloud, new_device, tmp_path):
    def write_policy(body):
        allow = {"Effect": "Allow", "Action": "iot:*", "Resource": "*"}
        document = {"Version": "2012-10-17", "Statement": allow}
        body["Resources"]["policy"]["Properties"] = {"PolicyDocument": json.dumps(document)}
        body["DeviceConfiguration"] = {"room": {"Fn::Sub": "room of ${SerialNumber}"}}

    set_template(cloud, write_policy)
    with new_device() as device:
        created = device.create_keys()
        registered = device.provision(created["certificateOwnershipToken"], SerialNumber="1")
    assert registered["deviceConfiguration"] == {"room": "room of 1"}
    with Device(cloud, tmp_path, "any-name", created["certificatePem"], created["privateKey"]) as device:
        device.subscribe("anything")
        device.publish("anything", b"at all")
        assert device.message() == ("anything", b"at all")


def signing_request():
    """PEM of a request for a certificate, of a key that nobody has seen."""
    name = x509.Name([x509.NameAttribute(x509.oid.NameOID.COMMON_NAME, "mine")])
    request = x509.CertificateSigningRequestBuilder().subject_name(name).sign(new_ec_key(), hashes.SHA256())
    return request.public_bytes(serialization.Encoding.PEM).decode()


def test_claim_made_by_the_control_plane_is_good_for_five_minutes(cloud, fleet, clock, tmp_path):
    claim = cloud.iot().create_provisioning_claim(templateName="fleet")
    credentials = (claim["certificatePem"], claim["keyPair"]["PrivateKey"])
    with Device(cloud, tmp_path, "trusted-user", *credentials) as device:
        token = device.create_keys()["certificateOwnershipToken"]
        assert device.provision(token, SerialNumber="1")["thingName"] == "device-1"
        request = {"certificateSigningRequest": signing_request()}
        token = device.ask("$aws/certificates/create-from-csr/json", request)["certificateOwnershipToken"]
        assert device.provision(token, SerialNumber="2")["thingName"] == "device-2"
    clock.advance(301)
    with pytest.raises(Refused), Device(cloud, tmp_path, "late", *credentials):
        pass
