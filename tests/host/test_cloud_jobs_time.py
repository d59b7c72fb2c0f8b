"""Jobs and the clock: time-outs of executions and steps, retries, schedules; and what jobs are made of."""

import datetime
import json
import ssl
import urllib.request

import pytest
from botocore.exceptions import ClientError

from tests.host.cloud_control import error_code
from tools.cloud.jobs import managed

ROLE = "arn:aws:iam::123456789012:role/JobFiles"
DAY_S = 24 * 3600


@pytest.fixture
def desk(whole_desk):
    """The desk, without jobs."""
    yield whole_desk
    whole_desk.clear()
    for template in whole_desk.iot.list_job_templates()["jobTemplates"]:
        whole_desk.iot.delete_job_template(jobTemplateId=template["jobTemplateId"])


def pass_time(desk, seconds):
    desk.clock.advance(seconds)
    desk.cloud.sweep()


def refusal(call, **parameters):
    with pytest.raises(ClientError) as raised:
        call(**parameters)
    return error_code(raised)


# ---- time-outs ----


def test_an_execution_times_out_in_progress(desk):
    job_id = desk.create(timeoutConfig={"inProgressTimeoutInMinutes": 5})
    pass_time(desk, 3600)
    assert desk.status(job_id) == "QUEUED", "the clock starts with the execution"
    started = desk.ask("start-next")[1]["execution"]
    assert 295 <= started["approximateSecondsBeforeTimedOut"] <= 300
    pass_time(desk, 290)
    desk.update(job_id, "IN_PROGRESS", statusDetails={"percent": "99"})
    pass_time(desk, 11)
    execution = desk.execution(job_id)
    assert execution["status"] == "TIMED_OUT"
    assert execution["statusDetails"]["detailsMap"] == {"percent": "99"}
    assert desk.iot.describe_job(jobId=job_id)["job"]["status"] == "COMPLETED"


def test_a_device_hears_of_its_time_out(desk):
    job_id = desk.create(timeoutConfig={"inProgressTimeoutInMinutes": 1})
    desk.ask("start-next")
    pass_time(desk, 61)
    assert dict(desk.hear() for _ in range(2))["notify"]["jobs"] == {}
    end, answer = desk.update(job_id, "SUCCEEDED")
    assert (end, answer["executionState"]["status"]) == ("rejected", "TIMED_OUT")


def test_a_step_times_out_unless_it_is_renewed_or_taken_back(desk):
    one, two = desk.create(), desk.create()
    desk.ask("start-next", {"stepTimeoutInMinutes": 1})
    desk.update(two, "IN_PROGRESS", stepTimeoutInMinutes=1)
    pass_time(desk, 50)
    desk.update(one, "IN_PROGRESS", stepTimeoutInMinutes=2)
    desk.update(two, "IN_PROGRESS", stepTimeoutInMinutes=-1)
    pass_time(desk, 119)
    assert (desk.status(one), desk.status(two)) == ("IN_PROGRESS", "IN_PROGRESS")
    pass_time(desk, 2)
    assert (desk.status(one), desk.status(two)) == ("TIMED_OUT", "IN_PROGRESS")


def test_the_cloud_looks_at_the_clock_by_itself(desk):
    job_id = desk.create(timeoutConfig={"inProgressTimeoutInMinutes": 1})
    desk.ask("start-next")
    desk.clock.advance(61)
    while desk.hear()[0] != "notify":
        pass
    assert desk.status(job_id) == "TIMED_OUT"


# ---- retries ----


def test_a_failed_execution_is_tried_again(desk):
    criteria = {"criteriaList": [{"failureType": "FAILED", "numberOfRetries": 2}]}
    job_id = desk.create(jobExecutionsRetryConfig=criteria)
    for number in (1, 2, 3):
        execution = desk.ask("start-next")[1]["execution"]
        assert (execution["jobId"], execution["executionNumber"]) == (job_id, number)
        desk.update(job_id, "FAILED", statusDetails={"try": str(number)})
    assert "execution" not in desk.ask("start-next")[1]
    job = desk.iot.describe_job(jobId=job_id)["job"]
    assert (job["status"], job["jobProcessDetails"]["numberOfFailedThings"]) == ("COMPLETED", 1)
    listed = desk.iot.list_job_executions_for_thing(thingName="lamp")["executionSummaries"]
    assert [each["jobExecutionSummary"].get("retryAttempt") for each in listed] == [0, 1, 2]
    first = desk.iot.describe_job_execution(jobId=job_id, thingName="lamp", executionNumber=1)["execution"]
    assert first["statusDetails"]["detailsMap"] == {"try": "1"}


# ---- schedules ----


def at(desk, seconds):
    when = datetime.datetime.fromtimestamp(desk.clock() + seconds, datetime.timezone.utc)
    return when.strftime("%Y-%m-%dT%H:%M")


