"""The same calls to the local AWS IoT and to moto, another imitation of AWS: the answers are compared.

Where they differ, the step says why ours stays; a difference that is gone must be taken from here.
"""

import datetime
import json
import re
from typing import NamedTuple

import boto3
import pytest
from botocore.exceptions import ClientError
from botocore.response import StreamingBody

from tools.cloud import LocalCloud
from tools.cloud.clients import make_client

REGION = "eu-central-1"
ARN = f"arn:aws:iot:{REGION}:123456789012:"
ALLOW = json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "iot:*", "Resource": "*"}]})
CONNECT = ALLOW.replace("iot:*", "iot:Connect")
CERTIFICATE, CERTIFICATE_ID = "<the certificate's ARN>", "<its id>"


class Step(NamedTuple):
    call: str
    parameters: dict
    differs: str = ""


def step(call, differs="", **parameters):
    return Step(call, parameters, differs)


def state(**halves):
    return json.dumps({"state": halves})


SAYS_MORE = "ours says more, as AWS's documentation has it"
THINGS = (
    step("create_thing_type", SAYS_MORE, thingTypeName="lamp", thingTypeProperties={"searchableAttributes": ["a"]}),
    step("describe_thing_type", thingTypeName="lamp"),
    step("describe_thing_type", thingTypeName="none"),
    step("list_thing_types"),
    step("create_thing", thingName="t1", thingTypeName="lamp", attributePayload={"attributes": {"a": "1", "b": "2"}}),
    step("create_thing", thingName="t2"),
    step("create_thing", thingName="t3", thingTypeName="none"),
    step("describe_thing", thingName="t1"),
    step("describe_thing", thingName="none"),
    step("list_things"),
    step("list_things", thingTypeName="lamp"),
    step("list_things", attributeName="a", attributeValue="1"),
    step("update_thing", thingName="t1", attributePayload={"attributes": {"b": "", "c": "3"}, "merge": True}),
    step("describe_thing", "moto does not count versions", thingName="t1"),
    step("update_thing", "moto does not count versions", thingName="t1", expectedVersion=99),
    step("update_thing", thingName="none"),
    step("update_thing", thingName="t1", removeThingType=True),
    step("deprecate_thing_type", thingTypeName="lamp"),
    step("create_thing", thingName="t4", thingTypeName="lamp"),
    step("list_thing_types", SAYS_MORE),
    step("create_thing_group", thingGroupName="g", thingGroupProperties={"thingGroupDescription": "x"}),
    step("create_thing_group", thingGroupName="g1", parentGroupName="g"),
    step("create_thing_group", thingGroupName="g"),
    step("describe_thing_group", thingGroupName="g"),
    step("describe_thing_group", thingGroupName="g1"),
    step("describe_thing_group", thingGroupName="none"),
    step("list_thing_groups"),
    step("list_thing_groups", parentGroup="g"),
    step("list_thing_groups", parentGroup="none"),
    step("list_thing_groups", recursive=False),
    step("list_thing_groups", namePrefixFilter="g1"),
    step(
        "update_thing_group", thingGroupName="g", thingGroupProperties={"attributePayload": {"attributes": {"k": "v"}}}
    ),
    step("describe_thing_group", thingGroupName="g"),
    step("update_thing_group", thingGroupName="g", thingGroupProperties={}, expectedVersion=77),
    step("add_thing_to_thing_group", thingGroupName="g", thingName="t1"),
    step("add_thing_to_thing_group", thingGroupName="g1", thingArn=f"{ARN}thing/t2"),
    step("add_thing_to_thing_group", thingGroupName="none", thingName="t1"),
    step("add_thing_to_thing_group", thingGroupName="g", thingName="none"),
    step("list_things_in_thing_group", thingGroupName="g"),
    step("list_things_in_thing_group", "moto leaves out groups below", thingGroupName="g", recursive=True),
    step("list_thing_groups_for_thing", thingName="t1"),
    step("update_thing_groups_for_thing", thingName="t1", thingGroupsToAdd=["g1"], thingGroupsToRemove=["g"]),
    step("remove_thing_from_thing_group", thingGroupName="g1", thingName="t1"),
    step("list_thing_groups_for_thing", thingName="t1"),
    step("delete_thing_group", thingGroupName="g"),
    step("delete_thing_group", thingGroupName="none"),
)
POLICIES = (
    step("create_policy", policyName="p", policyDocument=ALLOW),
    step("create_policy", policyName="p", policyDocument=ALLOW),
    step("get_policy", SAYS_MORE, policyName="p"),
    step("get_policy", policyName="none"),
    step("list_policies"),
    step("create_policy_version", policyName="p", policyDocument=CONNECT, setAsDefault=True),
    step("get_policy_version", policyName="p", policyVersionId="9"),
    step("delete_policy_version", policyName="p", policyVersionId="2"),
    step("set_default_policy_version", policyName="p", policyVersionId="1"),
    step("delete_policy", policyName="p"),
    step("delete_policy_version", policyName="p", policyVersionId="2"),
    step("list_policy_versions", policyName="p"),
    step("attach_policy", policyName="p", target=CERTIFICATE),
    step("attach_policy", policyName="none", target=CERTIFICATE),
    step("list_attached_policies", target=CERTIFICATE),
    step("list_targets_for_policy", policyName="p"),
    step("list_policy_principals", policyName="p"),
    step("list_principal_policies", principal=CERTIFICATE),
    step("delete_policy", policyName="p"),
    step("create_thing", thingName="owner"),
    step("attach_thing_principal", thingName="owner", principal=CERTIFICATE),
    step("attach_thing_principal", thingName="none", principal=CERTIFICATE),
    step("list_thing_principals", thingName="owner"),
    step("list_thing_principals", thingName="none"),
    step("list_principal_things", principal=CERTIFICATE),
    step("delete_certificate", certificateId=CERTIFICATE_ID),
    step("detach_thing_principal", thingName="owner", principal=CERTIFICATE),
    step("detach_policy", policyName="p", target=CERTIFICATE),
    step("delete_certificate", certificateId=CERTIFICATE_ID),
    step("update_certificate", certificateId=CERTIFICATE_ID, newStatus="INACTIVE"),
    step("delete_certificate", certificateId=CERTIFICATE_ID),
    step("describe_certificate", certificateId=CERTIFICATE_ID),
    step("delete_policy", policyName="p"),
    step("delete_thing", thingName="owner"),
    step("delete_thing", "AWS: deleting one that is not there is no error", thingName="owner"),
)
STANDS_STILL = "moto's jobs do not go on"
TEMPLATE = {"jobTemplateId": "jt", "document": '{"a":1}', "description": "d"}
JOBS = (
    step("create_thing", thingName="worker"),
    step("create_job", jobId="j", targets=[f"{ARN}thing/worker"], document='{"a":1}', description="d"),
    step("describe_job", STANDS_STILL, jobId="j"),
    step("describe_job", jobId="none"),
    step("get_job_document", jobId="j"),
    step("describe_job_execution", STANDS_STILL, jobId="j", thingName="worker"),
    step("describe_job_execution", jobId="j", thingName="other"),
    step("cancel_job_execution", jobId="j", thingName="worker"),
    step("describe_job_execution", STANDS_STILL, jobId="j", thingName="worker"),
    step("create_job", jobId="j2", targets=[f"{ARN}thing/worker"], document="{}"),
    step(
        "create_job", "AWS: ResourceAlreadyExistsException", jobId="j2", targets=[f"{ARN}thing/worker"], document="[]"
    ),
    step("cancel_job", jobId="j2", reasonCode="R", comment="C"),
    step("delete_job", jobId="j2"),
    step("describe_job", jobId="j2"),
    step("create_job_template", **TEMPLATE),
    step("describe_job_template", jobTemplateId="jt"),
    step("list_job_templates"),
    step("create_job_template", **TEMPLATE),
    step("delete_job_template", jobTemplateId="jt"),
    step("describe_job_template", jobTemplateId="jt"),
)
SHADOWS = (
    step("create_thing", thingName="t"),
    step(
        "update_thing_shadow", thingName="t", payload=state(desired={"a": 1, "n": {"x": 1, "y": 2}}, reported={"a": 2})
    ),
    step("get_thing_shadow", thingName="t"),
    step("update_thing_shadow", thingName="t", payload=state(desired={"n": {"x": None}}, reported={"a": 1})),
    step("get_thing_shadow", thingName="t"),
    step("update_thing_shadow", thingName="t", payload='{"state": {"desired": {"a": 5}}, "version": 77}'),
    step("update_thing_shadow", thingName="t", payload='{"state": {"desired": {"l": [1, {"q": 2}]}}, "version": 2}'),
    step("get_thing_shadow", thingName="t"),
    step("update_thing_shadow", thingName="t", payload=state(reported={"a": [1]})),
    step("get_thing_shadow", thingName="t"),
    step("update_thing_shadow", thingName="t", payload='{"state": null}'),
    step("get_thing_shadow", thingName="t"),
    step("update_thing_shadow", thingName="t", shadowName="s", payload=state(reported={"a": 1})),
    step("get_thing_shadow", thingName="t", shadowName="s"),
    step("list_named_shadows_for_thing", SAYS_MORE, thingName="t"),
    step("update_thing_shadow", thingName="t", payload=b"{"),
    step("update_thing_shadow", thingName="t", payload=b"{}"),
    step("update_thing_shadow", thingName="t", payload=state(wished={})),
    step("delete_thing_shadow", "as Greengrass: the version that was deleted", thingName="t", shadowName="s"),
    step("get_thing_shadow", thingName="t", shadowName="s"),
    step("get_thing_shadow", thingName="none"),
)


