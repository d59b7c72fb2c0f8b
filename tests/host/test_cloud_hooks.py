"""Pre-provisioning hooks: what they are told, what they decide, and that a broken one lets nobody in."""

import threading

import pytest

from tests.host.cloud_control import Device
from tools.cloud import LocalCloud, hooks
from tools.cloud.hooks import AllowList
from tools.cloud.recipes import create_fleet

ARN = "arn:aws:lambda:eu-central-1:123456789012:function:%s"


@pytest.fixture(scope="module")
def functions():
    """The hooks of the cloud, by name; each test puts its own there."""
    return {}


@pytest.fixture(scope="module")
def cloud(tmp_path_factory, functions):
    with LocalCloud(tmp_path_factory.mktemp("cloud"), fast_keys=True, hooks=functions) as cloud:
        yield cloud


@pytest.fixture(scope="module")
def fleet(cloud):
    return create_fleet(cloud.iot())


@pytest.fixture
def provision(cloud, fleet, functions, tmp_path):
    """Ask for a thing while `hook` decides: the answer."""

    def ask(hook, serial="1", name="decides", **parameters):
        functions["decides"] = hook
        cloud.iot().update_provisioning_template(
            templateName="fleet", preProvisioningHook={"payloadVersion": "2020-04-01", "targetArn": ARN % name}
        )
        with Device(cloud, tmp_path, "new", fleet.claim_cert_pem, fleet.claim_key_pem) as device:
            token = device.create_keys()["certificateOwnershipToken"]
            return device.provision(token, SerialNumber=serial, **parameters)

    return ask


def is_denied(answer):
    return (answer["_end"], answer.get("statusCode"), answer.get("errorCode")) == ("rejected", 403, "AccessDenied")


def test_a_hook_is_told_who_asks(cloud, fleet, provision):
    told = []

    def decide(event, context):
        told.append(event)
        return {"allowProvisioning": True}

    assert provision(decide, "told", HardwareVersion="7")["thingName"] == "device-told"
    [event] = told
    assert event["parameters"] == {"SerialNumber": "told", "HardwareVersion": "7"}
    assert event["clientId"] == "new"
    assert event["claimCertificateId"] == fleet.claim_certificate_arn.rpartition("/")[2]
    assert event["templateArn"].endswith(":provisioningtemplate/fleet")
    described = cloud.iot().describe_certificate(certificateId=event["certificateId"])
    assert described["certificateDescription"]["certificatePem"] == event["certificatePem"]


def test_a_hook_overrides_parameters(cloud, provision):
    overrides = {"allowProvisioning": True, "parameterOverrides": {"HardwareVersion": "better", "SerialNumber": "2b"}}
    assert provision(lambda event, context: overrides, "2a")["thingName"] == "device-2b"
    assert cloud.iot().describe_thing(thingName="device-2b")["attributes"]["hardware"] == "better"


def broken(event, context):
    raise RuntimeError("no connection to the database")


REFUSING = {
    "says no": lambda event, context: {"allowProvisioning": False},
    "says nothing": lambda event, context: None,
    "says it in text": lambda event, context: {"allowProvisioning": "true"},
    "overrides with numbers": lambda event, context: {"allowProvisioning": True, "parameterOverrides": {"a": 1}},
    "fails": broken,
}


@pytest.mark.parametrize("case", REFUSING)
def test_a_hook_that_does_not_allow_it_refuses(cloud, provision, case):
    assert is_denied(provision(REFUSING[case], "refused"))
    assert "device-refused" not in [thing["thingName"] for thing in cloud.iot().list_things()["things"]]


def test_a_hook_that_is_not_there_refuses(provision):
    assert is_denied(provision(REFUSING["says no"], name="elsewhere"))


def test_a_hook_that_takes_too_long_refuses(provision, monkeypatch):
    monkeypatch.setattr(hooks, "TIMEOUT_S", 0.05)
    ends = threading.Event()
    try:
        assert is_denied(provision(lambda event, context: ends.wait(20)))
    finally:
        ends.set()


def test_a_refused_token_stays_good(cloud, fleet, functions, provision, tmp_path):
    allowed = AllowList()
    functions["decides"] = allowed
    with Device(cloud, tmp_path, "again", fleet.claim_cert_pem, fleet.claim_key_pem) as device:
        token = device.create_keys()["certificateOwnershipToken"]
        assert is_denied(device.provision(token, SerialNumber="late"))
        allowed.serials.add("late")
        assert device.provision(token, SerialNumber="late")["thingName"] == "device-late"


def test_an_allow_list_reads_its_file_anew(provision, tmp_path):
    file = tmp_path / "serials.txt"
    file.write_text("# our devices\nfirst  # on the shelf\n\n")
    allowed = AllowList(["given"], file)
    assert provision(allowed, "given")["thingName"] == "device-given"
    assert provision(allowed, "first")["thingName"] == "device-first"
    assert is_denied(provision(allowed, "second"))
    file.write_text("second\n")
    assert provision(allowed, "second")["thingName"] == "device-second"
    file.unlink()
    assert is_denied(provision(allowed, "first")), "without its file it lets nobody in"


def test_a_hook_is_described_and_removed(cloud, fleet, provision):
    provision(REFUSING["says no"])
    described = cloud.iot().describe_provisioning_template(templateName="fleet")["preProvisioningHook"]
    assert described == {"payloadVersion": "2020-04-01", "targetArn": ARN % "decides"}
    cloud.iot().update_provisioning_template(templateName="fleet", removePreProvisioningHook=True)
    assert "preProvisioningHook" not in cloud.iot().describe_provisioning_template(templateName="fleet")


def test_a_hook_in_a_file_as_it_would_be_given_to_lambda(tmp_path):
    file = tmp_path / "hook.py"
    file.write_text("def pre_provisioning_hook(event, context):\n    return {'allowProvisioning': event['x'] == 1}\n")
    assert hooks.load(str(file))({"x": 1}, None) == {"allowProvisioning": True}
    for where, said in ((f"{file}:other", "no function other"), (str(tmp_path / "none.py"), "no Python file")):
        with pytest.raises(ValueError, match=said):
            hooks.load(where)
    file.write_text("import nowhere_to_be_found\n")
    with pytest.raises(ValueError, match="nowhere_to_be_found"):
        hooks.load(str(file))
