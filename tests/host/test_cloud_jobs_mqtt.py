"""Jobs for one thing, as its device sees them: the pending list, its notifications, requests and their rejections."""

import json

import pytest
from botocore.exceptions import ClientError

from tests.host.cloud_control import error_code
from tests.host.cloud_jobs import DOCUMENT, JOBS


@pytest.fixture
def desk(whole_desk):
    """The desk, without jobs."""
    yield whole_desk
    whole_desk.clear()


def test_a_new_job_is_announced(desk):
    job_id = desk.create()
    end, notified = desk.hear()
    [queued] = notified["jobs"]["QUEUED"]
    assert end == "notify"
    assert (queued["jobId"], queued["executionNumber"], queued["versionNumber"]) == (job_id, 1, 1)
    assert isinstance(queued["queuedAt"], int)
    end, next_one = desk.hear()
    assert end == "notify-next"
    assert next_one["execution"]["jobId"] == job_id
    assert next_one["execution"]["status"] == "QUEUED"
    assert next_one["execution"]["jobDocument"] == DOCUMENT


def test_the_notifications_of_three_jobs(desk):
    """The example of "Jobs notifications" in AWS's developer guide, step by step."""
    one, two = desk.create(), desk.create()
    assert [desk.hear()[0] for _ in range(3)] == ["notify", "notify-next", "notify"], "the second is not the next one"
    assert desk.update(one, "IN_PROGRESS")[0] == "accepted"  # which is told nobody
    three = desk.create()
    _, listed = desk.hear()
    assert [each["jobId"] for each in listed["jobs"]["IN_PROGRESS"]] == [one]
    assert [each["jobId"] for each in listed["jobs"]["QUEUED"]] == [two, three]
    desk.lamp.publish(f"{JOBS}/{one}/update", '{"status": "SUCCEEDED"}')
    heard = dict(desk.hear() for _ in range(3))
    assert set(heard) == {"notify", "notify-next", f"{one}/update/accepted"}
    assert heard["notify-next"]["execution"]["jobId"] == two
    desk.lamp.publish(f"{JOBS}/{three}/update", '{"status": "IN_PROGRESS"}')
    heard = dict(desk.hear() for _ in range(2))
    assert heard["notify-next"]["execution"]["jobId"] == three
    desk.iot.delete_job(jobId=two, force=True)
    assert desk.hear()[0] == "notify"
    desk.iot.delete_job(jobId=three, force=True)
    heard = dict(desk.hear() for _ in range(2))
    assert heard["notify"]["jobs"] == {}
    assert set(heard["notify-next"]) == {"timestamp"}


def test_get_lists_what_is_pending(desk):
    one, two = desk.create(), desk.create()
    desk.update(two, "IN_PROGRESS")
    end, listed = desk.ask("get", {"clientToken": "t"})
    assert (end, listed["clientToken"]) == ("accepted", "t")
    assert [each["jobId"] for each in listed["queuedJobs"]] == [one]
    assert [each["jobId"] for each in listed["inProgressJobs"]] == [two]
    assert listed["inProgressJobs"][0]["startedAt"]


def test_start_next_starts_and_then_resumes(desk):
    job_id = desk.create()
    details = {"step": "begun"}
    end, started = desk.ask("start-next", {"statusDetails": details, "clientToken": "s"})
    assert (end, started["clientToken"]) == ("accepted", "s")
    execution = started["execution"]
    assert (execution["jobId"], execution["status"], execution["versionNumber"]) == (job_id, "IN_PROGRESS", 2)
    assert execution["thingName"] == "lamp"
    assert execution["jobDocument"] == DOCUMENT
    assert execution["statusDetails"] == details
    again = desk.ask("start-next", {"statusDetails": {"step": "other"}})[1]["execution"]
    assert again == execution, "one in progress is not changed"


def test_without_jobs_the_answers_are_empty(desk):
    assert set(desk.ask("start-next")[1]) == {"timestamp"}
    assert set(desk.ask("$next/get")[1]) == {"timestamp"}
    assert desk.ask("get")[1]["queuedJobs"] == []


def test_next_and_one_by_name_are_described(desk):
    one, two = desk.create(), desk.create({"operation": "second"})
    assert desk.ask("$next/get")[1]["execution"]["jobId"] == one
    described = desk.ask(f"{two}/get", {"executionNumber": 1})[1]["execution"]
    assert described["jobDocument"] == {"operation": "second"}
    assert "jobDocument" not in desk.ask(f"{two}/get", {"includeJobDocument": False})[1]["execution"]


def test_progress_is_kept_and_versions_count(desk):
    job_id = desk.create()
    update = {"status": "IN_PROGRESS", "expectedVersion": 1, "statusDetails": {"percent": "50"}}
    end, answer = desk.ask(f"{job_id}/update", {**update, "includeJobExecutionState": True})
    assert end == "accepted"
    assert answer["executionState"] == {
        "status": "IN_PROGRESS",
        "statusDetails": {"percent": "50"},
        "versionNumber": 2,
    }
    end, answer = desk.ask(f"{job_id}/update", {"status": "SUCCEEDED", "includeJobDocument": True})
    assert (end, answer["jobDocument"]) == ("accepted", DOCUMENT)
    execution = desk.execution(job_id)
    assert execution["status"] == "SUCCEEDED"
    assert execution["statusDetails"] == {"detailsMap": {"percent": "50"}}, "not given again, not lost"
    assert execution["versionNumber"] == 3
    job = desk.iot.describe_job(jobId=job_id)["job"]
    assert job["status"] == "COMPLETED"
    assert job["jobProcessDetails"]["numberOfSucceededThings"] == 1
    assert job["completedAt"]


