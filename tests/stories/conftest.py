"""A whole device in the simulator against the local AWS IoT: the fixtures of the stories."""

from pathlib import Path

import pytest

from tools.desk import Desk

APPLICATIONS = Path(__file__).parent / "applications"

# The shortest times that settings allow, or nearly: long enough for a busy machine.
QUICK = {
    "app": {"every_s": 1},
    "timeouts": {
        "join_s": 5,
        "address_s": 3,
        "dns_s": 1,
        "ntp_s": 1,
        "connect_s": 3,
        "connack_s": 3,
        "ack_s": 2,
        "keepalive_s": 30,
        "stable_s": 5,
        "backoff_s": 1,
        "backoff_cap_s": 10,
        "refused_s": 1,
        "drain_s": 1,
        "start_uptime_s": 10,
    },
}


def open_desk(**options):
    """A `Desk` whose cloud makes EC keys: RSA keys as AWS makes them take their time, and one story is enough."""
    return Desk(cloud={"fast_keys": True, **options})


def put_application(desk, name):
    """Let `applications/NAME.py` be the device's main.py."""
    desk.device.image.main = APPLICATIONS / f"{name}.py"


def thing_name(desk):
    """What the fleet's template calls this device."""
    return desk.fleet.thing_name(desk.device.unique_id)


def thing_certificates(desk):
    """The ARNs of the certificates attached to the device's thing."""
    return desk.cloud.iot().list_thing_principals(thingName=thing_name(desk))["principals"]


@pytest.fixture
def desk():
    """A desk with a factory-new device, switched off. A failing story shows the device's console."""
    with open_desk() as desk:
        yield desk
        print("\n".join(["", "The device's console:", *desk.device.lines]))


@pytest.fixture
def device(desk):
    """The desk's device with the factory's settings, switched off."""
    desk.leave_factory(**QUICK)
    return desk.device
