"""Jobs as an operator sees them: made, listed, cancelled, deleted."""

import pytest
from botocore.exceptions import ClientError

from tests.host.cloud_control import error_code


@pytest.fixture
def desk(whole_desk):
    """The desk, without jobs."""
    yield whole_desk
    whole_desk.clear()


def test_cancelled_job_leaves_what_is_in_progress_unless_forced(desk):
    one, two = desk.create(), desk.create()
    desk.update(one, "IN_PROGRESS")
    for job_id in (one, two):
        desk.iot.cancel_job(jobId=job_id, reasonCode="CHANGED_MIND", comment="not today")
    assert (desk.status(one), desk.status(two)) == ("IN_PROGRESS", "CANCELED")
    job = desk.iot.describe_job(jobId=two)["job"]
    assert (job["status"], job["reasonCode"], job["comment"]) == ("CANCELED", "CHANGED_MIND", "not today")
    assert desk.update(one, "SUCCEEDED")[0] == "accepted"
    assert desk.iot.describe_job(jobId=one)["job"]["status"] == "CANCELED"


def test_forced_cancellation_is_noticed_by_the_device(desk):
    job_id = desk.create()
    desk.update(job_id, "IN_PROGRESS")
    desk.iot.cancel_job(jobId=job_id, force=True)
    heard = dict(desk.hear() for _ in range(2))
    assert heard["notify"]["jobs"] == {}
    execution = desk.execution(job_id)
    assert (execution["status"], execution["forceCanceled"]) == ("CANCELED", True)
    end, answer = desk.update(job_id, "SUCCEEDED")
    assert (end, answer["code"], answer["executionState"]["status"]) == (
        "rejected",
        "InvalidStateTransition",
        "CANCELED",
    )


def test_one_execution_is_cancelled(desk):
    job_id = desk.create()
    where = {"jobId": job_id, "thingName": "lamp"}
    desk.update(job_id, "IN_PROGRESS")
    with pytest.raises(ClientError) as raised:
        desk.iot.cancel_job_execution(**where)
    assert error_code(raised) == "InvalidStateTransitionException"
    with pytest.raises(ClientError) as raised:
        desk.iot.cancel_job_execution(**where, force=True, expectedVersion=9)
    assert error_code(raised) == "VersionConflictException"
    desk.iot.cancel_job_execution(**where, force=True, expectedVersion=2, statusDetails={"why": "late"})
    execution = desk.iot.describe_job_execution(**where)["execution"]
    assert (execution["status"], execution["statusDetails"]["detailsMap"]) == ("CANCELED", {"why": "late"})
    assert desk.iot.describe_job(jobId=job_id)["job"]["status"] == "COMPLETED"


def test_deleting_needs_force_while_it_goes_on(desk):
    job_id = desk.create()
    with pytest.raises(ClientError) as raised:
        desk.iot.delete_job(jobId=job_id)
    assert error_code(raised) == "InvalidStateTransitionException"
    where = {"jobId": job_id, "thingName": "lamp", "executionNumber": 1}
    with pytest.raises(ClientError) as raised:
        desk.iot.delete_job_execution(**where)
    assert error_code(raised) == "InvalidStateTransitionException"
    desk.update(job_id, "IN_PROGRESS")
    with pytest.raises(ClientError) as raised:
        desk.iot.delete_job_execution(**where)
    assert error_code(raised) == "InvalidStateTransitionException"
    desk.iot.delete_job_execution(**where, force=True)
    assert desk.rejected(f"{job_id}/get") == "ResourceNotFound"
    desk.iot.delete_job(jobId=job_id)
    with pytest.raises(ClientError) as raised:
        desk.iot.describe_job(jobId=job_id)
    assert error_code(raised) == "ResourceNotFoundException"


def test_lists_of_jobs_and_executions(desk):
    one, two = sorted((desk.create(), desk.create()))
    desk.update(one, "FAILED")
    assert [job["jobId"] for job in desk.iot.list_jobs(status="COMPLETED")["jobs"]] == [one]
    [summary] = desk.iot.list_job_executions_for_job(jobId=one)["executionSummaries"]
    assert summary["thingArn"].endswith(":thing/lamp")
    assert summary["jobExecutionSummary"]["status"] == "FAILED"
    listed = desk.iot.list_job_executions_for_thing(thingName="lamp", status="QUEUED")["executionSummaries"]
    assert [each["jobId"] for each in listed] == [two]
    first = desk.iot.list_jobs(maxResults=1)
    assert [job["jobId"] for job in desk.iot.list_jobs(nextToken=first["nextToken"])["jobs"]] == [two]


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"targets": ["arn:aws:iot:eu-central-1:123456789012:thing/nobody"]}, "ResourceNotFoundException"),
        ({"targets": ["lamp"]}, "InvalidRequestException"),
        ({"document": "{"}, "InvalidRequestException"),
        ({"document": "[]"}, "InvalidRequestException"),
        ({"timeoutConfig": {"inProgressTimeoutInMinutes": 0}}, "InvalidRequestException"),
        ({"document": '{"a": "${aws:iot:s3-presigned-url:https://example.com/x}"}'}, "InvalidRequestException"),
        ({"jobId": "taken"}, "ResourceAlreadyExistsException"),
    ],
)
def test_jobs_that_are_refused(desk, changes, code):
    usual = {"targets": [desk.arn()], "document": "{}"}
    if changes.get("jobId"):
        desk.iot.create_job(**usual, **changes)
    with pytest.raises(ClientError) as raised:
        desk.iot.create_job(**{"jobId": "refused", **usual, **changes})
    assert error_code(raised) == code


def test_a_notification_lists_ten_jobs_at_most(desk):
    for _ in range(11):
        desk.create()
    listed = []
    while len(listed) < 11:
        end_of_topic, document = desk.hear()
        if end_of_topic == "notify":
            listed.append(len(document["jobs"]["QUEUED"]))
    assert listed == [*range(1, 11), 10]