def test_another_version_is_told_with_the_state(desk):
    job_id = desk.create()
    end, answer = desk.ask(f"{job_id}/update", {"status": "SUCCEEDED", "expectedVersion": 7, "clientToken": "v"})
    assert (end, answer["code"], answer["clientToken"]) == ("rejected", "VersionMismatch", "v")
    assert answer["executionState"]["versionNumber"] == 1
    assert desk.status(job_id) == "QUEUED"


@pytest.mark.parametrize("ended", ["SUCCEEDED", "FAILED", "REJECTED"])
def test_what_has_ended_cannot_go_on(desk, ended):
    job_id = desk.create()
    desk.ask(f"{job_id}/update", {"status": ended})
    end, answer = desk.update(job_id, "IN_PROGRESS")
    assert (end, answer["code"]) == ("rejected", "InvalidStateTransition")
    assert answer["executionState"]["status"] == ended
    assert desk.rejected(f"{job_id}/get") == "TerminalStateReached"


DETAILS = {f"k{n}": "v" for n in range(11)}
REJECTED = {
    "no JSON": ("get", b"{", "InvalidJson"),
    "not UTF-8": ("get", b'{"a": "\xff"}', "InvalidJson"),
    "no object": ("start-next", b"[]", "InvalidJson"),
    "endless nesting": ("start-next", b"[" * 50_000, "InvalidJson"),
    "token is a number": ("get", {"clientToken": 1}, "InvalidRequest"),
    "no such job": ("nowhere/get", {}, "ResourceNotFound"),
    "no such job to update": ("nowhere/update", {"status": "FAILED"}, "ResourceNotFound"),
    "no such number": ("JOB/get", {"executionNumber": 9}, "ResourceNotFound"),
    "no status": ("JOB/update", {}, "InvalidRequest"),
    "unknown status": ("JOB/update", {"status": "DONE"}, "InvalidRequest"),
    "a status that is not the device's": ("JOB/update", {"status": "TIMED_OUT"}, "InvalidRequest"),
    "back to the queue": ("JOB/update", {"status": "QUEUED"}, "InvalidRequest"),
    "too many details": ("JOB/update", {"status": "FAILED", "statusDetails": DETAILS}, "InvalidRequest"),
    "long name": ("JOB/update", {"status": "FAILED", "statusDetails": {"k" * 129: "v"}}, "InvalidRequest"),
    "long value": ("JOB/update", {"status": "FAILED", "statusDetails": {"k": "v" * 1025}}, "InvalidRequest"),
    "empty value": ("JOB/update", {"status": "FAILED", "statusDetails": {"k": ""}}, "InvalidRequest"),
    "control character": ("JOB/update", {"status": "FAILED", "statusDetails": {"k": "a\nb"}}, "InvalidRequest"),
    "value is no text": ("JOB/update", {"status": "FAILED", "statusDetails": {"k": 1}}, "InvalidRequest"),
    "version is no number": ("JOB/update", {"status": "FAILED", "expectedVersion": "x"}, "InvalidRequest"),
    "step too long": ("JOB/update", {"status": "IN_PROGRESS", "stepTimeoutInMinutes": 10081}, "InvalidRequest"),
    "step of nothing": ("start-next", {"stepTimeoutInMinutes": 0}, "InvalidRequest"),
    "no operation": ("finish", {}, "InvalidTopic"),
    "no operation of one": ("JOB/finish", {}, "InvalidTopic"),
}


@pytest.mark.parametrize("case", REJECTED)
def test_a_wrong_request_is_rejected_and_changes_nothing(desk, case):
    verb, request, code = REJECTED[case]
    job_id = desk.create()
    assert desk.rejected(verb.replace("JOB", job_id), request) == code
    assert desk.status(job_id) == "QUEUED"


def test_the_same_over_http(desk):
    data = desk.cloud.iot_jobs_data()
    job_id = desk.create()
    assert [each["jobId"] for each in data.get_pending_job_executions(thingName="lamp")["queuedJobs"]] == [job_id]
    started = data.start_next_pending_job_execution(thingName="lamp", statusDetails={"a": "b"})["execution"]
    assert json.loads(started["jobDocument"]) == DOCUMENT
    described = data.describe_job_execution(thingName="lamp", jobId="$next")["execution"]
    assert described["statusDetails"] == {"a": "b"}
    updated = data.update_job_execution(
        thingName="lamp", jobId=job_id, status="SUCCEEDED", includeJobExecutionState=True
    )
    assert updated["executionState"]["status"] == "SUCCEEDED"
    with pytest.raises(ClientError) as raised:
        data.update_job_execution(thingName="lamp", jobId=job_id, status="FAILED")
    assert error_code(raised) == "InvalidStateTransitionException"
    with pytest.raises(ClientError) as raised:
        data.describe_job_execution(thingName="lamp", jobId=job_id)
    assert error_code(raised) == "TerminalStateException"
