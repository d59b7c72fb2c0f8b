"""Starts counted through restarts and power cuts, the reasons of wanted ones kept."""

import esp32
import machine
import simulation

import board
import starts
from harness import equal


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
    equal([starts.count() for _ in range(3)], [1, 2, 3])
    equal(starts.in_a_row(), 3)


def test_clean_restart_ends_the_row_and_keeps_its_reason():
    fresh()
    starts.count()
    starts.count()
    equal(starts.mark_clean("update"), True)
    equal(starts.count(), 1)
    equal(starts.clean_reason(), "update")


def test_a_reason_breaks_no_line_of_the_next_start():
    fresh()
    starts.count()
    starts.mark_clean("done\nboot: start 9, forged \u00fc")
    starts.count()
    equal(starts.clean_reason(), "done?boot: start 9, forged \u00fc")


def test_reason_belongs_to_one_start_only():
    fresh()
    starts.count()
    starts.mark_clean("update")
    starts.count()
    equal(starts.count(), 2)
    equal(starts.clean_reason(), None)


def test_first_start_has_no_reason():
    fresh()
    equal(starts.clean_reason(), None)
    starts.count()
    equal(starts.clean_reason(), None)


def test_forgiven_start_ends_the_row():
    fresh()
    starts.count()
    starts.count()
    starts.forgive()
    equal(starts.in_a_row(), 0)
    equal(starts.count(), 1)


def test_forgiving_keeps_the_reason_of_this_start():
    fresh()
    starts.count()
    starts.mark_clean("settings")
    starts.count()
    starts.forgive()
    equal(starts.clean_reason(), "settings")


def test_row_never_overflows():
    fresh()
    for _ in range(300):
        count = starts.count()
    equal(count, 255)
    starts.mark_clean("x")
    equal(starts.count(), 1)


def test_soft_reset_is_not_a_start():
    fresh()
    starts.count()
    simulation.board.reset_cause = machine.SOFT_RESET
    equal([starts.count() for _ in range(9)], [1] * 9)
    simulation.board.reset_cause = machine.HARD_RESET
    equal(starts.count(), 2)


def test_waking_from_deep_sleep_is_no_crash():
    fresh()
    starts.count()
    simulation.board.reset_cause = machine.DEEPSLEEP_RESET
    equal([starts.count() for _ in range(9)], [1] * 9)
    equal(starts.clean_reason(), None)
    simulation.board.reset_cause = machine.HARD_RESET
    equal(starts.count(), 2)


def test_soft_reset_after_a_good_start_is_not_unknown():
    fresh()
    starts.count()
    starts.forgive()
    simulation.board.reset_cause = machine.SOFT_RESET
    equal(starts.count(), 1)


def test_long_reason_is_cut_between_characters():
    fresh()
    starts.mark_clean("ä" * 40)
    starts.count()
    equal(starts.clean_reason(), "ä" * 32)
    starts.mark_clean("x" + "ä" * 40)
    starts.count()
    equal(starts.clean_reason(), "x" + "ä" * 31)


# What is seen after power-on: the row before counting; the row and the reason after it. One line for each step done.
AFTER_STEPS = ((2, 3, None), (2, 1, "update"), (1, 2, None), (0, 1, None))


def test_power_cut_at_every_write_leaves_what_was_or_what_is():
    for torn in (False, True):
        write, done = 0, 0
        while done < 3:
            write += 1
            fresh()
            starts.count()
            starts.count()
            simulation.board.flash.cut_at(write, torn)
            done = run_until_cut(lambda: starts.mark_clean("update"), starts.count, starts.forgive)
            simulation.board.flash.cut_at(None)
            simulation.board.power_cycle()
            seen = (starts.in_a_row(), starts.count(), starts.clean_reason())
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
    starts.count()
    before = simulation.board.flash.writes
    starts.count()
    one_write = simulation.board.flash.writes - before
    before = simulation.board.flash.writes
    starts.forgive()
    equal(simulation.board.flash.writes - before, one_write)
    starts.forgive()
    equal(simulation.board.flash.writes - before, one_write)


def test_corrupt_records_are_survived():
    for number in (-1, 0x7FFFFFFF, -0x7FFFFFFF):
        fresh()
        esp32.NVS("awsesp").set_i32("starts", number)
        equal(1 <= starts.count() <= 255, True)
    for record in (b"", b"\x01", b"\x00\x00\x00\x00\xff\xfe", b"x" * 200):
        fresh()
        starts.count()
        esp32.NVS("awsesp").set_blob("clean", record)
        equal(starts.clean_reason(), None)
        equal(starts.count(), 2)


def test_blob_where_the_count_should_be_is_survived():
    fresh()
    esp32.NVS("awsesp").set_blob("starts", b"other firmware")
    starts.count()
    starts.mark_clean("x")
    starts.forgive()
    equal(starts.in_a_row() >= 0, True)


def test_full_flash_makes_the_count_unknown_but_never_fails():
    fresh()
    fill_nvs()
    try:
        equal(starts.count(), 0)
        equal(starts.mark_clean("x"), False)
        starts.forgive()
        equal(starts.clean_reason(), None)
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


def test_storage_is_opened_once_because_the_port_never_closes_it():
    opened, real = [], esp32.NVS

    def counted(namespace):
        opened.append(namespace)
        return real(namespace)

    board._nvs.clear()
    esp32.NVS = counted
    try:
        for _ in range(3):
            starts.count()
            starts.mark_clean("x")
            starts.in_a_row(), starts.number(), starts.clean_reason()
    finally:
        esp32.NVS = real
    equal(opened, ["awsesp"])


def test_the_reason_is_known_when_the_number_of_starts_begins_anew():
    fresh()
    esp32.NVS("awsesp").set_i32("starts", 0x7FFFFFFF)  # the last number, and a long row
    starts.mark_clean("update")
    equal((starts.count(), starts.number(), starts.clean_reason()), (1, 0, "update"))
