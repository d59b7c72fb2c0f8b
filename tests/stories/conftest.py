"""A whole device in the simulator against the local AWS IoT: the fixtures of the stories."""

import pytest

from tools.desk import Desk

# Short enough for a test, long enough for a busy machine. Each is within what settings allow.
QUICK = {
    "app": {"every_s": 1},
    "timeouts": {"join_s": 5, "address_s": 3, "ntp_s": 2, "dns_s": 2, "connect_s": 3, "connack_s": 5, "keepalive_s": 30},
}


@pytest.fixture
def desk():
    """A desk with a factory-new device, switched off. A failing story shows the device's console."""
    with Desk() as desk:
        yield desk
        print("\n".join(["", "The device's console:", *desk.device.lines]))


@pytest.fixture
def device(desk):
    """The desk's device with the factory's settings, switched off."""
    desk.leave_factory(**QUICK)
    return desk.device
