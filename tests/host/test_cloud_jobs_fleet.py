"""Jobs for groups of things: who gets them when, at which rate, and when they are given up."""

import itertools

import pytest
from botocore.exceptions import ClientError

from tests.host.cloud_control import error_code
from tools.cloud.jobs.failures import abort_reason, may_retry
from tools.cloud.jobs.rollout import rate

numbers = itertools.count(1)


@pytest.fixture
def desk(whole_desk):
    """The desk, without jobs."""
    yield whole_desk
    whole_desk.clear()


@pytest.fixture
def fleet(desk):
    """Makes a group with so many new things: its name, its ARN, their names."""

    def make(count):
        group = f"group-{next(numbers)}"
        arn = desk.iot.create_thing_group(thingGroupName=group)["thingGroupArn"]
        things = [f"{group}-{number}" for number in range(count)]
        for thing in things:
            desk.iot.create_thing(thingName=thing)
            desk.iot.add_thing_to_thing_group(thingGroupName=group, thingName=thing)
        return group, arn, things

    return make


def having(desk, job_id, *statuses):
    """The things with an execution of the job, or with one in these states."""
    listed = desk.iot.list_job_executions_for_job(jobId=job_id)["executionSummaries"]
    return [
        each["thingArn"].rpartition("/")[2]
        for each in listed
        if not statuses or each["jobExecutionSummary"]["status"] in statuses
    ]


def end(desk, job_id, things, status="SUCCEEDED"):
    data = desk.cloud.iot_jobs_data()
    for thing in things:
        data.update_job_execution(jobId=job_id, thingName=thing, status=status)


def pass_time(desk, seconds):
    desk.clock.advance(seconds)
    desk.cloud.sweep()


def describe(desk, job_id):
    return desk.iot.describe_job(jobId=job_id)["job"]


# ---- who ----


def test_a_group_and_the_groups_below_it_each_thing_once(desk, fleet):
    group, arn, things = fleet(2)
    below = desk.iot.create_thing_group(thingGroupName=f"{group}-below", parentGroupName=group)["thingGroupName"]
    desk.iot.add_thing_to_thing_group(thingGroupName=below, thingName="lamp")
    job_id = desk.create(targets=[arn, desk.arn(things[0]), desk.arn("lamp")])
    assert sorted(having(desk, job_id)) == sorted(["lamp", *things])
    assert sorted(describe(desk, job_id)["targets"]) == sorted([arn, desk.arn(things[0]), desk.arn("lamp")])


def test_a_snapshot_is_of_its_moment_and_completes(desk, fleet):
    group, arn, things = fleet(2)
    job_id = desk.create(targets=[arn])
    desk.iot.add_thing_to_thing_group(thingGroupName=group, thingName="lamp")
    assert having(desk, job_id) == things
    end(desk, job_id, things[:1])
    assert describe(desk, job_id)["status"] == "IN_PROGRESS"
    end(desk, job_id, things[1:], "REJECTED")
    job = describe(desk, job_id)
    assert job["status"] == "COMPLETED"
    assert job["jobProcessDetails"]["numberOfSucceededThings"] == 1
    assert job["jobProcessDetails"]["numberOfRejectedThings"] == 1


def test_a_snapshot_of_nobody_is_complete_at_once(desk, fleet):
    _, arn, _ = fleet(0)
    assert describe(desk, desk.create(targets=[arn]))["status"] == "COMPLETED"


def test_a_continuous_job_follows_the_group(desk, fleet):
    group, arn, things = fleet(1)
    job_id = desk.create(targets=[arn], targetSelection="CONTINUOUS")
    end(desk, job_id, things)
    assert describe(desk, job_id)["status"] == "IN_PROGRESS", "it goes on"
    desk.iot.add_thing_to_thing_group(thingGroupName=group, thingName="lamp")
    assert desk.hear()[0] == "notify"
    assert desk.hear()[1]["execution"]["jobId"] == job_id
    desk.iot.remove_thing_from_thing_group(thingGroupName=group, thingName="lamp")
    assert dict(desk.hear() for _ in range(2))["notify"]["jobs"] == {}
    assert desk.status(job_id) == "REMOVED"
    desk.iot.add_thing_to_thing_group(thingGroupName=group, thingName="lamp")
    assert desk.execution(job_id)["executionNumber"] == 2
    assert desk.update(job_id, "SUCCEEDED")[0] == "accepted"
    desk.iot.update_thing_groups_for_thing(thingName="lamp", thingGroupsToRemove=[group])
    desk.iot.update_thing_groups_for_thing(thingName="lamp", thingGroupsToAdd=[group])
    assert desk.status(job_id) == "SUCCEEDED", "who has done it does it once"


