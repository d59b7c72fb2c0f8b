"""Things, templates and the data plane through boto3, which does not know that it is not AWS."""

import json

import pytest
from botocore.exceptions import ClientError

from tests.host.cloud_control import WallClock, error_code
from tools.cloud import LocalCloud

CLOCK = WallClock()


@pytest.fixture(scope="module")
def cloud(tmp_path_factory):
    with LocalCloud(tmp_path_factory.mktemp("cloud"), fast_keys=True, now=CLOCK) as cloud:
        yield cloud


# ---- things ----


def test_thing_is_what_was_created(iot, name):
    created = iot.create_thing(thingName=name, attributePayload={"attributes": {"room": "hall"}})
    described = iot.describe_thing(thingName=name)
    assert created["thingArn"] == described["thingArn"] == f"arn:aws:iot:eu-central-1:123456789012:thing/{name}"
    assert (described["attributes"], described["version"]) == ({"room": "hall"}, 1)
    assert described["thingId"] == created["thingId"]


def test_creating_the_same_thing_again_is_no_error_but_another_one_is(iot, name):
    first = iot.create_thing(thingName=name, attributePayload={"attributes": {"a": "1"}})
    again = iot.create_thing(thingName=name, attributePayload={"attributes": {"a": "1"}})
    assert first["thingId"] == again["thingId"]
    with pytest.raises(iot.exceptions.ResourceAlreadyExistsException):
        iot.create_thing(thingName=name, attributePayload={"attributes": {"a": "2"}})


def test_thing_without_type_has_three_attributes_at_most(iot, name):
    many = {"attributes": {str(number): "x" for number in range(4)}}
    with pytest.raises(iot.exceptions.InvalidRequestException):
        iot.create_thing(thingName=name, attributePayload=many)
    iot.create_thing_type(thingTypeName=name)
    iot.create_thing(thingName=name, thingTypeName=name, attributePayload=many)
    assert iot.describe_thing(thingName=name)["thingTypeName"] == name


def test_update_merges_replaces_and_removes_attributes(iot, name):
    def attributes():
        return iot.describe_thing(thingName=name)["attributes"]

    iot.create_thing(thingName=name, attributePayload={"attributes": {"a": "1", "b": "2"}})
    iot.update_thing(thingName=name, attributePayload={"attributes": {"b": "", "c": "3"}, "merge": True})
    assert attributes() == {"a": "1", "c": "3"}
    iot.update_thing(thingName=name, attributePayload={"attributes": {"d": "4"}})
    assert attributes() == {"d": "4"}


def test_update_of_an_older_version_is_refused(iot, name):
    iot.create_thing(thingName=name)
    iot.update_thing(thingName=name, attributePayload={"attributes": {"a": "1"}}, expectedVersion=1)
    with pytest.raises(iot.exceptions.VersionConflictException):
        iot.update_thing(thingName=name, attributePayload={"attributes": {"a": "2"}}, expectedVersion=1)


def test_thing_with_a_certificate_is_not_deleted(iot, certificate, name):
    iot.create_thing(thingName=name)
    principal = {"thingName": name, "principal": certificate["certificateArn"]}
    iot.attach_thing_principal(**principal)
    assert iot.list_principal_things(principal=certificate["certificateArn"])["things"] == [name]
    with pytest.raises(iot.exceptions.InvalidRequestException):
        iot.delete_thing(thingName=name)
    iot.detach_thing_principal(**principal)
    iot.delete_thing(thingName=name)
    with pytest.raises(iot.exceptions.ResourceNotFoundException):
        iot.describe_thing(thingName=name)


def test_exclusive_certificate_belongs_to_one_thing(iot, certificate, name):
    for suffix in "ab":
        iot.create_thing(thingName=name + suffix)
    arn = certificate["certificateArn"]
    iot.attach_thing_principal(thingName=name + "a", principal=arn, thingPrincipalType="EXCLUSIVE_THING")
    with pytest.raises(iot.exceptions.InvalidRequestException):
        iot.attach_thing_principal(thingName=name + "b", principal=arn)


def test_things_come_in_pages_and_can_be_chosen_by_attribute(iot):
    names = [f"page-{number}" for number in range(7)]
    for each in names:
        iot.create_thing(thingName=each, attributePayload={"attributes": {"book": "page", "number": each[-1]}})
    pages = list(
        iot.get_paginator("list_things").paginate(
            attributeName="book", attributeValue="page", PaginationConfig={"PageSize": 3}
        )
    )
    assert [len(page["things"]) for page in pages] == [3, 3, 1]
    assert [thing["thingName"] for page in pages for thing in page["things"]] == names
    [third] = iot.list_things(attributeName="number", attributeValue="3")["things"]
    assert third["thingName"] == "page-3"


def test_token_of_a_page_that_is_none_is_refused(iot):
    with pytest.raises(iot.exceptions.InvalidRequestException):
        iot.list_things(nextToken="!")