def plain(value, names):
    """An answer without what is new each time."""
    if isinstance(value, dict):
        return {key: plain(each, names) for key, each in value.items() if key != "ResponseMetadata"}
    if isinstance(value, list):
        return [plain(each, names) for each in value]
    if isinstance(value, StreamingBody):
        return plain(json.loads(value.read()), names)
    if isinstance(value, datetime.datetime) or (type(value) in (int, float) and value > 1_000_000_000):
        return "a time"
    if isinstance(value, str):
        for own, common in names.items():
            value = value.replace(own, common)
        return re.sub(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", "an id", value)
    return value


def answers(client_of, steps):
    """What a cloud answers to each step: a result, or the error's code and status."""
    clients = {name: client_of(name) for name in ("iot", "iot-data")}
    certificate = clients["iot"].create_keys_and_certificate(setAsActive=True)
    names = {certificate["certificateArn"]: CERTIFICATE, certificate["certificateId"]: CERTIFICATE_ID}
    own = {common: mine for mine, common in names.items()}
    for each in steps:
        client = clients["iot-data" if "shadow" in each.call else "iot"]
        try:
            answer = getattr(client, each.call)(**{key: own.get(str(v), v) for key, v in each.parameters.items()})
        except ClientError as error:
            response = error.response
            yield response["Error"]["Code"], response["ResponseMetadata"]["HTTPStatusCode"]
        else:
            yield plain(answer, names)


@pytest.fixture(scope="module")
def moto_client():
    """Makes clients of moto, which answers inside this process."""
    moto = pytest.importorskip("moto")
    with moto.mock_aws():
        credentials = {"aws_access_key_id": "any", "aws_secret_access_key": "any"}
        yield lambda service: boto3.client(service, REGION, **credentials)


@pytest.fixture(scope="module")
def local_answers(tmp_path_factory):
    """Our answers to the steps, by area. Asked before moto takes hold of every client in the process."""
    with LocalCloud(tmp_path_factory.mktemp("cloud"), fast_keys=True) as cloud:
        return {
            area: list(answers(lambda service: make_client(service, REGION, cloud.control_url), steps))
            for area, steps in AREAS.items()
        }


AREAS = {"things": THINGS, "policies": POLICIES, "jobs": JOBS, "shadows": SHADOWS}


@pytest.mark.parametrize("area", AREAS)
def test_answers_are_those_of_moto(local_answers, moto_client, area):
    theirs = answers(moto_client, AREAS[area])
    for each, our, their in zip(AREAS[area], local_answers[area], theirs, strict=True):
        where = f"{each.call} {each.parameters}"
        if each.differs:
            assert our != their, f"{where}: no difference any more ({each.differs})"
        else:
            assert our == their, where
