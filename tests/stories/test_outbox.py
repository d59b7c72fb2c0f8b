"""Nothing that the application was told to be safe is lost: with the code of docs/messages.md, the outbox on flash."""

import pytest

from tests.stories.conftest import QUICK, eventually, open_desk, thing_name
from tests.stories.guides import application_of

SETTINGS = {
    **QUICK,
    "app": {"every_s": 0.1},
    "outbox": {"place": "flash", "when_full": "refuse"},
    "limits": {"outbox_messages": 1000, "outbox_bytes": 100000, "starts": 100},
}


@pytest.fixture
def desk(tmp_path):
    with open_desk() as desk:
        desk.device.image.main = application_of("messages", tmp_path)
        desk.leave_factory(**SETTINGS)
        yield desk
        print("\n".join(["", "The device's console:", *desk.device.lines]))


class Heard:
    """The numbers that arrive in the cloud."""

    def __init__(self, desk):
        self._operator = desk.operator()
        self._topic = f"devices/{thing_name(desk)}/telemetry"
        self.numbers = []

    def until(self, number):
        """Read on until this number has arrived."""
        while number not in self.numbers:
            topic, payload = self._operator.next_message()
            if topic == self._topic:
                self.numbers.append(payload["number"])


def outbox(desk):
    return [path for path in desk.device.list_files() if path.startswith("/outbox/")]


def test_no_number_is_missing_after_power_cuts_at_writes_to_the_outbox(desk):
    heard = Heard(desk)
    device = desk.device
    device.power_on()
    heard.until(2)
    desk.home.vanish()
    device.wait_for(r"aws\.disconnected", 40)
    eventually(lambda: len(outbox(desk)) >= 2)
    for writes in range(4, 15):  # before these the start is counted
        device.power_cut()
        device.cut_at_write(writes, torn=writes % 3 > 0)
        device.power_on()
        device.wait_for("sim: off: power cut at write", 30)
        device.wait_until_off()
    # ... and at writes while it is emptied.
    desk.home.back()
    for writes in (5, 8):
        device.cut_at_write(writes)
        device.power_on()
        device.wait_for("sim: off: power cut at write", 30)
        device.wait_until_off()
    device.cut_at_write(None)
    device.power_on()
    eventually(lambda: not outbox(desk), 30)
    last = max(heard.numbers) + 1
    heard.until(last)
    assert set(range(1, last + 1)) <= set(heard.numbers)