def test_thing_type_is_deleted_only_some_time_after_it_was_deprecated(iot, name):
    iot.create_thing_type(thingTypeName=name, thingTypeProperties={"thingTypeDescription": "a lamp"})
    with pytest.raises(iot.exceptions.InvalidRequestException):
        iot.delete_thing_type(thingTypeName=name)
    iot.deprecate_thing_type(thingTypeName=name)
    with pytest.raises(iot.exceptions.InvalidRequestException):
        iot.create_thing(thingName=name, thingTypeName=name)
    described = iot.describe_thing_type(thingTypeName=name)
    assert described["thingTypeMetadata"]["deprecated"]
    assert described["thingTypeProperties"]["thingTypeDescription"] == "a lamp"
    CLOCK.advance(301)
    iot.delete_thing_type(thingTypeName=name)
    with pytest.raises(iot.exceptions.ResourceNotFoundException):
        iot.describe_thing_type(thingTypeName=name)


# ---- provisioning templates ----

ROLE = "arn:aws:iam::123456789012:role/FleetProvisioning"
BODY = json.dumps(
    {
        "Resources": {
            "certificate": {
                "Type": "AWS::IoT::Certificate",
                "Properties": {"CertificateId": {"Ref": "AWS::IoT::Certificate::Id"}},
            }
        }
    }
)


def test_thing_type_is_changed_and_a_certificate_names_its_things(iot, certificate, name):
    iot.create_thing_type(thingTypeName=name, thingTypeProperties={"thingTypeDescription": "old"})
    iot.update_thing_type(thingTypeName=name, thingTypeProperties={"searchableAttributes": ["floor"]})
    changed = iot.describe_thing_type(thingTypeName=name)["thingTypeProperties"]
    assert changed == {"thingTypeDescription": "old", "searchableAttributes": ["floor"]}
    iot.create_thing(thingName=name)
    arn = certificate["certificateArn"]
    iot.attach_thing_principal(thingName=name, principal=arn, thingPrincipalType="EXCLUSIVE_THING")
    listed = iot.list_principal_things_v2(principal=arn)["principalThingObjects"]
    assert listed == [{"thingName": name, "thingPrincipalType": "EXCLUSIVE_THING"}]
    others = iot.list_principal_things_v2(principal=arn, thingPrincipalType="NON_EXCLUSIVE_THING")
    assert others["principalThingObjects"] == []


def test_provisioning_template_is_created_changed_and_deleted(iot):
    template = {"templateName": "t1"}
    iot.create_provisioning_template(**template, templateBody=BODY, provisioningRoleArn=ROLE)
    assert not iot.describe_provisioning_template(**template)["enabled"]
    iot.update_provisioning_template(**template, enabled=True, description="mine")
    described = iot.describe_provisioning_template(**template)
    assert (described["enabled"], described["description"], described["templateBody"]) == (True, "mine", BODY)
    with pytest.raises(iot.exceptions.ResourceAlreadyExistsException):
        iot.create_provisioning_template(**template, templateBody=BODY, provisioningRoleArn=ROLE)
    iot.delete_provisioning_template(**template)
    with pytest.raises(iot.exceptions.ResourceNotFoundException):
        iot.describe_provisioning_template(**template)


def test_a_provisioning_template_has_versions_of_which_one_is_the_default(iot):
    template = {"templateName": "t2"}
    iot.create_provisioning_template(**template, templateBody=BODY, provisioningRoleArn=ROLE)
    other = BODY.replace("certificate", "cert")
    assert iot.create_provisioning_template_version(**template, templateBody=other)["versionId"] == 2
    assert iot.describe_provisioning_template(**template)["templateBody"] == BODY
    iot.update_provisioning_template(**template, defaultVersionId=2)
    assert iot.describe_provisioning_template(**template)["templateBody"] == other
    with pytest.raises(iot.exceptions.DeleteConflictException):
        iot.delete_provisioning_template_version(**template, versionId=2)
    iot.delete_provisioning_template_version(**template, versionId=1)
    [version] = iot.list_provisioning_template_versions(**template)["versions"]
    assert (version["versionId"], version["isDefaultVersion"]) == (2, True)


def test_template_that_cannot_work_is_refused_at_once(iot):
    with pytest.raises(iot.exceptions.InvalidRequestException, match="Nobody"):
        iot.create_provisioning_template(
            templateName="t3",
            templateBody=BODY.replace("AWS::IoT::Certificate::Id", "Nobody"),
            provisioningRoleArn=ROLE,
        )


# ---- the rest ----


def test_endpoint_says_where_devices_connect(cloud, iot):
    for kind in ("iot:Data-ATS", "iot:Data"):
        assert iot.describe_endpoint(endpointType=kind)["endpointAddress"] == f"localhost:{cloud.mqtt_port}"
    jobs = iot.describe_endpoint(endpointType="iot:Jobs")["endpointAddress"]
    assert f"http://{jobs}" == cloud.control_url
    with pytest.raises(iot.exceptions.InvalidRequestException):
        iot.describe_endpoint(endpointType="iot:Nonsense")


