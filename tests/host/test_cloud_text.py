"""Text that is not ASCII, on its way through the local AWS IoT: in UTF-8, as AWS writes it.

MicroPython's json reads an emoji that is escaped as two halves, which no cloud takes back.
"""

import json

import pytest

from tools.cloud import LocalCloud, strict_json

TEXT = "Z\u00fcrich \U0001f600"
HALF = "\ud83d"


@pytest.fixture(scope="module")
def cloud(tmp_path_factory):
    with LocalCloud(tmp_path_factory.mktemp("cloud"), fast_keys=True) as cloud:
        yield cloud


def test_a_shadow_is_told_in_utf_8_and_half_a_character_as_it_came(cloud):
    data = cloud.iot_data()
    for text, told in ((TEXT, TEXT.encode()), (HALF, b"\\ud83d")):
        data.update_thing_shadow(thingName="lamp", payload=json.dumps({"state": {"reported": {"text": text}}}))
        payload = data.get_thing_shadow(thingName="lamp")["payload"].read()
        assert b'"text":"%s"' % told in payload
        assert json.loads(payload)["state"]["reported"]["text"] == text


def test_what_is_encoded_is_what_it_was():
    for value in ({TEXT: [TEXT, None, 1.5]}, HALF, {"a": {HALF: TEXT}}):
        assert json.loads(strict_json.encode(value)) == value
