"""A job followed: large fleets, troubles on the way, what is deleted meanwhile, what devices may say."""

import contextlib
import io

import pytest
from rich.console import Console

from tools.release import follow
from tools.release.screen import Screen


class Iot:
    """An account with more devices than can be asked in one round, which is out of reach now and then."""

    def __init__(self, count):
        self.count = count
        self.asked = []
        self.failures = 0
        self.status = "IN_PROGRESS"
        self.details = {"percent": "7"}
        self.execution = "IN_PROGRESS"

    def describe_job(self, jobId):  # noqa: N803 (boto3's)
        if self.failures:
            self.failures -= 1
            raise follow.Refused("out of reach")
        return {"job": {"status": self.status}}

    def get_paginator(self, _name):
        return self

    def paginate(self, jobId):  # noqa: N803
        for n in range(self.count):
            summary = {"status": self.execution, "executionNumber": 1}
            yield {"executionSummaries": [{"thingArn": f"arn:thing/t{n:03}", "jobExecutionSummary": summary}]}

    def describe_job_execution(self, jobId, thingName):  # noqa: N803
        self.asked.append(thingName)
        return {"execution": {"status": self.execution, "statusDetails": {"detailsMap": self.details}}}


class Account:
    def __init__(self, iot):
        self.iot = iot


def test_a_large_fleet_is_asked_in_turns():
    iot = Iot(50)
    follower = follow.Follower(Account(iot), "job")
    for _ in range(3):
        follower.look()
    assert len(iot.asked) == 60
    assert set(iot.asked) == {f"t{n:03}" for n in range(50)}


def test_a_passing_outage_is_waited_out_and_a_lasting_one_is_told():
    iot = Iot(1)
    follower = follow.Follower(Account(iot), "job", sleep=lambda seconds: None)
    states = follower.states(1)
    for _ in range(2):
        iot.failures = 3  # less than it takes to give up, each time
        for _ in range(4):
            next(states)
    assert len(iot.asked) == 2
    iot.failures = 100
    with pytest.raises(follow.Refused), contextlib.suppress(StopIteration):
        for _ in range(10):
            next(states)


def test_what_is_deleted_meanwhile_is_not_waited_for():
    iot = Iot(2)
    follower = follow.Follower(Account(iot), "job", sleep=lambda seconds: None)
    follower.look()
    iot.count, iot.status = 1, "COMPLETED"
    follower.look()
    assert follower.state.devices["t001"] == follow.Progress("t001", "REMOVED", None, "its job was deleted")
    assert not follower.state.is_over  # t000 is at work
    iot.count = 0
    assert [state.is_over for state in follower.states(1)] == [True]
    assert not follower.state.succeeded()


@pytest.mark.parametrize("percent", ["\u00b2", "-1", "1e3", "9" * 128])
def test_a_percentage_that_is_none_is_not_shown(percent):
    iot = Iot(1)
    iot.details = {"percent": percent, "step": "downloading"}
    follower = follow.Follower(Account(iot), "job")
    follower.look()
    assert follower.state.devices["t000"] == follow.Progress("t000", "IN_PROGRESS", None, "downloading")


def test_what_a_device_says_is_shown_as_it_is():
    screen = Screen()
    screen.console = Console(file=io.StringIO(), width=120, force_terminal=True)
    said = "bad_document: no [/path] in [red]it"
    screen.watch(iter([follow.State("COMPLETED", {"t": follow.Progress("t", "FAILED", None, said)})]))
    assert said in screen.console.file.getvalue()


def test_a_device_that_has_told_why_it_failed_is_not_asked_again():
    iot = Iot(1)
    iot.execution, iot.details = "FAILED", {"reason": "image_broken"}
    follower = follow.Follower(Account(iot), "job")
    for _ in range(3):
        follower.look()
    assert iot.asked == ["t000"]