def test_more_targets_for_a_continuous_job(desk, fleet):
    _, arn, things = fleet(1)
    job_id = desk.create(targets=[arn], targetSelection="CONTINUOUS")
    desk.iot.associate_targets_with_job(jobId=job_id, targets=[desk.arn("lamp"), arn], comment="one more")
    assert having(desk, job_id) == [*things, "lamp"]
    assert describe(desk, job_id)["comment"] == "one more"
    snapshot = desk.create(targets=[arn])
    with pytest.raises(ClientError) as raised:
        desk.iot.associate_targets_with_job(jobId=snapshot, targets=[desk.arn("lamp")])
    assert error_code(raised) == "InvalidRequestException"


def test_a_thing_that_is_deleted_has_no_job_any_more(desk, fleet):
    _, arn, things = fleet(2)
    job_id = desk.create(targets=[arn])
    desk.iot.delete_thing(thingName=things[0])
    assert desk.status(job_id, things[0]) == "REMOVED"
    end(desk, job_id, things[1:])
    assert describe(desk, job_id)["status"] == "COMPLETED"


# ---- at which rate ----


def test_a_constant_rate_gives_so_many_things_a_minute_their_job(desk, fleet):
    _, arn, things = fleet(5)
    job_id = desk.create(targets=[arn], jobExecutionsRolloutConfig={"maximumPerMinute": 2})
    assert having(desk, job_id) == things[:2]
    job = describe(desk, job_id)
    assert (job["isConcurrent"], job["jobProcessDetails"]["processingTargets"]) == (True, [arn])
    end(desk, job_id, things[:2])
    pass_time(desk, 30)
    assert having(desk, job_id) == things[:2]
    pass_time(desk, 31)
    assert having(desk, job_id) == things[:4]
    pass_time(desk, 61)
    assert having(desk, job_id) == things
    end(desk, job_id, things[2:])
    job = describe(desk, job_id)
    assert (job["isConcurrent"], job["status"]) == (False, "COMPLETED")


def test_an_exponential_rate_grows_with_success(desk, fleet):
    _, arn, things = fleet(7)
    criteria = {"numberOfSucceededThings": 1}
    exponential = {"baseRatePerMinute": 1, "incrementFactor": 2.0, "rateIncreaseCriteria": criteria}
    job_id = desk.create(targets=[arn], jobExecutionsRolloutConfig={"exponentialRate": exponential})
    assert having(desk, job_id) == things[:1]
    pass_time(desk, 61)
    assert having(desk, job_id) == things[:2], "nobody has succeeded yet"
    end(desk, job_id, things[:2])
    pass_time(desk, 61)
    assert having(desk, job_id) == things[:6]


@pytest.mark.parametrize(
    ("config", "notified", "succeeded", "expected"),
    [
        ({}, 0, 0, None),
        ({"maximumPerMinute": 50}, 0, 0, 50),
        ({"exponentialRate": {"numberOfNotifiedThings": 1000}}, 999, 0, 50),
        ({"exponentialRate": {"numberOfNotifiedThings": 1000}}, 1000, 0, 100),
        ({"exponentialRate": {"numberOfNotifiedThings": 1000}}, 3500, 0, 400),
        ({"exponentialRate": {"numberOfSucceededThings": 10}}, 3500, 10, 100),
        ({"exponentialRate": {"numberOfNotifiedThings": 1}, "maximumPerMinute": 60}, 100, 0, 60),
        ({"exponentialRate": {"numberOfNotifiedThings": 1}}, 10**9, 0, 1000),
    ],
)
def test_an_exponential_rate_grows_with_what_was_told_or_has_succeeded(config, notified, succeeded, expected):
    if "exponentialRate" in config:
        exponential = {
            "baseRatePerMinute": 50,
            "incrementFactor": 2.0,
            "rateIncreaseCriteria": config["exponentialRate"],
        }
        config = {**config, "exponentialRate": exponential}
    assert rate(config, notified, succeeded) == expected


def test_cancelling_ends_the_roll_out(desk, fleet):
    _, arn, things = fleet(3)
    job_id = desk.create(targets=[arn], jobExecutionsRolloutConfig={"maximumPerMinute": 1})
    desk.iot.cancel_job(jobId=job_id)
    pass_time(desk, 61)
    assert having(desk, job_id) == things[:1]
    assert having(desk, job_id, "CANCELED") == things[:1]