def test_a_scheduled_job_starts_and_ends_in_time(desk):
    schedule = {"startTime": at(desk, 2400), "endTime": at(desk, 6000), "endBehavior": "FORCE_CANCEL"}
    job_id = desk.create(schedulingConfig=schedule)
    job = desk.iot.describe_job(jobId=job_id)["job"]
    assert (job["status"], job["schedulingConfig"]) == ("SCHEDULED", schedule)
    assert "execution" not in desk.ask("start-next")[1]
    pass_time(desk, 2401)
    assert desk.ask("start-next")[1]["execution"]["jobId"] == job_id
    pass_time(desk, 3601)
    assert desk.status(job_id) == "CANCELED"
    assert desk.iot.describe_job(jobId=job_id)["job"]["status"] == "CANCELED"


def test_what_joins_a_scheduled_job_waits_for_its_start_too(desk):
    group = desk.iot.create_thing_group(thingGroupName="late")
    job_id = desk.create(
        targets=[group["thingGroupArn"]],
        targetSelection="CONTINUOUS",
        schedulingConfig={"startTime": at(desk, 3600)},
    )
    desk.iot.add_thing_to_thing_group(thingName="lamp", thingGroupName="late")
    more = {"jobId": job_id, "targets": [desk.arn()]}
    assert refusal(desk.iot.associate_targets_with_job, **more) == "InvalidRequestException"
    pass_time(desk, 60)
    assert "execution" not in desk.ask("start-next")[1]
    job = desk.iot.describe_job(jobId=job_id)["job"]
    assert (job["status"], job["isConcurrent"]) == ("SCHEDULED", False)
    pass_time(desk, 3600)
    assert desk.status(job_id) == "QUEUED"
    desk.iot.associate_targets_with_job(**more)
    desk.iot.delete_thing_group(thingGroupName="late")


def test_what_joins_a_job_after_its_end_time_has_no_part_in_it(desk):
    group = desk.iot.create_thing_group(thingGroupName="late")
    job_id = desk.create(
        targets=[group["thingGroupArn"]],
        targetSelection="CONTINUOUS",
        schedulingConfig={"startTime": at(desk, 3600), "endTime": at(desk, 7200), "endBehavior": "STOP_ROLLOUT"},
    )
    pass_time(desk, 3601)
    desk.clock.advance(3600)  # the cloud has not looked at its jobs since
    desk.iot.add_thing_to_thing_group(thingName="lamp", thingGroupName="late")
    pass_time(desk, 60)
    desk.iot.associate_targets_with_job(jobId=job_id, targets=[desk.arn()])
    pass_time(desk, 60)
    assert "execution" not in desk.ask("start-next")[1]
    desk.iot.delete_thing_group(thingGroupName="late")


@pytest.mark.parametrize(
    "schedule",
    [
        {"startTime": "tomorrow"},
        {"startTime": "2020-01-01T00:00"},
        {"endBehavior": "CANCEL"},
        {"endTime": "2020-01-01T00:00", "endBehavior": "CANCEL"},
        {"startTime": 366 * DAY_S},
        {"startTime": 10 * DAY_S, "endTime": 732 * DAY_S},
    ],
)
def test_schedules_that_are_refused(desk, schedule):
    schedule = {name: at(desk, each) if isinstance(each, int) else each for name, each in schedule.items()}
    assert refusal(desk.create, schedulingConfig=schedule) == "InvalidRequestException"


@pytest.mark.parametrize(("config", "refused"), [((1.55, 50), "incrementFactor"), ((1.5, 33.333), "thresholdPerc")])
def test_more_digits_than_aws_keeps_are_refused(desk, config, refused):
    factor, percentage = config
    growth = {"baseRatePerMinute": 1, "rateIncreaseCriteria": {"numberOfNotifiedThings": 1}}
    criterion = {"failureType": "ALL", "action": "CANCEL", "minNumberOfExecutedThings": 1}
    with pytest.raises(ClientError, match=refused):
        desk.create(
            jobExecutionsRolloutConfig={"exponentialRate": {**growth, "incrementFactor": factor}},
            abortConfig={"criteriaList": [{**criterion, "thresholdPercentage": percentage}]},
        )


# ---- what jobs are made of ----


def test_a_job_is_changed_while_it_goes_on(desk):
    job_id = desk.create(description="old")
    desk.iot.update_job(jobId=job_id, description="new", timeoutConfig={"inProgressTimeoutInMinutes": 1})
    job = desk.iot.describe_job(jobId=job_id)["job"]
    assert (job["description"], job["timeoutConfig"]) == ("new", {"inProgressTimeoutInMinutes": 1})
    desk.iot.cancel_job(jobId=job_id)
    assert refusal(desk.iot.update_job, jobId=job_id, description="late") == "InvalidRequestException"


