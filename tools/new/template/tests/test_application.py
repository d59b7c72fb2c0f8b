"""{{name}} on a simulated ESP32, against a local AWS IoT: the whole device, with its firmware, TLS and MQTT."""

from pathlib import Path

import pytest

from tools.desk import Desk

MAIN = Path(__file__).parents[1] / "main.py"


@pytest.fixture(scope="module")
def desk():
    """A factory-new device, switched on; a failing test shows its console."""
    with Desk(board={"main": MAIN}) as desk:
        desk.leave_factory(app={"every_s": 1})
        desk.device.power_on()
        yield desk
        print("\n".join(desk.device.lines))


@pytest.fixture(scope="module")
def operator(desk):
    """A second client in the cloud, which hears devices/#."""
    return desk.operator()


def test_it_reports_the_temperature(operator):
    topic, payload = operator.next_message()
    assert topic.endswith("/telemetry")
    assert payload == {"temperature": 21.5}


def test_it_obeys(desk, operator):
    topic, _ = operator.next_message()
    operator.tell(topic.split("/")[1], {"say": "hello"})
    desk.device.wait_for("{{name}}: told .*hello")


def test_it_is_back_after_a_power_cut(desk, operator):
    desk.device.power_cut()
    operator.forget()
    desk.device.power_on()
    assert operator.next_message()[1] == {"temperature": 21.5}
