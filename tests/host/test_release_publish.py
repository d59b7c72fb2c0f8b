"""Releases by the command line against the local AWS IoT; boto3 plays the devices."""

import json
import re
import signal
import threading

import boto3
import pytest

from tests.host.release_desk import Tool
from tools.cloud import LocalCloud
from tools.release import follow, jobs
from tools.release.account import Account, open_account
from tools.release.publish import check, place
from tools.release.trouble import Mistake

NOBODY = ("--endpoint-url", "http://127.0.0.1:9")  # where no account answers: what is refused before it is asked
THINGS = ("lamp-1", "lamp-2", "lamp-3")


@pytest.fixture(scope="module")
def cloud(tmp_path_factory):
    with LocalCloud(tmp_path_factory.mktemp("cloud"), fast_keys=True) as cloud:
        for name in THINGS:
            cloud.iot().create_thing(thingName=name)
        yield cloud


@pytest.fixture(scope="module")
def tool(tmp_path_factory):
    tool = Tool(tmp_path_factory.mktemp("release"))
    tool.keygen()
    return tool


@pytest.fixture(scope="module")
def jobs_data(cloud):
    keys = {"aws_access_key_id": "local", "aws_secret_access_key": "local"}
    return boto3.client("iot-jobs-data", endpoint_url=cloud.control_url, region_name=cloud.region, **keys)


@pytest.fixture
def devices(cloud, jobs_data, monkeypatch):
    """`devices(lamp_1=[(status, details), ...])` plays them, each as soon as it has a job."""
    stop, threads, seen = threading.Event(), [], set()
    monkeypatch.setattr(follow, "_progress", _noted(follow._progress, seen))

    def play(**parts):
        for name, states in parts.items():
            thread = threading.Thread(target=_play, args=(jobs_data, name.replace("_", "-"), states, seen, stop))
            thread.start()
            threads.append(thread)

    yield play
    stop.set()
    for thread in threads:
        thread.join()
    for job in cloud.iot().list_jobs()["jobs"]:
        cloud.iot().delete_job(jobId=job["jobId"], force=True)


def _noted(progress, seen):
    def noted(thing, status, details):
        seen.add((thing, details.get("percent")))
        return progress(thing, status, details)

    return noted


def _play(jobs_data, thing, states, seen, stop):
    while not stop.wait(0.05):
        execution = jobs_data.start_next_pending_job_execution(thingName=thing).get("execution")
        if execution:
            break
    else:
        return
    for status, details in states:
        jobs_data.update_job_execution(jobId=execution["jobId"], thingName=thing, status=status, statusDetails=details)
        while status == "IN_PROGRESS" and (thing, details["percent"]) not in seen and not stop.wait(0.05):
            pass  # the tool has not looked yet


def publish(tool, cloud, *options):
    return tool.run("publish", tool.image, "--endpoint-url", cloud.control_url, *options)


def cloud_things(cloud):
    return [cloud.iot().describe_thing(thingName="lamp-1")["thingArn"]]


def job_id(output):
    return re.search(r"Job (ota-\S+)", output)[1]


GOOD = [("IN_PROGRESS", {"percent": "40", "step": "downloading"}), ("SUCCEEDED", {})]


def test_an_update_is_uploaded_announced_and_followed_to_its_end(tool, cloud, devices):
    devices(lamp_1=GOOD, lamp_2=GOOD)
    code, output = publish(tool, cloud, "--thing", "lamp-1", "--thing", "lamp-2", "--timeout", "5")
    assert code == 0, output
    for name in ("lamp-1", "lamp-2"):
        assert f"{name}: at work 40 % (downloading)" in output
        assert f"{name}: has it" in output
    assert "2 of 2 devices run 2.0.0." in output
    job = job_id(output)
    document = json.loads(cloud.iot().get_job_document(jobId=job)["document"])
    link = "${aws:iot:s3-presigned-url:https://s3.eu-central-1.amazonaws.com/releases/"
    assert document["url"].startswith(link)
    kept = cloud.s3().get_object(Bucket="releases", Key=document["url"][len(link) : -1])
    assert kept["Body"].read() == tool.image.read_bytes()