def test_a_document_with_parameters(desk):
    document = {"say": "${aws:iot:parameter:word}", "quoted": "${aws:iot:parameter:quoted}"}
    job_id = desk.create(document, documentParameters={"word": "hello", "quoted": 'a "b"'})
    assert desk.ask("start-next")[1]["execution"]["jobDocument"] == {"say": "hello", "quoted": 'a "b"'}
    assert json.loads(desk.iot.get_job_document(jobId=job_id, beforeSubstitution=True)["document"]) == document
    assert refusal(desk.create, document=document, documentParameters={"word": "x"}) == "InvalidRequestException"


@pytest.fixture(scope="module")
def files(whole_desk):
    """A bucket with a job document and an image."""
    s3 = whole_desk.cloud.s3()
    s3.create_bucket(Bucket="firmware")
    s3.put_object(Bucket="firmware", Key="v1/app a.bin", Body=b"image")
    s3.put_object(Bucket="firmware", Key="job.json", Body=b'{"a": 1}')


def test_presigned_links_are_made_for_each_answer(desk, files):
    document = {"url": "${aws:iot:s3-presigned-url:https://s3.eu-central-1.amazonaws.com/firmware/v1/app%20a.bin}"}
    assert refusal(desk.create, document=document) == "InvalidRequestException", "no role"
    job_id = desk.create(document, presignedUrlConfig={"roleArn": ROLE, "expiresInSec": 120})
    first = desk.ask("start-next")[1]["execution"]["jobDocument"]["url"]
    desk.clock.advance(60)
    second = desk.ask("$next/get")[1]["execution"]["jobDocument"]["url"]
    assert first != second
    context = ssl.create_default_context(cafile=desk.cloud.ca_file)
    with urllib.request.urlopen(second, timeout=20, context=context) as answer:
        assert answer.read() == b"image"
    assert "X-Amz-Expires=120" in second
    assert "s3-presigned-url" in desk.iot.get_job_document(jobId=job_id)["document"], "an operator sees no link"


def test_a_document_that_is_fetched(desk, files):
    source = "https://firmware.s3.eu-central-1.amazonaws.com/job.json"
    there = {"targets": [desk.arn()], "documentSource": source}
    desk.iot.create_job(jobId="fetched", **there)
    assert desk.ask("start-next")[1]["execution"]["jobDocument"] == {"a": 1}
    assert desk.iot.describe_job(jobId="fetched")["documentSource"] == source
    for wrong in (source + "x", "https://example.com/job.json"):
        assert refusal(desk.iot.create_job, jobId="wrong", **there | {"documentSource": wrong}) == (
            "InvalidRequestException"
        )
    assert refusal(desk.iot.create_job, jobId="both", document="{}", **there) == "InvalidRequestException"


def test_a_template_of_ones_own(desk):
    timeout = {"inProgressTimeoutInMinutes": 7}
    made = desk.iot.create_job_template(
        jobTemplateId="blink", document='{"operation": "blink"}', description="blinks", timeoutConfig=timeout
    )
    described = desk.iot.describe_job_template(jobTemplateId="blink")
    assert (described["document"], described["timeoutConfig"]) == ('{"operation": "blink"}', timeout)
    desk.iot.create_job(jobId="of-template", targets=[desk.arn()], jobTemplateArn=made["jobTemplateArn"])
    job = desk.iot.describe_job(jobId="of-template")["job"]
    assert (job["jobTemplateArn"], job["timeoutConfig"]) == (made["jobTemplateArn"], timeout)
    assert desk.ask("start-next")[1]["execution"]["jobDocument"] == {"operation": "blink"}
    again = {"jobTemplateId": "blink", "document": "{}", "description": "x"}
    assert refusal(desk.iot.create_job_template, **again) == "ConflictException"
    desk.iot.create_job_template(jobTemplateId="of-job", jobArn=job["jobArn"], description="from a job")
    assert desk.iot.describe_job_template(jobTemplateId="of-job")["timeoutConfig"] == timeout


@pytest.mark.parametrize("name", managed.TEMPLATES)
def test_a_managed_template_of_aws_makes_a_job_with_its_parameters(desk, name):
    described = desk.iot.describe_managed_job_template(templateName=name)
    required = [each["key"] for each in described["documentParameters"] if not each["optional"]]
    parameters = {"documentParameters": {key: f"some {key}" for key in required}} if required else {}
    desk.iot.create_job(jobId=name, targets=[desk.arn()], jobTemplateArn=described["templateArn"], **parameters)
    [step] = desk.ask("start-next")[1]["execution"]["jobDocument"]["steps"]
    assert step["action"]["name"] == name.removeprefix("AWS-")
    assert step["action"]["type"] == "runHandler"
    assert step["action"]["input"].get("args", []) == [f"some {key}" for key in required]
    wrong = {"jobId": "wrong", "targets": [desk.arn()], "jobTemplateArn": described["templateArn"]}
    assert refusal(desk.iot.create_job, **wrong, documentParameters={"other": "x"}) == "InvalidRequestException"
