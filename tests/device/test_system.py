"""The head: when a device may sleep, and when its start was a good one."""

import asyncio
import sys
import time

import board
import errors
import mode_requests
from chip_ticks import DAY_MS, Ticks
from fakes import Group
from harness import equal
from system import System


class Head:
    """As far as `sleep` needs the system."""

    trial = False
    mode = "NORMAL"
    _is_trying = System._is_trying

    def __init__(self):
        self.identity = Group(trial=None, rotating=False)
        self.aws = Group(jobs=Group(working=False))
        self.road = self
        self.left = None

    async def rest(self, seconds):
        """Note it."""

    def leave(self, event, reason):
        self.left = event, reason


async def test_a_device_does_not_sleep_over_what_is_on_trial():
    for what in ("image", "candidate", "certificate", "job"):
        head = Head()
        head.trial = what == "image"
        head.identity = Group(trial="none" if what == "candidate" else None, rotating=what == "certificate")
        head.aws.jobs.working = what == "job"
        sleeping = asyncio.create_task(mode_requests.sleep(head, 60))
        await asyncio.sleep_ms(300)
        equal((what, head.left), (what, None))
        head.trial = head.identity.trial = head.identity.rotating = head.aws.jobs.working = False
        await asyncio.sleep_ms(300)
        equal(head.left, ("sleep_requested", "sleeps for 60 s"))
        sleeping.cancel()


class Board:
    """A start that is not forgiven yet; there is memory for it at the second look."""

    def __init__(self):
        self.now_ms = self.looks = self.forgiven = 0

    def uptime_ms(self):
        return self.now_ms

    def start_record(self):
        self.looks += 1
        if self.looks == 1:
            raise MemoryError
        return self

    def forgive(self):
        self.forgiven += 1


def test_a_start_that_lasted_is_forgiven_once():
    head = Head()
    head.board, head.watchdog, head.good_from_ms = Board(), None, 60000
    head.supervisor, head._bearable_ms = Group(longest_stall_ms=0), 4500
    forgiven = []
    for head.board.now_ms in (250, 59999, 60000, 60250, 60500):
        System._feed(head)
        forgiven.append(head.board.forgiven)
    equal(forgiven, [0, 0, 0, 1, 1])


def test_a_start_with_what_is_on_trial_is_forgiven_once_that_has_proved_itself():
    for mode, trial, rotating, is_connected, forgiven in (
        ("NORMAL", "none", False, False, 0),
        ("NORMAL", None, True, False, 0),
        ("NORMAL", None, False, False, 1),
        ("NORMAL", "none", False, True, 1),  # what the flash has no room to note
        ("CONFIG", "none", False, False, 1),
    ):
        head = Head()
        head.board, head.watchdog, head.good_from_ms, head.mode = Board(), None, 60000, mode
        head.board.looks = 1
        head.supervisor, head._bearable_ms = Group(longest_stall_ms=0), 4500
        head.identity, head.board.now_ms = Group(trial=trial, rotating=rotating), 61000
        head.aws.is_connected = is_connected
        System._feed(head)
        equal((mode, trial, rotating, head.board.forgiven), (mode, trial, rotating, forgiven))
        head.aws.is_connected = False
        head.identity.trial = head.identity.rotating = None
        head.board.now_ms = 110000
        System._feed(head)
        equal(head.board.forgiven, 1)


def test_uptime_counts_days_in_which_nobody_asks_for_it():
    head = Head()  # in CONFIG, until a phone comes
    head.board, head.watchdog, head.good_from_ms = board, None, None
    head.supervisor, head._bearable_ms = Group(longest_stall_ms=0), 4500
    clock, before = Ticks(), list(board._uptime)
    board.time, board._uptime[:] = clock, (clock.ticks_ms(), 0)
    try:
        for days in (7, 13, 40):
            while clock.now_ms < days * DAY_MS - 60000:
                clock.now_ms += 3600000
                System._feed(head)
            equal(board.uptime_ms(), days * DAY_MS)
    finally:
        board.time, board._uptime[:] = time, before


def test_an_application_that_holds_up_the_loop_is_told_so_a_few_times():
    head = Head()
    head.board, head.watchdog, head.good_from_ms = Board(), None, None
    head.supervisor, head._bearable_ms = Group(longest_stall_ms=0), 4500
    said = []
    head.console = Group(say=said.append)
    for stall_ms in (2700, 4400, 4750, 5200, 9000, 11000):
        head.supervisor.longest_stall_ms = stall_ms
        System._feed(head)
    equal([" 5 s" in said[0], " 11 s" in said[1], len(said)], [True, True, 2])


def test_where_there_is_no_memory_to_tell_of_a_stall_the_watchdog_is_fed_all_the_same():
    head, told = Head(), []
    head.board, head.watchdog, head.good_from_ms = Board(), None, None
    head.supervisor, head._bearable_ms = Group(longest_stall_ms=5000), 4500

    def say(text):
        told.append(text)
        if len(told) == 1:
            raise MemoryError

    head.console = Group(say=say)
    for _ in range(3):
        System._feed(head)
    equal(len(told), 2)


async def test_who_first_asks_to_leave_a_mode_says_why():
    head = Group(_leave_by=None, _leaving=asyncio.Event())
    System.leave(head, "task_failed", "the sensor is gone")
    System.leave(head, "restart_requested", "a job")
    equal((await System.left(head), head.reason), ("task_failed", "the sensor is gone"))


async def test_a_task_that_nobody_awaits_is_traced_when_it_dies_and_not_held():
    head, held = Head(), []
    said, traced = [], []
    head.console = Group(say=said.append, trace=traced.append)

    def died(loop, context):
        System._orphan_died(head, loop, context)
        held.extend([context["exception"], context["future"]])

    async def dies():
        raise ValueError("the sensor is not there")

    loop = asyncio.get_event_loop()
    before = loop.get_exception_handler()
    loop.set_exception_handler(died)
    try:
        asyncio.create_task(dies())
        await asyncio.sleep_ms(20)
    finally:
        loop.set_exception_handler(before)
    equal(
        (said, str(traced[0]), held),
        (["system: a task died that nobody awaits"], "the sensor is not there", [None, None]),
    )


class Start:
    """INIT that fails."""

    def __init__(self, failure):
        self._failure = failure

    async def start(self, system):
        raise self._failure


async def way_out_of_init(failure):
    """What the device does after a start that failed so."""
    system, done = System(Group(uptime_ms=lambda: 0), lambda bus: None, None, None, None), []

    def end(what):
        async def ended():
            done.append(what or system._action)
            raise asyncio.CancelledError

        return ended

    system._idle, system._restart = end("IDLE"), end(None)
    sys.modules["starting"] = Start(failure)
    try:
        await system._main()
    except asyncio.CancelledError:
        return done[0]


async def test_a_start_without_memory_is_followed_by_another_one_and_only_a_flash_that_fails_ends_in_idle():
    equal(await way_out_of_init(MemoryError()), "restart_after_crash")
    equal(await way_out_of_init(errors.error("flash_failed", "opening NVS", 5)), "IDLE")
