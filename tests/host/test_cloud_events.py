"""Events of registry and jobs: told of the kinds that are switched on, and of no others."""

import json

import pytest
from botocore.exceptions import ClientError

from tests.host.cloud_control import Device, error_code
from tests.host.cloud_jobs import JobsDesk

KINDS = ("THING", "THING_GROUP", "THING_GROUP_MEMBERSHIP", "JOB", "JOB_EXECUTION")


@pytest.fixture(scope="module")
def desk(tmp_path_factory):
    with JobsDesk(tmp_path_factory.mktemp("desk")) as desk:
        yield desk


@pytest.fixture(scope="module")
def listener(desk, tmp_path_factory):
    """A client that may hear everything, and listens to events."""
    allow = {"Effect": "Allow", "Action": "iot:*", "Resource": "*"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [allow]})
    made = desk.iot.create_keys_and_certificate(setAsActive=True)
    desk.iot.create_policy(policyName="everything", policyDocument=document)
    desk.iot.attach_policy(policyName="everything", target=made["certificateArn"])
    pair = made["certificatePem"], made["keyPair"]["PrivateKey"]
    with Device(desk.cloud, tmp_path_factory.mktemp("listener"), "listener", *pair) as listener:
        kinds = ("thing", "thingGroup", "thingGroupMembership", "job", "jobExecution")
        listener.subscribe(*(f"$aws/events/{kind}/#" for kind in kinds))
        yield listener


@pytest.fixture
def hear(desk, listener):
    """So many events: the ends of their topics with their documents; all kinds are on."""
    switch(desk, **dict.fromkeys(KINDS, True))
    yield lambda count: [
        (topic.removeprefix("$aws/events/"), json.loads(payload))
        for topic, payload in (listener.message() for _ in range(count))
    ]
    switch(desk, **dict.fromkeys(KINDS, False))
    listener.settle()


def switch(desk, **kinds):
    wanted = {kind: {"Enabled": is_on} for kind, is_on in kinds.items()}
    desk.iot.update_event_configurations(eventConfigurations=wanted)


def test_things_are_told_when_created_changed_and_deleted(desk, hear):
    desk.iot.create_thing(thingName="t", attributePayload={"attributes": {"a": "1"}})
    desk.iot.update_thing(thingName="t", attributePayload={"attributes": {"a": "2"}})
    desk.iot.delete_thing(thingName="t")
    heard = hear(3)
    assert [topic for topic, _ in heard] == ["thing/t/created", "thing/t/updated", "thing/t/deleted"]
    _, event = heard[1]
    assert (event["eventType"], event["operation"], event["versionNumber"]) == ("THING_EVENT", "UPDATED", 2)
    assert (event["thingName"], event["attributes"], event["accountId"]) == ("t", {"a": "2"}, "123456789012")
    assert event["timestamp"] > 1_600_000_000_000


def test_groups_and_their_members_are_told_once(desk, hear):
    desk.iot.create_thing_group(thingGroupName="g")
    desk.iot.add_thing_to_thing_group(thingGroupName="g", thingName="lamp")
    desk.iot.add_thing_to_thing_group(thingGroupName="g", thingName="lamp")
    desk.iot.remove_thing_from_thing_group(thingGroupName="g", thingName="lamp")
    desk.iot.delete_thing_group(thingGroupName="g")
    member = "thingGroupMembership/thingGroup/g/thing/lamp"
    topics = ["thingGroup/g/created", f"{member}/added", f"{member}/removed", "thingGroup/g/deleted"]
    heard = hear(4)
    assert [topic for topic, _ in heard] == topics
    assert heard[1][1]["groupArn"].endswith(":thinggroup/g")
    assert heard[1][1]["thingArn"].endswith(":thing/lamp")


def test_a_job_and_its_execution(desk, hear):
    job_id = desk.create(description="d")
    desk.update(job_id, "SUCCEEDED", statusDetails={"a": "b"})
    (execution_topic, execution), (job_topic, job) = hear(2)
    assert execution_topic == f"jobExecution/{job_id}/succeeded"
    assert (execution["status"], execution["statusDetails"]) == ("SUCCEEDED", {"a": "b"})
    assert job_topic == f"job/{job_id}/completed"
    assert (job["status"], job["targets"], job["description"]) == ("COMPLETED", [desk.arn()], "d")
    assert job["jobProcessDetails"]["numberOfSucceededThings"] == 1
    desk.iot.delete_job(jobId=job_id)
    assert [topic for topic, _ in hear(2)] == [f"job/{job_id}/deletion_in_progress", f"job/{job_id}/deleted"]


def test_a_job_that_is_cancelled(desk, hear):
    job_id = desk.create()
    desk.iot.cancel_job(jobId=job_id, comment="no")
    topics = [f"job/{job_id}/cancellation_in_progress", f"jobExecution/{job_id}/canceled", f"job/{job_id}/canceled"]
    heard = hear(3)
    assert [topic for topic, _ in heard] == topics
    assert heard[2][1]["comment"] == "no"
    desk.iot.delete_job(jobId=job_id)


def test_only_what_is_switched_on_is_told(desk, listener, hear):
    switch(desk, THING=False)
    desk.iot.create_thing(thingName="silent")
    desk.iot.create_thing_group(thingGroupName="told")
    assert hear(1)[0][0] == "thingGroup/told/created"
    kinds = desk.iot.describe_event_configurations()["eventConfigurations"]
    assert [kinds[kind]["Enabled"] for kind in ("THING", "JOB", "POLICY")] == [False, True, False]


def test_what_fails_is_not_told(desk, hear):
    with pytest.raises(ClientError):
        desk.iot.update_thing_groups_for_thing(thingName="lamp", thingGroupsToAdd=["told", "nowhere"])
    desk.iot.create_thing(thingName="next")
    assert hear(1)[0][0] == "thing/next/created"


def test_kinds_that_are_not_here_are_refused(desk):
    with pytest.raises(ClientError) as raised:
        switch(desk, CERTIFICATE=True)
    assert error_code(raised) == "NotImplementedException"
    with pytest.raises(ClientError) as raised:
        switch(desk, WEATHER=True)
    assert error_code(raised) == "InvalidRequestException"
