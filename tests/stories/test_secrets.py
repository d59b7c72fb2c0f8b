"""The search that every story ends with finds secrets, and only secrets."""

import base64
import os

import pytest

from tests.stories import secrets
from tests.stories.conftest import QUICK, eventually, open_desk

CODE = "CONFIG: setup code ABCD-EFGH-JKLM-NPQR, https://page.example/#ABCD-EFGH-JKLM-NPQR"
TOKEN = base64.b64encode(bytes(range(7, 247, 3))).decode()


@pytest.mark.parametrize(
    "line",
    [
        "NORMAL wifi.disconnected message=correct horse battery",
        "application: told -----BEGIN RSA PRIVATE KEY-----",
        f"  1.20 NORMAL task.failed message={TOKEN}",
        "KeyError: b'\\x30\\x82\\x01\\x22\\x30\\x0d\\x06\\x09\\x2a\\x86\\x48\\x86\\xf7\\x0d\\x01'",
        "NORMAL ble.authenticated code=ABCDEFGHJKLMNPQR",
    ],
    ids=["password", "PEM", "token", "DER", "setup code"],
)
def test_a_secret_is_found(line):
    with pytest.raises(secrets.SecretTold):
        secrets.search({"the console": [CODE, line]}, {"correct horse battery"})


def test_what_is_no_secret_is_not():
    lines = [
        CODE,
        f"certificate={os.urandom(32).hex()}",
        '  File "/tmp/pytest-of-somebody/pytest-12/a_story_of_a_device_that_is_well0/Main.py", line 9, in it',
        "aws.connected client_id=device-0a0000000001 endpoint=local-ats.iot.local-1.amazonaws.com",
        "shadow.delta fields=a_very_long_name_of_a_property_that_somebody_has_thought_of_for_the_lamp_number_7",
    ]
    secrets.search({"the console": lines}, {"correct horse battery"})


def test_what_a_real_device_tells_is_searched_everywhere():
    with open_desk() as desk:
        desk.leave_factory(**QUICK)
        desk.device.power_on()
        desk.device.wait_for(r"publish\.done")
        eventually(lambda: b"aws.connected" in desk.device.rtc_memory)
        places = secrets.told(desk, [])
        known = secrets.secrets_of(desk)
    assert any("aws.connected" in line for line in places["the log in RTC memory"])
    assert {"the console", "the cloud's shadows", "the cloud's job_executions", "the cloud's retained"} <= set(places)
    assert len(known) == 3, "the password of the Wi-Fi, and two forms of the claim's key"
