"""docs/ble-protocol.md says what the device does: its example, codes, messages and times cannot drift."""

import re

import pytest

from ble import code_table, codes, framing, lockout, messages, session
from tests import ble_reference as reference
from tests.host import ble_example
from tests.host.phone_node import PAGE

SERVER = (ble_example.DOCUMENT.parents[1] / "lib" / "ble" / "server.py").read_text(encoding="utf-8")
TEXT = ble_example.DOCUMENT.read_text(encoding="utf-8")


def test_the_example_is_what_the_vectors_give():
    assert ble_example.document() == TEXT, "python -m tests.host.ble_example"


def test_the_example_can_be_read_back():
    """Whoever follows the document with its bytes alone gets its messages."""
    blocks = re.findall(r"```\n(\{.*\})\n\n([0-9a-f\n]+)```", TEXT)
    phone = reference.Phone(ble_example.unhex("setup_code_bytes"), ble_example.unhex("phone_private"))
    hello, answer, scan, networks = [
        (text.encode(), bytes.fromhex(digits.replace("\n", ""))) for text, digits in blocks
    ]
    for text, stream in (hello, answer):
        assert reference.find_frames(stream) == [(reference.CLEAR, text)]
    end, is_right = phone.session(answer[0], ble_example.SESSION["name"])
    assert is_right
    assert reference.frame(reference.SEALED, end.seal(scan[0])) == scan[1]
    assert end.open(reference.find_frames(networks[1])[0][1]) == networks[0]


@pytest.mark.parametrize("number", code_table.numbers())
def test_every_code_is_there_with_the_device_s_sentence(number):
    assert f"| {number} | `{code_table.find(number)[0]}` | {codes.sentence(number)} |" in TEXT


def test_every_message_is_there():
    with pytest.raises(codes.Refusal) as refusal:
        messages.parse(b'{"typ":"X","id":1,"dat":{}}')
    known = re.findall(r"[A-Z]{3,}", refusal.value.message.split("one of ")[1])
    assert sorted(re.findall(r"^\| `([A-Z]+)` \|", TEXT, re.MULTILINE)) == known


def test_numbers_are_the_device_s():
    assert f"at most {framing.LARGEST}." in TEXT
    assert f"| a gap inside a message, then it is dropped | {framing.GAP_MS // 1000} |" in TEXT
    for name, words in (
        ("STRANGER_MS", "the device hangs up when it has heard nothing genuine from you, from connecting on"),
        ("IDLE_MS", "the device hangs up when you say nothing, later"),
    ):
        milliseconds = int(re.search(name + r" = (\d+)", SERVER)[1])
        assert f"| {words} | {milliseconds // 1000} |" in TEXT
    refusal_s = lockout.REFUSAL_MS // 1000
    assert f"After {lockout.TRIES} in a row it refuses HELLO for {refusal_s} s" in TEXT
    assert f"{framing.LARGEST - session.OVERHEAD} bytes of JSON fit" in TEXT


def test_uuids_are_those_of_the_page():
    uuids = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
    service = (PAGE / "protocol" / "service.js").read_text(encoding="utf-8")
    assert re.findall(uuids, TEXT) == re.findall(uuids, service)
