"""boot.py brings an update that waits before main.py is loaded, and leaves every other start to it."""

import sys

import machine
import simulation

import board
import errors  # noqa: F401  (loaded, as it is on a running device)
from boot_desk import forget_starts, power_on
from fakes import Group
from harness import equal

COMPANIONS = ["repository"]


def test_an_update_is_brought_before_main_py_until_something_else_was_wanted():
    forget_starts()
    power_on()
    for cause, reason, is_brought in (
        (machine.HARD_RESET, "update: version 1.1.0", True),
        (machine.WDT_RESET, None, True),  # it has crashed meanwhile
        (machine.PWRON_RESET, None, True),
        (machine.SOFT_RESET, None, False),  # somebody's, or for main.py
        (machine.HARD_RESET, "version 1.1.0", False),
        (machine.PWRON_RESET, None, False),
    ):
        if reason:
            board.start_record().mark_clean(reason)
        simulation.board.reset_cause = cause
        equal(brings_update(), is_brought)


def brings_update():
    brought = []
    sys.modules["awsesp"] = Group(update=lambda: brought.append(1))
    try:
        power_on()
    finally:
        del sys.modules["awsesp"]
    return bool(brought)


def test_an_update_that_ends_by_a_mistake_leaves_the_start_to_main_py():
    forget_starts()
    power_on()
    board.start_record().mark_clean("update: version 1.1.0")
    simulation.board.reset_cause = machine.HARD_RESET
    sys.modules["awsesp"] = Group(update=lambda: {}["missing"])
    try:
        equal(power_on().lines[1:], ["boot: KeyError: missing"])
    finally:
        del sys.modules["awsesp"]
        forget_starts()