# ---- given up ----


def abort_when(failure_type, percentage, least):
    criterion = {
        "failureType": failure_type,
        "action": "CANCEL",
        "thresholdPercentage": percentage,
        "minNumberOfExecutedThings": least,
    }
    return {"criteriaList": [criterion]}


def test_a_job_is_aborted_by_its_failures(desk, fleet):
    _, arn, things = fleet(4)
    job_id = desk.create(targets=[arn], abortConfig=abort_when("FAILED", 50.0, 4))
    end(desk, job_id, things[:1], "FAILED")
    end(desk, job_id, things[1:2], "REJECTED")
    assert describe(desk, job_id)["status"] == "IN_PROGRESS"
    end(desk, job_id, things[2:3], "FAILED")
    job = describe(desk, job_id)
    assert job["status"] == "CANCELED"
    assert "2 of 4" in job["comment"]
    assert desk.status(job_id, things[3]) == "CANCELED"


@pytest.mark.parametrize(
    ("config", "counts", "aborts"),
    [
        ({}, {"FAILED": 9}, False),
        (abort_when("FAILED", 20, 5), {"FAILED": 1, "QUEUED": 3}, False),
        (abort_when("FAILED", 20, 5), {"FAILED": 1, "QUEUED": 4}, True),
        (abort_when("FAILED", 20, 5), {"REJECTED": 5}, False),
        (abort_when("REJECTED", 20, 5), {"REJECTED": 5}, True),
        (abort_when("TIMED_OUT", 20, 5), {"TIMED_OUT": 1, "SUCCEEDED": 5}, False),
        (abort_when("ALL", 50, 4), {"TIMED_OUT": 1, "FAILED": 1, "SUCCEEDED": 2}, True),
        (abort_when("ALL", 0.01, 1), {"SUCCEEDED": 100}, False),
    ],
)
def test_abort_criteria_end_a_job_of_which_too_many_fail(config, counts, aborts):
    assert (abort_reason(config, counts) is not None) is aborts


@pytest.mark.parametrize(
    ("criteria", "statuses", "expected"),
    [
        ([], ["FAILED"], False),
        ([("FAILED", 1)], ["FAILED"], True),
        ([("FAILED", 1)], ["FAILED", "FAILED"], False),
        ([("FAILED", 0)], ["FAILED"], False),
        ([("FAILED", 1), ("TIMED_OUT", 1)], ["FAILED", "TIMED_OUT"], True),
        ([("ALL", 1)], ["FAILED", "TIMED_OUT"], False),
        ([("ALL", 2)], ["FAILED", "TIMED_OUT"], True),
        ([("ALL", 2)], ["REJECTED"], False),
        ([("FAILED", 1)], ["TIMED_OUT"], False),
    ],
)
def test_retry_criteria_say_which_failures_are_tried_again(criteria, statuses, expected):
    config = {"criteriaList": [{"failureType": kind, "numberOfRetries": count} for kind, count in criteria]}
    assert may_retry(config, statuses) is expected


RETRIED = {"criteriaList": [{"failureType": "FAILED", "numberOfRetries": 2}]}


def test_who_fails_after_the_job_was_cancelled_does_not_try_again(desk, fleet):
    _, arn, things = fleet(1)
    job_id = desk.create(targets=[arn], jobExecutionsRetryConfig=RETRIED)
    end(desk, job_id, things, "IN_PROGRESS")
    desk.iot.cancel_job(jobId=job_id)
    end(desk, job_id, things, "FAILED")
    assert having(desk, job_id) == things


def test_another_try_takes_nobodys_place_in_the_roll_out(desk, fleet):
    _, arn, things = fleet(2)
    rollout = {"maximumPerMinute": 1}
    job_id = desk.create(targets=[arn], jobExecutionsRolloutConfig=rollout, jobExecutionsRetryConfig=RETRIED)
    pass_time(desk, 40)
    end(desk, job_id, things[:1], "FAILED")
    assert having(desk, job_id) == [things[0], things[0]]
    pass_time(desk, 21)
    assert having(desk, job_id, "QUEUED") == things


def test_a_group_that_is_no_more_takes_its_job_along(desk, fleet):
    group, arn, things = fleet(1)
    job_id = desk.create(targets=[arn], targetSelection="CONTINUOUS")
    desk.iot.delete_thing_group(thingGroupName=group)
    assert having(desk, job_id, "REMOVED") == things
