"""Parameters of the control plane: they have AWS's effect, or are refused by name; none is dropped."""

import json

import pytest
from botocore.exceptions import ClientError

from tests.host.cloud_control import error_code

ALLOW = json.dumps(
    {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "iot:Connect", "Resource": "*"}]}
)


def every(call, what, **asked):
    """All that is listed, by pages of two."""
    listed, marker = [], {}
    while True:
        page = call(pageSize=2, **marker, **asked)
        listed += page[what]
        if not page.get("nextMarker"):
            return listed
        marker = {"marker": page["nextMarker"]}


@pytest.mark.parametrize(
    ("ascending", "order"), [({}, -1), ({"ascendingOrder": False}, -1), ({"ascendingOrder": True}, 1)]
)
def test_policies_are_listed_by_age(iot, certificate, name, ascending, order):
    made = [f"{name}-{each}" for each in ("zeta", "alpha", "mean")]
    for policy in made:
        iot.create_policy(policyName=policy, policyDocument=ALLOW)
        iot.attach_policy(policyName=policy, target=certificate["certificateArn"])
    listed = [each["policyName"] for each in every(iot.list_policies, "policies", **ascending)]
    assert [each for each in listed if each in made] == made[::order]
    own = every(iot.list_principal_policies, "policies", principal=certificate["certificateArn"], **ascending)
    assert [each["policyName"] for each in own] == made[::order]


@pytest.mark.parametrize(("ascending", "order"), [({}, -1), ({"ascendingOrder": True}, 1)])
def test_certificates_are_listed_by_age(iot, name, ascending, order):
    made = [iot.create_keys_and_certificate()["certificateArn"] for _ in range(5)]
    listed = [each["certificateArn"] for each in every(iot.list_certificates, "certificates", **ascending)]
    assert [each for each in listed if each in made] == made[::order]
    iot.create_policy(policyName=name, policyDocument=ALLOW)
    for arn in made:
        iot.attach_policy(policyName=name, target=arn)
    assert every(iot.list_policy_principals, "principals", policyName=name, **ascending) == made[::order]


def test_jobs_are_listed_by_the_id_of_their_group(iot, name):
    groups = [iot.create_thing_group(thingGroupName=f"{name}-{each}") for each in range(2)]
    for group in groups:
        iot.create_job(jobId=group["thingGroupName"], targets=[group["thingGroupArn"]], document="{}")
    listed = iot.list_jobs(thingGroupId=groups[1]["thingGroupId"])["jobs"]
    assert [each["jobId"] for each in listed] == [groups[1]["thingGroupName"]]
    assert iot.list_jobs(thingGroupId="no-such-group")["jobs"] == []
    assert (
        iot.list_jobs(thingGroupId=groups[1]["thingGroupId"], thingGroupName=groups[0]["thingGroupName"])["jobs"] == []
    )


@pytest.mark.parametrize(
    ("operation", "parameters"),
    [
        ("describe_job", {"jobId": "x", "beforeSubstitution": True}),
        ("delete_job_execution", {"jobId": "x", "thingName": "x", "executionNumber": 1, "namespaceId": "x"}),
        ("list_job_executions_for_thing", {"thingName": "x", "namespaceId": "x"}),
        ("add_thing_to_thing_group", {"thingName": "x", "thingGroupName": "x", "overrideDynamicGroups": True}),
        ("update_thing_groups_for_thing", {"thingName": "x", "overrideDynamicGroups": True}),
    ],
)
def test_what_has_no_effect_here_is_refused_by_name(iot, operation, parameters):
    with pytest.raises(ClientError, match=list(parameters)[-1]) as raised:
        getattr(iot, operation)(**parameters)
    assert error_code(raised) == "NotImplementedException"
