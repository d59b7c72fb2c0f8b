"""How a verb ends that is told to: also when it is told twice, as `make` and a closed terminal do."""

import subprocess
import sys

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


def test_a_second_signal_does_not_disturb_the_clean_up():
    verb = subprocess.run([sys.executable, "-c", VERB], cwd=ROOT, capture_output=True, text=True, timeout=30)
    assert (verb.stdout, verb.stderr, verb.returncode) == ("cleaned up after 15\n", "", 0)
