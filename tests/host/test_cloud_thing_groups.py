"""Thing groups over boto3: the hierarchy, members, versions, and what is refused."""

import json
import ssl

import pytest
from botocore.exceptions import ClientError

from tests.host.cloud_control import error_code
from tests.host.cloud_desk import RawClient
from tools.cloud import LocalCloud
from tools.cloud.packets import NOT_AUTHORISED, PUBACK


@pytest.fixture(scope="module")
def whole_cloud(tmp_path_factory):
    with LocalCloud(tmp_path_factory.mktemp("cloud"), fast_keys=True) as cloud:
        yield cloud


@pytest.fixture
def iot(whole_cloud):
    """The control plane with the things a, b and c, and no groups."""
    iot = whole_cloud.iot()
    for name in "abc":
        iot.create_thing(thingName=name)
    yield iot
    for group in reversed(names(iot.list_thing_groups(recursive=True))):
        iot.delete_thing_group(thingGroupName=group)


def names(answer):
    return [group["groupName"] for group in answer["thingGroups"]]


def refusal(call, **parameters):
    with pytest.raises(ClientError) as raised:
        call(**parameters)
    return error_code(raised)


def test_a_group_is_described(iot):
    properties = {"thingGroupDescription": "lamps", "attributePayload": {"attributes": {"floor": "1"}}}
    made = iot.create_thing_group(thingGroupName="g", thingGroupProperties=properties)
    described = iot.describe_thing_group(thingGroupName="g")
    assert described["thingGroupArn"] == made["thingGroupArn"] == "arn:aws:iot:eu-central-1:123456789012:thinggroup/g"
    assert (described["thingGroupId"], described["version"]) == (made["thingGroupId"], 1)
    assert described["thingGroupProperties"] == properties
    assert iot.create_thing_group(thingGroupName="g", thingGroupProperties=properties)["thingGroupId"]
    assert refusal(iot.create_thing_group, thingGroupName="g") == "ResourceAlreadyExistsException"


def test_groups_below_groups_are_described_and_listed(iot):
    for name, parent in (("g", None), ("g1", "g"), ("g11", "g1"), ("h", None)):
        iot.create_thing_group(thingGroupName=name, **({"parentGroupName": parent} if parent else {}))
    above = iot.describe_thing_group(thingGroupName="g11")["thingGroupMetadata"]
    assert above["parentGroupName"] == "g1"
    assert [each["groupName"] for each in above["rootToParentThingGroups"]] == ["g", "g1"]
    assert names(iot.list_thing_groups(parentGroup="g")) == ["g1", "g11"]
    assert names(iot.list_thing_groups(parentGroup="g", recursive=False)) == ["g1"]
    assert names(iot.list_thing_groups(recursive=False)) == ["g", "h"]
    assert names(iot.list_thing_groups(namePrefixFilter="g1")) == ["g1", "g11"]
    assert refusal(iot.delete_thing_group, thingGroupName="g") == "InvalidRequestException"
    iot.add_thing_to_thing_group(thingGroupName="g11", thingName="a")
    iot.add_thing_to_thing_group(thingGroupName="g", thingName="b")
    assert iot.list_things_in_thing_group(thingGroupName="g")["things"] == ["b"]
    assert iot.list_things_in_thing_group(thingGroupName="g", recursive=True)["things"] == ["a", "b"]
    assert names(iot.list_thing_groups_for_thing(thingName="a")) == ["g11"]


def test_members_come_and_go(iot):
    for name in ("g", "h"):
        iot.create_thing_group(thingGroupName=name)
    arns = {
        "thingGroupArn": iot.describe_thing_group(thingGroupName="g")["thingGroupArn"],
        "thingArn": iot.describe_thing(thingName="a")["thingArn"],
    }
    iot.add_thing_to_thing_group(**arns)
    iot.add_thing_to_thing_group(**arns)
    assert iot.list_things_in_thing_group(thingGroupName="g")["things"] == ["a"]
    iot.update_thing_groups_for_thing(thingName="a", thingGroupsToAdd=["h"], thingGroupsToRemove=["g"])
    assert names(iot.list_thing_groups_for_thing(thingName="a")) == ["h"]
    iot.remove_thing_from_thing_group(thingGroupName="h", thingName="a")
    assert names(iot.list_thing_groups_for_thing(thingName="a")) == []
    assert refusal(iot.add_thing_to_thing_group, thingGroupName="g", thingName="x") == "ResourceNotFoundException"
    assert refusal(iot.add_thing_to_thing_group, thingGroupName="x", thingName="a") == "ResourceNotFoundException"
    assert refusal(iot.add_thing_to_thing_group, thingName="a") == "InvalidRequestException"