def test_devices_that_fail_are_named_with_their_reason(tool, cloud, devices):
    refusal = {"reason": "below_floor", "message": "Version 2.0.0 is older than 3.0.0."}
    devices(lamp_1=GOOD, lamp_2=[("REJECTED", refusal)], lamp_3=[("FAILED", {})])
    things = [word for name in THINGS for word in ("--thing", name)]
    code, output = publish(tool, cloud, *things)
    assert code == 1
    assert "1 of 3 devices run 2.0.0." in output
    assert "below_floor: Version 2.0.0 is older than 3.0.0." in output
    assert re.search(r"lamp-3 +failed", output)


def test_a_group_is_given_it_by_and_by_until_too_many_fail(tool, cloud, devices):
    iot = cloud.iot()
    iot.create_thing_group(thingGroupName="lamps")
    for name in THINGS:
        iot.add_thing_to_thing_group(thingGroupName="lamps", thingName=name)
    devices(lamp_1=[("FAILED", {})])
    growth = growth_of("2")
    abort = ("--abort-above", "50", "--abort-min", "1", "--timeout", "30")
    code, output = publish(tool, cloud, "--group", "lamps", "--rate", "50", *growth, *abort)
    assert (code, "0 of " in output) == (1, True), output
    job = iot.describe_job(jobId=job_id(output))["job"]
    assert job["status"] == "CANCELED"
    assert job["jobExecutionsRolloutConfig"]["maximumPerMinute"] == 50
    assert job["jobExecutionsRolloutConfig"]["exponentialRate"]["baseRatePerMinute"] == 1
    stop = {"failureType": "ALL", "action": "CANCEL", "thresholdPercentage": 50, "minNumberOfExecutedThings": 1}
    assert job["abortConfig"]["criteriaList"] == [stop]
    assert job["timeoutConfig"]["inProgressTimeoutInMinutes"] == 30


def test_list_follow_and_cancel(tool, cloud, devices):
    code, output = publish(tool, cloud, "--thing", "lamp-1", "--detach")
    job, where = job_id(output), ("--endpoint-url", cloud.control_url)
    assert code == 0
    listed = tool.good("list", *where)
    assert re.search(rf"{job} +2\.0\.0 .*in_progress +1 wait", listed)
    cloud.iot().create_job(jobId="mine", targets=cloud_things(cloud), document="{}")
    cloud.iot().create_job(jobId="ota-9", targets=cloud_things(cloud), document='{"version": "9.0.0"}')
    listed = tool.good("list", *where)
    assert listed.index("ota-9 ") < listed.index(job)  # the newest first
    assert "mine" not in listed
    output = tool.good("cancel", job, *where)
    assert "is cancelled" in output
    assert f"aws iot cancel-job-execution --force --job-id {job} " in output  # --force would be refused from here on
    code, output = tool.run("follow", job, *where)
    assert (code, "0 of 1 devices run 2.0.0." in output, "cancelled" in output) == (1, True, True)
    assert job not in tool.good("list", *where)
    assert job in tool.good("list", "--all", *where)
    code, output = tool.run("cancel", job, *where)
    assert (code, "CancelJob" in output) == (1, True)


def test_a_job_that_is_deleted_while_they_are_listed_is_left_out(tool, cloud, devices, monkeypatch):
    for job in ("ota-1", "ota-2"):
        cloud.iot().create_job(jobId=job, targets=cloud_things(cloud), document='{"version": "9.0.0"}')
    row = jobs._row

    def row_after_a_deletion(account, job):
        if job["jobId"] == "ota-1":
            cloud.iot().delete_job(jobId="ota-1", force=True)
        return row(account, job)

    monkeypatch.setattr(jobs, "_row", row_after_a_deletion)
    listed = tool.good("list", "--endpoint-url", cloud.control_url)
    assert ("ota-1" in listed, "ota-2" in listed) == (False, True)


def test_ctrl_c_leaves_the_job_running_and_says_how_to_go_on(tool, cloud, devices):
    with tool.start("publish", tool.image, "--endpoint-url", cloud.control_url, "--thing", "lamp-1") as process:
        try:
            output = ""
            while "lamp-1: waits" not in output:
                line = process.stdout.readline()
                assert line, output
                output += line
            process.send_signal(signal.SIGINT)
            output += process.stdout.read()
            assert process.wait(20) == 130
        finally:
            process.kill()
    job = job_id(output)
    assert f'make release ARGS="follow {job} --endpoint-url {cloud.control_url}"' in output
    assert f'make release ARGS="cancel {job} --endpoint-url {cloud.control_url}"' in output
    assert "Traceback" not in output
    assert cloud.iot().describe_job(jobId=job)["job"]["status"] == "IN_PROGRESS"


