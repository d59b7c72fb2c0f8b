"""One life of a simulated chip as a process of this machine: how it is started, how it is heard, how it ends."""

import os

from tests.host.sim_desk import desk
from tools import interpreter


def test_micropython_may_be_named_by_a_relative_path(tmp_path, monkeypatch):
    monkeypatch.setenv("MICROPYTHON", os.path.relpath(interpreter.micropython()))
    with desk(tmp_path, "print('runs')") as (_, board):
        board.power_on()
        board.wait_for("^runs$", timeout_s=10)
