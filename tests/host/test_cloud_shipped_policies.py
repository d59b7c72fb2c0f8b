"""The policies that `recipes` ships are least privilege: what a thing and a claim may do, and nothing beside it."""

import pytest

from tests.host.cloud_control import Device, Refused
from tools.cloud import LocalCloud
from tools.cloud.interfaces import Identity, Thing
from tools.cloud.packets import Connect
from tools.cloud.policy import Authority
from tools.cloud.policy_variables import ConnectionVariables
from tools.cloud.recipes import claim_policy, create_fleet, create_operator, create_thing, thing_policy

REGION, ACCOUNT = "eu-central-1", "123456789012"
ARN = f"arn:aws:iot:{REGION}:{ACCOUNT}"
SERVICES = ("shadow/update", "shadow/name/config/get", "jobs/start-next", "jobs/x/update", "defender/metrics/json")
OWN = ("devices/lamp/telemetry", "devices/lamp/command", *(f"$aws/things/lamp/{service}" for service in SERVICES))
OTHERS = (
    *(topic.replace("lamp", "lamp2") for topic in OWN),
    *(topic.replace("lamp", "+") for topic in OWN),
    *("#", "+/#", "devices/#", "devices/+/#", "$aws/#", "$aws/things/#", "$aws/things/lamp/#", "free", "devices/lamp"),
    *("$aws/events/#", "$aws/events/presence/connected/lamp", "$aws/certificates/create/json"),
    *("$aws/provisioning-templates/fleet/provision/json", "$aws/rules/any/topic", "$aws/things/lamp/tunnels/notify"),
)
PROVISIONING = (
    "$aws/certificates/create/json",
    "$aws/certificates/create/json/accepted",
    "$aws/provisioning-templates/fleet/provision/json",
    "$aws/provisioning-templates/fleet/provision/json/rejected",
)
NOT_PROVISIONING = (
    *OWN,
    *("#", "$aws/#", "$aws/certificates/#", "$aws/certificates/create-from-csr/json"),
    *("$aws/provisioning-templates/other/provision/json", "$aws/provisioning-templates/+/provision/json"),
)


def may(policy, client_id, *things):
    """A function: may a connection with this policy do `action` on `resource`?"""
    identity = Identity("f" * 64, f"{ARN}:cert/{'f' * 64}", things=tuple(Thing(name) for name in things))
    authority = Authority((policy,), ConnectionVariables(identity, Connect(client_id, True), "192.0.2.7", b""))
    return lambda action, resource: authority.decide(f"iot:{action}", f"{ARN}:{resource}").allowed


def uses(allowed, topic):
    """Which of publish, receive and subscribe are allowed on a topic."""
    kinds = {"Publish": "topic", "Receive": "topic", "Subscribe": "topicfilter"}
    return {action for action, kind in kinds.items() if allowed(action, f"{kind}/{topic}")}


@pytest.mark.parametrize("topic", OWN)
def test_a_thing_uses_what_is_its_own(topic):
    assert uses(may(thing_policy(REGION, ACCOUNT), "lamp", "lamp"), topic) == {"Publish", "Receive", "Subscribe"}


@pytest.mark.parametrize("topic", OTHERS)
def test_a_thing_uses_nothing_else(topic):
    assert uses(may(thing_policy(REGION, ACCOUNT), "lamp", "lamp"), topic) == set()


def test_a_thing_connects_as_itself_only():
    allowed = may(thing_policy(REGION, ACCOUNT), "lamp", "lamp")
    assert allowed("Connect", "client/lamp")
    assert not any(allowed("Connect", f"client/{name}") for name in ("lamp2", "operator", "", "*"))
    nobody = may(thing_policy(REGION, ACCOUNT), "lamp")  # the certificate belongs to no thing
    assert not nobody("Connect", "client/lamp")
    assert uses(nobody, "devices/lamp/telemetry") == set()


def test_a_thing_retains_on_its_own_topics():
    allowed = may(thing_policy(REGION, ACCOUNT), "lamp", "lamp")
    assert allowed("RetainPublish", "topic/devices/lamp/status")
    assert not allowed("RetainPublish", "topic/devices/lamp2/status")
    assert not allowed("RetainPublish", "topic/$aws/things/lamp/shadow/update")


