"""How a verb ends that is told to: also when it is told twice, as `make` and a closed terminal do."""

import signal
import subprocess
import sys

import pytest

from tools.interpreter import ROOT

VERB = """
import os, signal
from tools.signals import interrupt, on_end

on_end(interrupt)
try:
    os.kill(os.getpid(), signal.SIGTERM)
    signal.pause()
except KeyboardInterrupt as stopped:
    os.kill(os.getpid(), signal.SIGTERM)
    os.kill(os.getpid(), signal.SIGHUP)
    print("cleaned up after", stopped.args[0])
"""


IMPATIENT = """
import os, signal
from tools.signals import interrupt_once

interrupt_once()
try:
    os.kill(os.getpid(), FIRST)
    signal.pause()
except KeyboardInterrupt as stopped:
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGINT):
        os.kill(os.getpid(), number)
    print("cleaned up after", stopped.args[0])
"""


@pytest.mark.parametrize("first", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_pressed_again_does_not_disturb_the_clean_up(first):
    program = f"FIRST = {int(first)}\n{IMPATIENT}"
    verb = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, timeout=30)
    assert (verb.stdout, verb.stderr, verb.returncode) == (f"cleaned up after {int(first)}\n", "", 0)


def test_a_second_signal_does_not_disturb_the_clean_up():
    verb = subprocess.run([sys.executable, "-c", VERB], cwd=ROOT, capture_output=True, text=True, timeout=30)
    assert (verb.stdout, verb.stderr, verb.returncode) == ("cleaned up after 15\n", "", 0)