@pytest.mark.parametrize("kind", ["iot:CredentialProvider", "iot:DeviceAdvisor"])
def test_endpoint_of_what_is_not_there_is_refused_by_name(iot, kind):
    with pytest.raises(ClientError, match=f"{kind}.*not part of the local AWS IoT") as raised:
        iot.describe_endpoint(endpointType=kind)
    assert error_code(raised) == "NotImplementedException"


def test_retained_message_is_kept_and_cleared(cloud):
    data = cloud.iot_data()
    data.publish(topic="house/door", qos=1, retain=True, payload=b"\x00open")
    kept = data.get_retained_message(topic="house/door")
    assert (kept["payload"], kept["qos"]) == (b"\x00open", 1)
    [listed] = data.list_retained_messages()["retainedTopics"]
    assert (listed["topic"], listed["payloadSize"]) == ("house/door", 5)
    data.publish(topic="house/door", retain=True, payload=b"")
    with pytest.raises(data.exceptions.ResourceNotFoundException):
        data.get_retained_message(topic="house/door")


def test_a_message_over_http_has_properties_as_one_of_mqtt_5(cloud):
    data = cloud.iot_data()
    users = [{"unit": "C"}, {"unit": "K"}]
    more = {"contentType": "text/plain", "correlationData": "aWQ=", "payloadFormatIndicator": "UTF8_DATA"}
    data.publish(topic="house/heat", retain=True, payload=b"21", userProperties=users, responseTopic="answers", **more)
    assert json.loads(data.get_retained_message(topic="house/heat")["userProperties"]) == users
    wrongs = ({"userProperties": "x"}, {"userProperties": [1]}, {"correlationData": "no base64"})
    for wrong in (*wrongs, {"messageExpiry": 2**32}, {"messageExpiry": -1}):
        with pytest.raises(data.exceptions.InvalidRequestException):
            data.publish(topic="house/heat", payload=b"", **wrong)
    data.publish(topic="house/heat", retain=True, payload=b"")


def test_what_is_created_with_tags_keeps_them_until_it_is_gone(iot, name):
    tags = [{"Key": "site", "Value": "north"}]
    policy = json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Action": "*", "Resource": "*"}]})
    iot.create_thing(thingName=name)
    thing = iot.describe_thing(thingName=name)["thingArn"]
    arns = [
        iot.create_thing_group(thingGroupName=name, tags=tags)["thingGroupArn"],
        iot.create_thing_type(thingTypeName=name, tags=tags)["thingTypeArn"],
        iot.create_policy(policyName=name, policyDocument=policy, tags=tags)["policyArn"],
        iot.create_job(jobId=name[:64], targets=[thing], document="{}", tags=tags)["jobArn"],
        iot.create_job_template(jobTemplateId=name[:64], document="{}", description="d", tags=tags)["jobTemplateArn"],
        iot.create_provisioning_template(
            templateName=name[:36], templateBody=BODY, provisioningRoleArn=ROLE, tags=tags
        )["templateArn"],
    ]
    assert [iot.list_tags_for_resource(resourceArn=arn)["tags"] for arn in arns] == [tags] * len(arns)
    group = arns[0]
    iot.tag_resource(resourceArn=group, tags=[{"Key": "site", "Value": "south"}, {"Key": "floor", "Value": ""}])
    iot.untag_resource(resourceArn=group, tagKeys=["floor", "unknown"])
    assert iot.list_tags_for_resource(resourceArn=group)["tags"] == [{"Key": "site", "Value": "south"}]
    iot.delete_thing_group(thingGroupName=name)
    with pytest.raises(iot.exceptions.ResourceNotFoundException):
        iot.list_tags_for_resource(resourceArn=group)
    iot.create_thing_group(thingGroupName=name)
    assert iot.list_tags_for_resource(resourceArn=group)["tags"] == []
    for arn, wrong in ((thing, tags), (group, [{"Key": "aws:x", "Value": ""}]), (group, tags * 2)):
        with pytest.raises(iot.exceptions.InvalidRequestException):
            iot.tag_resource(resourceArn=arn, tags=wrong)
    iot.delete_job(jobId=name[:64], force=True)
    iot.delete_job_template(jobTemplateId=name[:64])


@pytest.mark.parametrize("topic", ["a/b/#", "+", "x" * 257, "1/2/3/4/5/6/7/8/9"])
def test_publish_to_a_topic_that_is_none_is_refused(cloud, topic):
    data = cloud.iot_data()
    with pytest.raises(data.exceptions.InvalidRequestException):
        data.publish(topic=topic, payload=b"x")


def test_payload_beyond_aws_limit_is_refused(cloud):
    with pytest.raises(ClientError) as raised:
        cloud.iot_data().publish(topic="a", payload=bytes(128 * 1024 + 1))
    assert error_code(raised) == "RequestEntityTooLargeException"


def test_operation_that_is_not_there_says_so_by_name(iot):
    with pytest.raises(ClientError, match=r"ListBillingGroups.*not part of the local AWS IoT") as raised:
        iot.list_billing_groups()
    assert error_code(raised) == "NotImplementedException"
    # Some SDKs ask again after every server error, for many seconds.
    assert raised.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400