def test_a_thing_that_is_deleted_leaves_its_groups(iot):
    iot.create_thing_group(thingGroupName="g")
    iot.create_thing(thingName="short")
    iot.add_thing_to_thing_group(thingGroupName="g", thingName="short")
    iot.delete_thing(thingName="short")
    assert iot.list_things_in_thing_group(thingGroupName="g")["things"] == []


def test_a_group_is_changed(iot):
    iot.create_thing_group(thingGroupName="g")
    change = {"thingGroupName": "g", "thingGroupProperties": {"attributePayload": {"attributes": {"a": "1", "b": "2"}}}}
    assert iot.update_thing_group(**change)["version"] == 2
    merge = {"attributePayload": {"attributes": {"b": ""}, "merge": True}, "thingGroupDescription": "new"}
    iot.update_thing_group(thingGroupName="g", thingGroupProperties=merge, expectedVersion=2)
    properties = iot.describe_thing_group(thingGroupName="g")["thingGroupProperties"]
    assert properties == {"thingGroupDescription": "new", "attributePayload": {"attributes": {"a": "1"}}}
    assert refusal(iot.update_thing_group, **change, expectedVersion=2) == "VersionConflictException"
    assert refusal(iot.delete_thing_group, thingGroupName="g", expectedVersion=2) == "VersionConflictException"


def test_seven_levels_and_no_more(iot):
    for level in range(7):
        parent = {"parentGroupName": f"l{level - 1}"} if level else {}
        iot.create_thing_group(thingGroupName=f"l{level}", **parent)
    assert refusal(iot.create_thing_group, thingGroupName="l7", parentGroupName="l6") == "InvalidRequestException"


def context_of(cloud, folder, made):
    """The TLS context of a device with a certificate that was made over boto3."""
    file = folder / "device.pem"
    file.write_text(made["certificatePem"] + made["keyPair"]["PrivateKey"])
    context = ssl.create_default_context(cafile=cloud.ca_file)
    context.load_cert_chain(file)
    return context


def test_a_policy_of_a_group_is_one_of_all_devices_below_it(whole_cloud, iot, tmp_path):
    for name, parent in (("g", None), ("g1", "g")):
        iot.create_thing_group(thingGroupName=name, **({"parentGroupName": parent} if parent else {}))
    group = iot.describe_thing_group(thingGroupName="g")["thingGroupArn"]
    statement = {"Effect": "Allow", "Action": "iot:*", "Resource": "*"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    iot.create_policy(policyName="of-a-group", policyDocument=document)
    made = iot.create_keys_and_certificate(setAsActive=True)
    iot.attach_thing_principal(thingName="a", principal=made["certificateArn"])
    iot.attach_policy(policyName="of-a-group", target=group)
    iot.attach_policy(policyName="of-a-group", target=group)
    assert iot.list_targets_for_policy(policyName="of-a-group")["targets"] == [group]
    assert refusal(iot.delete_policy, policyName="of-a-group") == "DeleteConflictException"
    below = iot.describe_thing_group(thingGroupName="g1")["thingGroupArn"]
    assert iot.list_attached_policies(target=below)["policies"] == []
    assert [each["policyName"] for each in iot.list_attached_policies(target=below, recursive=True)["policies"]]

    context = context_of(whole_cloud, tmp_path, made)

    def code():
        with RawClient(whole_cloud.mqtt_port, context) as client:
            return client.connect("a")

    assert code() == NOT_AUTHORISED
    iot.add_thing_to_thing_group(thingGroupName="g1", thingName="a")
    effective = iot.get_effective_policies(principal=made["certificateArn"], thingName="a")["effectivePolicies"]
    assert [each["policyName"] for each in effective] == ["of-a-group"]
    assert code() == 0
    with RawClient(whole_cloud.mqtt_port, context) as client:
        client.connect("a")
        client.publish("t", b"", 1)
        assert client.packet()[0] == PUBACK
        denial = document.replace("Allow", "Deny")
        iot.create_policy_version(policyName="of-a-group", policyDocument=denial, setAsDefault=True)
        client.publish("t", b"", 1)
        assert client.is_closed(), "who is connected by it is judged anew"
    iot.set_default_policy_version(policyName="of-a-group", policyVersionId="1")
    iot.delete_policy_version(policyName="of-a-group", policyVersionId="2")
    iot.detach_policy(policyName="of-a-group", target=group)
    assert code() == NOT_AUTHORISED
    iot.delete_policy(policyName="of-a-group")
    assert refusal(iot.attach_policy, policyName="none", target=group) == "ResourceNotFoundException"
    assert refusal(iot.attach_policy, policyName="none", target=group + "x") == "ResourceNotFoundException"
    iot.detach_thing_principal(thingName="a", principal=made["certificateArn"])
