"""Messages that are too many or too large do not harm the device, and what is lost is told."""

import json
import re

import pytest

from tests.stories.conftest import put_application, thing_name

_RING = 16  # messages, by the settings' default
_RECEIVE_BUFFER = 6144


@pytest.fixture
def hoarder(desk, device):
    """A device whose application does not read what it has subscribed to, connected."""
    put_application(desk, "hoarding")
    device.power_on()
    device.wait_for("application: listens")
    return device


@pytest.fixture
def post(desk):
    """post(size) sends a message of so many bytes to the device."""
    data = desk.cloud.iot_data()

    def send(size):
        data.publish(topic=f"devices/{thing_name(desk)}/post", qos=1, payload=b"x" * size)

    return send


def ask(desk):
    """(kept, dropped, sizes) of the messages that have waited for the application."""
    desk.cloud.iot_data().publish(topic=f"devices/{thing_name(desk)}/command", qos=1, payload=b"{}")
    line = desk.device.wait_for("application: kept")
    kept, dropped, sizes = re.search(r"kept (\d+), dropped (\d+), bytes (.*)", line).groups()
    return int(kept), int(dropped), json.loads(sizes)


def test_a_flood_is_bounded_and_told(desk, hoarder, post):
    sizes = list(range(100, 140))
    for size in sizes:
        post(size)
    lost = len(sizes) - _RING
    hoarder.wait_for(rf"message\.dropped dropped={lost} reason=ring_full topic=devices/{thing_name(desk)}/post")
    assert ask(desk) == (_RING, lost, sizes[-_RING:]), "the newest are kept"


def test_a_message_larger_than_the_receive_buffer_is_skipped_and_the_next_arrives(desk, hoarder, post):
    post(100)
    post(4 * _RECEIVE_BUFFER)
    post(200)
    hoarder.wait_for(rf"message\.dropped .*reason=too_large topic=devices/{thing_name(desk)}/post")
    assert ask(desk) == (2, 0, [100, 200])
    assert not any("aws.disconnected" in line for line in hoarder.lines)


def test_what_is_sent_while_the_device_is_away_waits_for_it(desk, hoarder, post):
    desk.home.vanish()
    hoarder.wait_for(r"aws\.disconnected", 40)
    post(300)
    desk.home.back()
    hoarder.wait_for(r"aws\.connected .*session_present=True", 60)
    assert ask(desk) == (1, 0, [300])
