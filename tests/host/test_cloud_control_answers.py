"""What AWS always tells in its answers, for scripts that read it without asking whether it is there."""

import json
import uuid

import pytest

from tests.host.cloud_control import error_code
from tools.cloud.recipes import fleet_template

ACCOUNT = "arn:aws:iot:eu-central-1:123456789012"
OTHER = {"attributePayload": {"attributes": {"floor": "1"}}}
TYPE = {"thingTypeProperties": {"thingTypeDescription": "another"}}
TEMPLATE = {
    "templateBody": json.dumps(fleet_template("p")),
    "provisioningRoleArn": "arn:aws:iam::123456789012:role/provisioning",
}
ALLOW = json.dumps(
    {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "iot:Connect", "Resource": "*"}]}
)
# What is made -> by which call, its member with the name, what else it takes, what it takes when it is made again,
# and the member of the answer that is its id.
MADE = {
    "thing": ("create_thing", "thingName", {}, OTHER, "thingId"),
    "thingtype": ("create_thing_type", "thingTypeName", {}, TYPE, "thingTypeId"),
    "thinggroup": ("create_thing_group", "thingGroupName", {}, {"thingGroupProperties": OTHER}, "thingGroupId"),
    "policy": ("create_policy", "policyName", {"policyDocument": ALLOW}, {}, "policyName"),
    "provisioningtemplate": ("create_provisioning_template", "templateName", TEMPLATE, {}, "templateName"),
}


@pytest.mark.parametrize("kind", MADE)
def test_what_is_there_already_is_named_in_the_refusal(iot, kind):
    call, name, given, again, identifier = MADE[kind]
    made = getattr(iot, call)(**{name: "twice"}, **given)
    with pytest.raises(iot.exceptions.ResourceAlreadyExistsException) as refused:
        getattr(iot, call)(**{name: "twice"}, **given, **again)
    told = refused.value.response
    assert (told["resourceArn"], told["resourceId"]) == (f"{ACCOUNT}:{kind}/twice", made[identifier])


def test_a_certificate_is_described_as_by_aws(iot, certificate):
    described = iot.describe_certificate(certificateId=certificate["certificateId"])["certificateDescription"]
    assert described["transferData"] == {}
    assert uuid.UUID(described["generationId"])


def test_a_job_has_its_configurations_even_where_they_are_empty(iot):
    thing = iot.create_thing(thingName="hand")["thingArn"]
    iot.create_job(jobId="plain", targets=[thing], document="{}", timeoutConfig={"inProgressTimeoutInMinutes": 5})
    job = iot.describe_job(jobId="plain")["job"]
    assert (job["presignedUrlConfig"], job["jobExecutionsRolloutConfig"]) == ({}, {})
    assert job["timeoutConfig"] == {"inProgressTimeoutInMinutes": 5}


def test_a_job_and_a_job_template_that_are_there_already_are_named_in_the_refusal(iot):
    thing = iot.create_thing(thingName="worker")["thingArn"]
    iot.create_job(jobId="again", targets=[thing], document="{}")
    with pytest.raises(iot.exceptions.ResourceAlreadyExistsException) as refused:
        iot.create_job(jobId="again", targets=[thing], document="{}")
    assert refused.value.response["resourceArn"] == f"{ACCOUNT}:job/again"
    assert refused.value.response["resourceId"] == "again"
    iot.create_job_template(jobTemplateId="again", description="x", document="{}")
    with pytest.raises(iot.exceptions.ConflictException) as refused:
        iot.create_job_template(jobTemplateId="again", description="x", document="{}")
    assert (error_code(refused), refused.value.response["resourceId"]) == ("ConflictException", "again")
