"""The chip: starts counted through restarts and power cuts, reasons kept, identity, button, watchdog, heap."""

import esp32
import machine
import simulation

import board
from harness import equal, raises


def fresh():
    """A chip that was never started, with the power on."""
    simulation.board.flash.cut_at(None)
    for key in ("starts", "clean"):
        try:
            esp32.NVS("awsesp").erase_key(key)
        except OSError:
            pass
    simulation.board.power_cycle()


def test_starts_in_a_row_are_counted():
    fresh()
    equal([board.count_start() for _ in range(3)], [1, 2, 3])
    equal(board.starts(), 3)


def test_clean_restart_ends_the_row_and_keeps_its_reason():
    fresh()
    board.count_start()
    board.count_start()
    equal(board.mark_clean("update"), True)
    equal(board.count_start(), 1)
    equal(board.clean_reason(), "update")


def test_reason_belongs_to_one_start_only():
    fresh()
    board.count_start()
    board.mark_clean("update")
    board.count_start()
    equal(board.count_start(), 2)
    equal(board.clean_reason(), None)


def test_first_start_has_no_reason():
    fresh()
    equal(board.clean_reason(), None)
    board.count_start()
    equal(board.clean_reason(), None)


def test_forgiven_start_ends_the_row():
    fresh()
    board.count_start()
    board.count_start()
    board.forgive_starts()
    equal(board.starts(), 0)
    equal(board.count_start(), 1)


def test_forgiving_keeps_the_reason_of_this_start():
    fresh()
    board.count_start()
    board.mark_clean("settings")
    board.count_start()
    board.forgive_starts()
    equal(board.clean_reason(), "settings")


def test_row_never_overflows():
    fresh()
    for _ in range(300):
        count = board.count_start()
    equal(count, 255)
    board.mark_clean("x")
    equal(board.count_start(), 1)


def test_soft_reset_is_not_a_start():
    fresh()
    board.count_start()
    simulation.board.reset_cause = machine.SOFT_RESET
    equal([board.count_start() for _ in range(9)], [1] * 9)
    simulation.board.reset_cause = machine.HARD_RESET
    equal(board.count_start(), 2)


def test_waking_from_deep_sleep_is_no_crash():
    fresh()
    board.count_start()
    simulation.board.reset_cause = machine.DEEPSLEEP_RESET
    equal([board.count_start() for _ in range(9)], [1] * 9)
    equal(board.clean_reason(), None)
    simulation.board.reset_cause = machine.HARD_RESET
    equal(board.count_start(), 2)


def test_soft_reset_after_a_good_start_is_not_unknown():
    fresh()
    board.count_start()
    board.forgive_starts()
    simulation.board.reset_cause = machine.SOFT_RESET
    equal(board.count_start(), 1)


def test_long_reason_is_cut_between_characters():
    fresh()
    board.mark_clean("ä" * 40)
    board.count_start()
    equal(board.clean_reason(), "ä" * 32)
    board.mark_clean("x" + "ä" * 40)
    board.count_start()
    equal(board.clean_reason(), "x" + "ä" * 31)


# What is seen after power-on: the row before counting; the row and the reason after it. One line for each step done.
AFTER_STEPS = ((2, 3, None), (2, 1, "update"), (1, 2, None), (0, 1, None))


def test_power_cut_at_every_write_leaves_what_was_or_what_is():
    for torn in (False, True):
        write, done = 0, 0
        while done < 3:
            write += 1
            fresh()
            board.count_start()
            board.count_start()
            simulation.board.flash.cut_at(write, torn)
            done = run_until_cut(lambda: board.mark_clean("update"), board.count_start, board.forgive_starts)
            simulation.board.flash.cut_at(None)
            simulation.board.power_cycle()
            seen = (board.starts(), board.count_start(), board.clean_reason())
            equal(seen in AFTER_STEPS[done : done + 2], True)
        equal(write > 3, True)


def run_until_cut(*steps):
    done = 0
    for step in steps:
        try:
            step()
        except simulation.PowerCut:
            return done
        done += 1
    return done


def test_each_start_writes_once():
    fresh()
    board.count_start()
    before = simulation.board.flash.writes
    board.count_start()
    one_write = simulation.board.flash.writes - before
    before = simulation.board.flash.writes
    board.forgive_starts()
    equal(simulation.board.flash.writes - before, one_write)
    board.forgive_starts()
    equal(simulation.board.flash.writes - before, one_write)


def test_corrupt_records_are_survived():
    for number in (-1, 0x7FFFFFFF, -0x80000000):
        fresh()
        esp32.NVS("awsesp").set_i32("starts", number)
        equal(1 <= board.count_start() <= 255, True)
    for record in (b"", b"\x01", b"\x00\x00\x00\x00\xff\xfe", b"x" * 200):
        fresh()
        board.count_start()
        esp32.NVS("awsesp").set_blob("clean", record)
        equal(board.clean_reason(), None)
        equal(board.count_start(), 2)


def test_blob_where_the_count_should_be_is_survived():
    fresh()
    esp32.NVS("awsesp").set_blob("starts", b"other firmware")
    board.count_start()
    board.mark_clean("x")
    board.forgive_starts()
    equal(board.starts() >= 0, True)


def test_full_flash_makes_the_count_unknown_but_never_fails():
    fresh()
    fill_nvs()
    try:
        equal(board.count_start(), 0)
        equal(board.mark_clean("x"), False)
        board.forgive_starts()
        equal(board.clean_reason(), None)
    finally:
        empty_nvs()


def fill_nvs():
    for name in range(200):
        for size in (3900, 500, 32):
            try:
                esp32.NVS("filler").set_blob("%d.%d" % (name, size), b"x" * size)
            except OSError:
                continue
            break
        else:
            break
    for name in range(200):
        try:
            esp32.NVS("filler").set_i32("i%d" % name, 1)
        except OSError:
            return


def empty_nvs():
    for name in range(200):
        for key in ("%d.3900" % name, "%d.500" % name, "%d.32" % name, "i%d" % name):
            try:
                esp32.NVS("filler").erase_key(key)
            except OSError:
                pass
    simulation.board.power_cycle()


def test_causes_of_a_start_have_names():
    names = []
    for simulation.board.reset_cause in range(6):
        names.append(board.reset_cause())
    equal(names, ["unknown", "power_on", "hard", "watchdog", "deep_sleep", "soft"])


def test_reset_restarts_the_chip():
    raises(simulation.Restarted, board.reset)
    equal(board.reset_cause(), "hard")


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