def test_a_document_that_was_signed_elsewhere(tool, cloud, devices):
    file = tool.folder / "signed.json"
    tool.good("sign", tool.image, "--out", file)
    devices(lamp_1=GOOD)
    code, output = publish(tool, cloud, "--document", file, "--thing", "lamp-1")
    assert code == 0, output


@pytest.mark.parametrize(("bucket", "role"), [(None, "arn:role"), ("bucket", None)])
def test_aws_must_be_told_bucket_and_role(bucket, role):
    account = Account(None, None, "eu-west-1", "AWS", is_local=False)
    document = {"hardware": "a:b+c", "version": "1.2.3", "sha256": "f" * 64}
    with pytest.raises(Mistake, match="say --bucket NAME and --role ARN"):
        check(account, bucket, role, ["lamp-1"])
    assert str(place("bucket", "arn:role", document)) == "s3://bucket/firmware/a_b_c/1.2.3-ffffffffffff.bin"


def growth_of(factor):
    return ("--start-rate", "1", "--increase", factor, "--increase-after", "1")


@pytest.mark.parametrize(
    ("options", "code", "sentence"),
    [
        ([], 2, "for whom?"),
        (["--thing", "toaster"], 2, "no thing is called 'toaster'"),
        (["--thing", "lamp-1", "--start-rate", "5"], 2, "say all three"),
        (["--thing", "lamp-1", "--increase", "2", "--increase-after", "5"], 2, "say all three"),
        (["--thing", "lamp-1", *growth_of("1.55")], 2, "--increase 1.55: AWS takes one decimal"),
        (["--thing", "lamp-1", "--rate", "5", "--start-rate", "6", *growth_of("2")[2:]], 2, "--start-rate 6 is more"),
        (["--thing", "lamp-1", "--abort-min", "3"], 2, "--abort-min 3 is for --abort-above: say both"),
        (["--thing", "lamp-1", "--role", "releases"], 2, "--role releases: say its ARN"),
        (["--thing", "lamp-1", "--endpoint-url", "localhost:5000"], 2, "Invalid endpoint: localhost:5000: say"),
    ],
)
def test_mistakes_are_told_before_anything_is_done(tool, cloud, options, code, sentence):
    before = len(cloud.iot().list_jobs()["jobs"])
    found, output = publish(tool, cloud, *options)
    assert (found, sentence in output) == (code, True), output
    assert len(cloud.iot().list_jobs()["jobs"]) == before


def test_an_image_that_is_not_there_is_told_before_the_account(tool, tmp_path):
    code, output = tool.run("publish", tmp_path / "nowhere.bin", "--endpoint-url", "http://127.0.0.1:9")
    assert (code, output) == (2, f"release: {tmp_path}/nowhere.bin: No such file or directory\n")


def test_options_are_judged_before_the_account_is_asked_or_a_passphrase(tool):
    code, output = tool.run("publish", tool.image, *NOBODY)
    assert (code, "for whom?" in output) == (2, True), output
    aws = {"AWS_ACCESS_KEY_ID": "A", "AWS_SECRET_ACCESS_KEY": "B"}
    words = ("--thing", "lamp-1", "--bucket", "b", "--region", "eu-west-1")
    code, output = tool.run("publish", tool.image, *words, **aws)
    assert (code, "say --bucket NAME and --role ARN" in output) == (2, True), output


def test_a_cloud_that_does_not_run_is_told_as_that(tool):
    code, output = tool.run("list", "--endpoint-url", "http://127.0.0.1:9")
    assert (code, "is it running" in output) == (1, True)


def test_what_is_said_to_go_on_with_is_the_same_account(tmp_path, monkeypatch):
    config = tmp_path / "config"
    config.write_text('[profile "the lamps"]\nregion = eu-west-1\naws_access_key_id = A\naws_secret_access_key = B\n')
    monkeypatch.setenv("AWS_CONFIG_FILE", str(config))
    assert open_account("the lamps", None, None).options == "--profile 'the lamps' --region eu-west-1"
