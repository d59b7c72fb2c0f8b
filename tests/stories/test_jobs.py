"""Jobs of an operator, done by a whole device with the application of docs/jobs.md."""

import pytest

from tests.stories.conftest import QUICK, eventually, open_desk, thing_name
from tests.stories.guides import application_of
from tests.stories.jobs_cloud import Operator

TIMEOUTS = {**QUICK["timeouts"], "job_jitter_s": 0, "candidate_s": 5, "config_s": 5}


@pytest.fixture(scope="module")
def desk(tmp_path_factory):
    """One desk for all of it: a device that has booted once has booted for every test."""
    with open_desk() as desk:
        desk.device.image.main = application_of("jobs", tmp_path_factory.mktemp("jobs"))
        desk.leave_factory(**{**QUICK, "timeouts": TIMEOUTS, "jobs": {"allow": ["restart", "settings", "rotate"]}})
        desk.device.power_on()
        desk.device.wait_for(r"aws\.connected")
        yield desk
        print("\n".join(["", "The device's console:", *desk.device.lines]))


@pytest.fixture(scope="module")
def operator(desk):
    return Operator(desk)


def test_the_application_blinks(desk, operator):
    job_id = operator.create({"action": "blink", "times": 3})
    desk.device.wait_for("application: blink 3 of 3")
    assert operator.end(job_id) == ("SUCCEEDED", None)
    assert operator.details(job_id) == {"percent": "100"}


def test_what_goes_wrong_is_told_with_its_reason(desk, operator):
    assert operator.do({"operation": "measure"}) == ("REJECTED", "no_sensor")
    assert operator.do({"operation": "measure", "sensor": "7"}) == ("FAILED", "task_failed")
    assert operator.do({"operation": "factory-reset"}) == ("REJECTED", "not_allowed")
    assert operator.do({"operation": "fly"}, timeout_s=60) == ("REJECTED", "unknown_operation")
    assert operator.do({"operation": "blink", "padding": "x" * 7000}) == ("REJECTED", "too_large")


def test_a_power_cut_in_the_middle_does_not_begin_it_anew(desk, operator):
    job_id = operator.create({"operation": "blink", "times": 20, "every_ms": 100})
    desk.device.wait_for("application: blink 5 of 20")
    eventually(lambda: int(operator.details(job_id).get("percent", 0)) > 10)
    desk.device.power_cut()
    desk.device.power_on()
    desk.device.wait_for(r"job\.received .*resumed=True")
    assert operator.end(job_id)[0] == "SUCCEEDED"
    blinks = [line for line in desk.device.lines if line.startswith("application: blink 1 of 20")]
    assert len(blinks) == 1


def test_a_job_that_is_cancelled_halfway_is_left_alone_and_the_next_one_follows(desk, operator):
    job_id = operator.create({"operation": "blink", "times": 1000, "every_ms": 50})
    desk.device.wait_for("application: blink 2 of 1000")
    operator.cancel(job_id)
    desk.device.wait_for(r"job\.finished .*status=CANCELED")
    assert operator.do({"operation": "blink", "times": 1}) == ("SUCCEEDED", None)
    assert operator.status(job_id) == "CANCELED"


def test_a_restart_is_done_when_the_device_is_back(desk, operator):
    starts = len(desk.device.starts)
    document = {"version": "1.0", "steps": [_step("Reboot", "reboot.sh"), _step("blink", "blink.sh")]}
    job_id = operator.create(document)
    assert operator.end(job_id) == ("SUCCEEDED", None)
    assert len(desk.device.starts) == starts + 1
    assert operator.details(job_id) == {"percent": "100", "step": "2"}


def _step(name, handler):
    return {"action": {"name": name, "type": "runHandler", "input": {"handler": handler, "path": "default"}}}


def test_new_settings_stay_when_the_cloud_is_reached_with_them(desk, operator):
    desk.world.access_point("annex", "another password", rssi=-40)
    annex = {"ssid": "annex", "password": "another password"}
    assert operator.do({"operation": "settings", "settings": {"networks": [annex], "app": {"every_s": 2}}}) == (
        "SUCCEEDED",
        None,
    )
    desk.device.wait_for(r"wifi\.connected .*ssid=annex")


def test_settings_that_do_not_reach_the_cloud_are_taken_back(desk, operator):
    starts = len(desk.device.starts)
    job_id = operator.create({"operation": "settings", "settings": {"aws": {"endpoint": "nobody.example"}}})
    desk.device.wait_for(r"NORMAL --candidate_refused--> restart \(back to what worked: ")
    assert operator.end(job_id) == ("FAILED", "not_proven")
    assert "nobody.example" in operator.details(job_id)["message"]
    assert len(desk.device.starts) == starts + 2
    assert operator.do({"operation": "settings", "settings": {"aws": {"port": 0}}}) == ("REJECTED", "invalid_setting")


def test_a_rotated_certificate_is_proven_and_the_old_one_named(desk, operator):
    before = _certificates(desk)
    job_id = operator.create({"operation": "rotate"})
    assert operator.end(job_id) == ("SUCCEEDED", None)
    after = _certificates(desk)
    details = operator.details(job_id)
    assert before == {details["old"]}
    assert after == {details["old"], details["certificate"]}
    desk.cloud.iot().update_certificate(certificateId=details["old"], newStatus="INACTIVE")
    assert operator.do({"operation": "restart"}) == ("SUCCEEDED", None)


def _certificates(desk):
    principals = desk.cloud.iot().list_thing_principals(thingName=thing_name(desk))["principals"]
    return {principal.rpartition("/")[2] for principal in principals}