@pytest.mark.parametrize("topic", PROVISIONING)
def test_a_claim_provisions(topic):
    assert uses(may(claim_policy(REGION, ACCOUNT, "fleet"), "any"), topic) == {"Publish", "Receive", "Subscribe"}


@pytest.mark.parametrize("topic", NOT_PROVISIONING)
def test_a_claim_does_nothing_else(topic):
    allowed = may(claim_policy(REGION, ACCOUNT, "fleet"), "any")
    assert uses(allowed, topic) == set()
    assert not allowed("RetainPublish", f"topic/{topic}")


# ---- the same as a device sees it: whoever oversteps is disconnected ----


@pytest.fixture(scope="module")
def cloud(tmp_path_factory):
    with LocalCloud(tmp_path_factory.mktemp("cloud"), fast_keys=True) as cloud:
        yield cloud


@pytest.fixture(scope="module")
def connect(cloud, tmp_path_factory):
    """Connects as lamp, as another thing, as a claim or as an operator."""
    iot, folder = cloud.iot(), tmp_path_factory.mktemp("devices")
    fleet = create_fleet(iot)
    own = {name: create_thing(iot, name, fleet.thing_policy) for name in ("lamp", "lamp2")}
    pairs = {name: (each.cert_pem, each.key_pem) for name, each in own.items()}
    pairs["claim"] = (fleet.claim_cert_pem, fleet.claim_key_pem)
    operator = create_operator(iot)
    pairs["operator"] = (operator.cert_pem, operator.key_pem)
    return lambda name, client_id=None: Device(cloud, folder, client_id or name, *pairs[name])


@pytest.mark.parametrize("topic", ["devices/lamp2/command", "$aws/things/lamp2/shadow/update", "free"])
def test_a_thing_that_speaks_to_another_is_disconnected(connect, topic):
    with connect("lamp2") as victim, connect("lamp") as lamp:
        victim.subscribe("devices/lamp2/#", "$aws/things/lamp2/shadow/#")
        lamp.send(topic, b'{"state": {"desired": {"on": true}}}')
        lamp.wait_for_end()
        victim.publish("devices/lamp2/own", b"1")
        assert victim.message() == ("devices/lamp2/own", b"1"), "nothing came before it"


@pytest.mark.parametrize("who", ["lamp", "claim"])
@pytest.mark.parametrize("topic_filter", ["devices/+/command", "$aws/things/lamp2/jobs/#", "#", "$aws/events/#"])
def test_who_listens_to_another_is_disconnected(connect, who, topic_filter):
    with connect(who) as device:
        device.try_to_subscribe(topic_filter)
        device.wait_for_end()


@pytest.mark.parametrize("client_id", ["lamp2", "operator"])
def test_a_thing_cannot_take_the_name_of_another(connect, client_id):
    with pytest.raises(Refused), connect("lamp", client_id):
        pass


def test_everything_a_firmware_needs_is_allowed_at_once(connect):
    with connect("lamp") as lamp:
        lamp.subscribe("$aws/things/lamp/shadow/get/+", "$aws/things/lamp/shadow/update/#", "devices/lamp/#")
        lamp.subscribe("$aws/things/lamp/jobs/notify-next", "$aws/things/lamp/jobs/start-next/+")
        lamp.subscribe("$aws/things/lamp/jobs/+/update/+", "$aws/things/lamp/jobs/$next/get/+")
        lamp.subscribe("$aws/things/lamp/defender/metrics/json/+", "$aws/things/lamp/shadow/name/+/update/delta")
        lamp.publish("$aws/things/lamp/defender/metrics/json", b"{}")
        lamp.settle()


def test_an_operator_hears_and_tells_all_devices(connect):
    with connect("operator") as operator, connect("lamp") as lamp:
        operator.subscribe("devices/#", "$aws/things/+/shadow/update/accepted", "$aws/events/job/#")
        lamp.subscribe("devices/lamp/command")
        lamp.publish("devices/lamp/telemetry", b"1")
        assert operator.message() == ("devices/lamp/telemetry", b"1")
        operator.publish("devices/lamp/command", b"2")
        assert lamp.message() == ("devices/lamp/command", b"2")
