"""What an operator does to a device from afar, beyond its application: files, credentials, settings, all of it."""

import hashlib

import pytest

from tests.stories.conftest import QUICK, eventually, open_desk, thing_certificates, thing_name
from tests.stories.jobs_cloud import Operator

TIMEOUTS = {**QUICK["timeouts"], "job_jitter_s": 0, "candidate_s": 5, "config_s": 5, "stall_s": 5}
ALL = ["restart", "config", "download", "rotate", "settings", "factory-reset"]
PICTURE = bytes(range(256)) * 40


@pytest.fixture(scope="module")
def desk():
    with open_desk() as desk:
        desk.leave_factory(**{**QUICK, "timeouts": TIMEOUTS, "jobs": {"allow": ALL}})
        desk.device.power_on()
        desk.device.wait_for(r"aws\.connected")
        s3 = desk.cloud.s3()
        s3.create_bucket(Bucket="files")
        s3.put_object(Bucket="files", Key="picture", Body=PICTURE)
        yield desk
        print("\n".join(["", "The device's console:", *desk.device.lines]))


@pytest.fixture(scope="module")
def operator(desk):
    return Operator(desk)


def test_a_file_is_downloaded_and_checked(desk, operator):
    document = {"operation": "download", "url": desk.cloud.presign("files", "picture"), "path": "picture"}
    document["sha256"] = hashlib.sha256(PICTURE).hexdigest()
    job_id = operator.create(document)
    assert operator.end(job_id) == ("SUCCEEDED", None)
    assert operator.details(job_id)["path"] == "/files/picture"
    assert desk.device.read_file("/files/picture") == PICTURE


def test_no_job_brings_code(operator):
    for path in ("/lib/wifi.py", "/main.py", "/files/../boot.py", "../boot.py", "/files//x", ""):
        document = {"operation": "download", "url": "https://files.example/x", "path": path}
        assert operator.do(document) == ("REJECTED", "invalid_setting"), path
    assert operator.do({"operation": "download", "url": "http://files.example/x", "path": "x"})[0] == "REJECTED"


def test_config_is_entered_and_the_job_done_when_it_is_left(desk, operator):
    job_id = operator.create({"operation": "config"})
    desk.device.wait_for(r"INIT --config_requested--> CONFIG")
    assert operator.status(job_id) == "IN_PROGRESS"
    desk.device.reset()
    assert operator.end(job_id) == ("SUCCEEDED", None)


def test_the_power_may_go_while_a_certificate_is_rotated(desk, operator):
    old = set(thing_certificates(desk))
    job_id = operator.create({"operation": "rotate"})
    for write in (1, 8, 15):
        desk.device.cut_at_write(write)
        desk.device.wait_until_off(40)
        desk.device.power_on()
    assert operator.end(job_id) == ("SUCCEEDED", None)
    details = operator.details(job_id)
    assert {details["old"]} == old
    assert details["certificate"] in set(thing_certificates(desk)) - old
    desk.cloud.iot().update_certificate(certificateId=details["old"], newStatus="INACTIVE")
    assert operator.do({"operation": "restart"}) == ("SUCCEEDED", None)


def test_a_certificate_that_cannot_be_used_is_rejected(desk, operator):
    stranger = desk.cloud.iot().create_keys_and_certificate(setAsActive=False)
    assert operator.do({"operation": "rotate", "cert": stranger["certificatePem"]})[0] == "REJECTED"
    assert operator.do({"operation": "rotate", "cert": "x", "key": "y"}) == ("REJECTED", "bad_certificate")


def test_after_a_factory_reset_it_begins_anew_and_the_job_is_done(desk, operator):
    before = thing_certificates(desk)
    job_id = operator.create({"operation": "factory-reset", "what": "all"})
    assert operator.end(job_id) == ("SUCCEEDED", None)
    desk.device.wait_for(r"NORMAL --restart_requested--> restart \(factory reset\)")
    desk.device.wait_for(rf"aws\.provisioned thing={thing_name(desk)}", 40)
    eventually(lambda: len(thing_certificates(desk)) == len(before) + 1)
