"""The last lines of the console, where a restart does not reach them."""

import machine

from console import Console
from device import Device
from events import Bus
from fakes import Group
from harness import equal
from log import Log


class Memory:
    """RTC memory, in memory."""

    def __init__(self):
        self.data = b""

    def __call__(self, *data):
        if data:
            self.data = bytes(data[0])
        return self.data


def test_lines_outlive_a_restart_of_the_chip():
    machine.RTC().memory(b"")
    Log(machine.RTC().memory, 1024).add("one")
    log = Log(machine.RTC().memory, 1024)
    log.add("two\nthree\n")
    equal(log.read(), "one\ntwo\nthree\n")


def test_what_an_application_logs_need_not_be_text():
    log = Log(Memory(), 1024)
    said = Console(Group(bus=Bus()))
    said.log = log
    for value in (42, None, OSError(5)):
        Device.log(Group(_system=Group(console=said)), value)
    equal(log.read(), "42\nNone\n[Errno 5] EIO\n")


def test_bytes_that_are_no_text_are_read_as_question_marks():
    memory = Memory()
    log = Log(memory, 64)
    log.add("one")
    memory(memory.data + b"t\xff\x80wo\n\xc3")
    again = Log(memory, 64)
    equal(again.read(), "one\nt??wo\n?")
    again.add("three")
    equal(again.read(), "one\nt??wo\n?three\n")


def test_what_a_reset_has_left_without_an_end_of_line_gives_way():
    memory = Memory()
    memory(b"AWL1" + b"x" * 60)
    log = Log(memory, 64)
    log.add("three")
    equal(log.read(), "three\n")


def test_the_oldest_lines_give_way_whole():
    memory = Memory()
    log = Log(memory, 64)
    for number in range(100):
        log.add("line %d" % number)
    lines = Log(memory, 64).read().split("\n")
    equal(lines[-2:], ["line 99", ""])
    equal(lines[0], "line 93")
    equal(len(memory.data) <= 64, True)


def test_no_more_lines_give_way_than_have_to():
    log = Log(Memory(), 64)
    for number in range(10, 17):
        log.add("line %d ." % number)  # 60 bytes are six of these
    equal(log.read().split("\n")[0], "line 11 .")


def test_any_size_and_any_line_leave_the_newest_lines_in_order():
    for size in (40, 41, 47, 100):
        memory = Memory()
        log = Log(memory, size)
        for number in range(60):
            log.add("%d%s" % (number, "x" * (number % 23)))
            lines = log.read().split("\n")[:-1]
            newest = [int(line.replace("x", "")) for line in lines]
            equal(newest, list(range(number + 1 - len(lines), number + 1)))
            equal(Log(memory, size).read(), log.read())


def test_a_long_line_is_cut_and_one_that_never_fits_is_left_out():
    log = Log(Memory(), 1024)
    log.add("x" * 5000)
    equal(log.read(), "x" * 200 + "\n")
    small = Log(Memory(), 40)
    small.add("short")
    small.add("x" * 100)
    equal(small.read(), "short\n")


def test_names_that_are_no_ascii_are_kept_whole():
    memory = Memory()
    log = Log(memory, 100)
    for _ in range(30):
        log.add("Gäste-Wlan ☕")
    equal(set(Log(memory, 100).read().split("\n")[:-1]), {"Gäste-Wlan ☕"})


def test_what_is_not_ours_or_of_a_larger_log_is_left_alone_until_the_first_line():
    for left in (b"the application's own", b"AWL1" + b"x" * 1000):
        memory = Memory()
        memory(left)
        log = Log(memory, 64)
        equal(log.read(), "")
        equal(memory.data, left)
        log.add("one")
        equal(Log(memory, 64).read(), "one\n")


def test_the_end_of_a_traceback_is_kept():
    log = Log(Memory(), 1024)
    try:
        _fail()
    except ValueError as failure:
        log.trace(failure)
    equal("in _fail\nValueError: no such LED\n" in log.read(), True)


def _fail():
    raise ValueError("no such LED")


def test_it_can_be_cleared():
    memory = Memory()
    log = Log(memory, 64)
    log.add("one")
    log.clear()
    equal(log.read(), "")
    equal(Log(memory, 64).read(), "")
