"""Each example as its README says: on a simulated board, against the local AWS IoT."""

import json

import pytest

from tests.stories.conftest import QUICK, eventually, open_desk, thing_name
from tests.stories.jobs_cloud import Operator
from tools.cloud.recipes import create_thing
from tools.interpreter import ROOT
from tools.sim import Board

EXAMPLES = ROOT / "examples"
SETTINGS = {**QUICK, "timeouts": {**QUICK["timeouts"], "job_jitter_s": 0}}


@pytest.fixture(scope="module")
def desk(compiled):
    """One desk for all of them: the device is enrolled once."""
    with open_desk(lib=compiled) as desk:
        desk.leave_factory(**SETTINGS)
        yield desk


@pytest.fixture(scope="module")
def hearing(desk):
    """A second client in the cloud, which hears devices/#."""
    return desk.operator()


@pytest.fixture(scope="module")
def jobs(desk):
    return Operator(desk)


@pytest.fixture
def start(desk):
    """Start an example on the desk's device; a failing test shows its console."""

    def power_on(name):
        desk.device.image.main = EXAMPLES / name / "main.py"
        desk.device.power_on()
        return desk.device

    yield power_on
    desk.device.power_cut()
    print("\n".join(["", "The device's console:", *desk.device.lines]))


def message_on(hearing, end):
    """The next message on devices/<thing>/<end>."""
    while True:
        topic, payload = hearing.next_message()
        if topic.endswith(f"/{end}"):
            return payload


def test_claim(desk, hearing, start):
    device = start("claim")
    device.wait_for("application: not enrolled yet")
    device.wait_for(f"application: I am {thing_name(desk)}")
    assert message_on(hearing, "hello") == {"hello": "world"}


def test_thing(desk, hearing, tmp_path):
    credentials = create_thing(desk.cloud.iot(), "greenhouse", desk.fleet.thing_policy)
    factory = desk.factory_settings(**SETTINGS)
    document = dict(
        factory,
        aws={"endpoint": factory["aws"]["endpoint"], "thing": "greenhouse"},
        certs=[factory["certs"][0], {"role": "thing", "cert": credentials.cert_pem, "key": credentials.key_pem}],
    )
    with Board(tmp_path / "board", desk.world, main=EXAMPLES / "thing" / "main.py") as device:
        device.write_file("/settings.json", json.dumps(document))
        device.power_on()
        device.wait_for(r"aws\.connected .*greenhouse")
        eventually(lambda: say(desk, "devices/greenhouse/in", "42", device))
        assert message_on(hearing, "out") == {"n": 1, "said": "42"}
        desk.cloud.iot_data().publish(topic="devices/greenhouse/in", qos=1, payload=b"\xff\x00")
        device.wait_for("application: told 2 bytes that are no text")
        assert b"\xff\x00" in iter(lambda: message_on(hearing, "in"), None)


def say(desk, topic, text, device):
    """Publish until it was heard: the device subscribes a moment after it has connected."""
    desk.cloud.iot_data().publish(topic=topic, qos=1, payload=text)
    return any(f"application: told {text}" in line for line in device.lines)


def reported(desk):
    data = desk.cloud.iot_data()
    try:
        answer = data.get_thing_shadow(thingName=thing_name(desk))
    except data.exceptions.ResourceNotFoundException:
        return {}
    return json.loads(answer["payload"].read())["state"].get("reported", {})


def wish(desk, **values):
    payload = json.dumps({"state": {"desired": values}})
    desk.cloud.iot_data().update_thing_shadow(thingName=thing_name(desk), payload=payload)


def test_shadow(desk, start):
    device = start("shadow")
    eventually(lambda: reported(desk).get("colour") == "ffffff")
    wish(desk, on=True, colour="ff8800")
    device.wait_for("application: lamp on")
    eventually(lambda: reported(desk) == {"on": True, "colour": "ff8800"})
    wish(desk, colour="no colour")
    device.wait_for(r"task\.failed .*colour")
    assert reported(desk)["colour"] == "ff8800"


def test_jobs(jobs, start):
    device = start("jobs")
    job = jobs.create({"action": "blink", "times": 2, "every_ms": 20})
    device.wait_for("application: blinked 2 times")
    assert jobs.end(job) == ("SUCCEEDED", None)
    assert jobs.do({"action": "blink", "times": 1000}) == ("REJECTED", "bad_document")


def test_ota(hearing, start):
    start("ota").wait_for("application: version")
    assert message_on(hearing, "version")["version"]


def test_ble(desk, start):
    device = start("ble")
    device.wait_for("application: every_s is 1")
    device.hold_button(0)
    device.wait_for("NORMAL --config_requested--> restart .*the button was pressed")
    device.release_button(0)
    device.wait_for("INIT --config_requested--> CONFIG")


def test_flash(start, desk):
    device = start("flash")
    device.wait_for("application: start 1, 0 s")
    device.wait_for(r"flash\.flushed")
    device.power_cut()
    device.power_on()
    device.wait_for("application: start 2")
    desk.device.power_cut()
    desk.device.write_file("/lost.txt", "")  # the file system is as good as before


def test_combined(desk, hearing, jobs, start):
    device = start("combined")
    assert message_on(hearing, "telemetry")["target"] >= 5
    wish(desk, target=99)
    device.wait_for("application: target 30")
    eventually(lambda: reported(desk).get("target") == 30)
    job = jobs.create({"operation": "calibrate"})
    assert jobs.end(job) == ("SUCCEEDED", None)
    assert jobs.details(job)["offset"] == "0.3"


def test_station(desk, hearing, tmp_path):
    own = json.loads((EXAMPLES / "station" / "settings.json").read_text())
    timeouts = {**SETTINGS["timeouts"], **own["timeouts"], "drain_s": 5}
    document = desk.factory_settings(**{**own, **SETTINGS, "timeouts": timeouts, "app": {"every_s": 1, "online_s": 5}})
    with Board(tmp_path / "board", desk.world, main=EXAMPLES / "station" / "main.py") as device:
        device.write_file("/settings.json", json.dumps(document))
        device.drive_pin(34, 730_000)
        device.drive_pin(35, 1_950_000)
        device.power_on()
        first = message_on(hearing, "measurements")
        assert (first["number"], first["celsius"], first["battery"]) == (1, 23.0, 3.9)
        device.wait_for("NORMAL --sleep_requested--> restart")
        device.wait_for_start("deepsleep")

        desk.home.vanish()  # at any moment of its next report
        device.wait_for("station: no cloud today", 60)
        device.power_cut()
        desk.home.back()
        device.drive_pin(35, 1_500_000)  # 3.0 V
        device.power_on()
        device.wait_for("station: sleeps for 12 s", 60)
        device.wait_for_start("deepsleep")
    numbers = [1]
    while numbers[-1] < 3:
        numbers.append(message_on(hearing, "measurements")["number"])
    assert sorted(set(numbers)) == list(range(1, max(numbers) + 1))  # one that comes twice is allowed, a gap is not


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*/main.py")), ids=lambda path: path.parent.name)
def test_each_is_short_and_explained(path):
    longest = 200 if path.parent.name == "station" else 60
    assert len(path.read_text().splitlines()) <= longest
    readme = path.with_name("README.md").read_text()
    assert f"EXAMPLE={path.parent.name}" in readme
