"""The wire between a device's process and its host, where a Ctrl-C breaks in."""

import json
import os
import signal
import struct
import subprocess

import pytest

from tools import interpreter
from tools.sim import channel as channels

ASKING = """
from simulated.channel import Channel

channel = Channel({number})
try:
    channel.ask("first")
except KeyboardInterrupt:
    print(channel.ask("second"))
    print(channel.ask("third"))
"""
LATE = "what the first one was to hear"


@pytest.fixture
def wire():
    """(the device's process, the host's end of its wire)."""
    channel, theirs = channels.pair()
    process = subprocess.Popen(
        [interpreter.micropython(), "-c", ASKING.format(number=theirs.fileno())],
        env=dict(os.environ, MICROPYPATH=str(interpreter.BOARD)),
        stdout=subprocess.PIPE,
        pass_fds=[theirs.fileno()],
        text=True,
    )
    theirs.close()
    try:
        yield process, channel
    finally:
        process.kill()
        process.communicate()
        channel.close()


def framed(value):
    data = json.dumps(value).encode()
    return struct.pack("!I", len(data)) + data


@pytest.mark.parametrize("heard", range(len(framed(LATE))))
def test_a_question_that_was_taken_back_takes_no_other_one_s_answer(wire, heard):
    process, channel = wire
    assert channel.receive() == ["first"]
    os.write(channel.fileno(), framed(LATE)[:heard])
    process.send_signal(signal.SIGINT)
    operation, word = channel.receive()
    assert operation == "echo"
    os.write(channel.fileno(), framed(LATE)[heard:])
    channel.answer(word)
    for question in ("second", "third"):
        assert channel.receive() == [question]
        channel.answer(f"what the {question} one was to hear")
    assert process.communicate(timeout=20)[0].split("\n")[:2] == [
        "what the second one was to hear",
        "what the third one was to hear",
    ]
