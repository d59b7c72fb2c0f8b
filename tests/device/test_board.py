"""The chip: identity, button, watchdog, heap."""

import sys

import simulation

import board
from fakes import Group
from harness import equal, raises


def test_causes_of_a_start_have_names():
    names = []
    for simulation.board.reset_cause in range(6):
        names.append(board.reset_cause())
    equal(names, ["unknown", "power_on", "hard", "watchdog", "deep_sleep", "soft"])


def test_reset_restarts_the_chip():
    raises(simulation.Restarted, board.reset)
    equal(board.reset_cause(), "hard")


def test_sleep_always_ends():
    for seconds, told in ((-5, "1 ms"), (0, "1 ms"), (0.5, "500 ms"), (60, "60000 ms"), (3000000, "2147483647 ms")):
        slept = raises(simulation.Restarted, lambda: board.deep_sleep(seconds))
        equal("%s" % slept, "machine.deepsleep() " + told)


def test_identity_is_the_base_mac_in_lower_case_hex():
    equal(board.unique_id(), "0a1b2c3d4e5f")


def test_button_is_held_only_while_it_is():
    equal(board.button_held(0), False)
    simulation.board.hold_button(0)
    equal(board.button_held(0), True)
    simulation.board.release_button(0)
    equal(board.button_held(0), False)


def test_watchdog_takes_its_time_and_is_fed():
    dog = board.Watchdog(30000)
    equal(simulation.board.watchdog_ms, 30000)
    simulation.board.fed_ms = None
    dog.feed()
    equal(simulation.board.fed_ms is None, False)


def test_released_watchdog_leaves_a_day_to_work_at_the_console():
    board.Watchdog(30000)
    board.release_watchdog()
    equal(simulation.board.watchdog_ms >= 3600000, True)


def test_heap_of_python_and_of_the_system():
    before = board.heap()
    simulation.board.idf_heap = (100, 2000)
    after = board.heap()
    equal((after["idf_free"], after["idf_largest"]), (2100, 1500))
    kept = bytearray(20000)
    equal(board.heap()["gc_allocated"] - before["gc_allocated"] >= len(kept), True)
    equal(board.heap()["gc_free"] > 0, True)


def test_uptime_only_grows():
    first = board.uptime_ms()
    equal(0 <= first <= board.uptime_ms() < 600000, True)


def test_what_is_asked_seldom_is_loaded_for_the_moment():
    equal(board.unique_id(), "0a1b2c3d4e5f")
    equal("board_seldom" in sys.modules, False)
    raises(AttributeError, lambda: board.unknown)


def test_the_largest_block_is_that_of_all_areas():
    board.esp32, before = Group(HEAP_DATA=4, idf_heap_info=lambda _: [(9, 5, 4, 1), (9, 3, 2, 1)]), board.esp32
    try:
        heap = board.heap()
    finally:
        board.esp32 = before
    equal((heap["idf_free"], heap["idf_largest"]), (8, 4))
