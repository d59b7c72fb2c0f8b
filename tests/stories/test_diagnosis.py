"""What a device tells of itself to whoever looks from afar."""

import json

import pytest

from tests.stories.conftest import QUICK, eventually, put_application, thing_name
from tests.stories.jobs_cloud import Operator

SETTINGS = {**QUICK, "timeouts": {**QUICK["timeouts"], "job_jitter_s": 0}, "limits": {"starts": 1}}


def reported(desk, shadow):
    """What the device reports in one of its named shadows; {} when there is none."""
    data = desk.cloud.iot_data()
    try:
        answer = data.get_thing_shadow(thingName=thing_name(desk), shadowName=shadow)
    except data.exceptions.ResourceNotFoundException:
        return {}
    return json.loads(answer["payload"].read())["state"]["reported"]


@pytest.fixture
def crashed(desk):
    """A device whose application crashes as soon as it starts, without it by now, connected."""
    desk.leave_factory(**SETTINGS, health={"every_s": 10})
    put_application(desk, "crashing")
    desk.device.power_on()
    desk.device.wait_for(r"INIT --crash_loop--> NORMAL")
    desk.device.wait_for(r"aws\.connected")
    return desk


def test_a_crash_is_explained_from_afar_and_health_is_told(crashed):
    operator = Operator(crashed)
    job_id = operator.create({"operation": "diagnostics"})
    assert operator.end(job_id) == ("SUCCEEDED", None)
    details = operator.details(job_id)
    assert details["restart"] == "hard, None"
    assert details["starts"] == "2, 2 in a row"

    told = reported(crashed, "diagnostics")
    lines = told["log"].splitlines()
    assert any(line.startswith("-- ") and "start 2, hard (None)" in line for line in lines)
    crash = lines.index("RuntimeError: the sensor is not there")
    assert lines[crash - 1].endswith("in application")
    assert any("NORMAL --task_failed--> restart" in line for line in lines[crash:])
    assert told["version"] == details["version"]

    eventually(lambda: reported(crashed, "health"))
    health = reported(crashed, "health")
    assert health["connections"] == 1
    assert health["wifi"]["rssi"] == -52
    assert set(health["heap"]) == {"gc_free", "gc_allocated", "idf_free", "idf_largest"}
    assert "log" not in health


def test_a_power_cut_clears_the_log_and_device_defender_takes_the_report(crashed):
    crashed.device.power_cut()
    crashed.leave_factory(**SETTINGS, health={"every_s": 300, "to": "defender"})
    crashed.device.power_on()
    crashed.device.wait_for(r"aws\.connected")
    operator = Operator(crashed)
    assert operator.do({"operation": "diagnostics"}) == ("SUCCEEDED", None)
    assert "RuntimeError" not in reported(crashed, "diagnostics")["log"]
    eventually(lambda: any(line.startswith("metrics ") for line in crashed.cloud_log))
    assert not any("metrics_rejected" in line for line in crashed.cloud_log)
