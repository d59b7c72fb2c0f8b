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
def desk():
    """One desk for all of them: the device is enrolled once."""
    with open_desk() as desk:
        desk.leave_factory(**SETTINGS)
        yield desk


@pytest.fixture(scope="module")
def hearing(desk):
    """A second client in the cloud, which hears devices/#."""
    return desk.operator()


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


def test_jobs(desk, start):
    device, operator = start("jobs"), Operator(desk)
    job = operator.create({"action": "blink", "times": 2, "every_ms": 20})
    device.wait_for("application: blinked 2 times")
    assert operator.end(job) == ("SUCCEEDED", None)
    assert operator.do({"action": "blink", "times": 1000}) == ("REJECTED", "bad_document")


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


def test_combined(desk, hearing, start):
    device = start("combined")
    assert message_on(hearing, "telemetry")["target"] >= 5
    wish(desk, target=99)
    device.wait_for("application: target 30")
    eventually(lambda: reported(desk).get("target") == 30)
    operator = Operator(desk)
    job = operator.create({"operation": "calibrate"})
    assert operator.end(job) == ("SUCCEEDED", None)
    assert operator.details(job)["offset"] == "0.3"


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*/main.py")), ids=lambda path: path.parent.name)
def test_each_is_short_and_explained(path):
    longest = 200 if path.parent.name == "station" else 60
    assert len(path.read_text().splitlines()) <= longest
    readme = path.with_name("README.md").read_text()
    assert f"EXAMPLE={path.parent.name}" in readme
