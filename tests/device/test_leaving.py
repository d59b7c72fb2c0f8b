"""The way out: a device that fails at each start waits longer and longer, and nobody else does."""

import asyncio

import errors
import events
import leaving
from fakes import Group
from harness import equal
from supervisor import Supervisor


class Flash:
    async def flush(self):
        """Nothing waits."""


class System:
    """What is left of the head when a mode has ended, at its `row`-th bad start."""

    trial = False
    aws = ble = wifi = road = None
    reason = "a new day"
    good_from_ms = 0

    def __init__(self, row, cap_s, has_watchdog):
        self.calls = []
        self.slept_s = self.unfed_s = self.longest_s = 0
        self.flash = Flash()
        self.supervisor = Supervisor(events.Bus(), self.feed, None)
        record = Group(in_a_row=lambda: row, mark_clean=self.calls.append)
        self.board = Group(start_record=lambda: record, reset=lambda: self.calls.append("reset"))
        self.settings = Group(timeouts=Group(backoff_cap_s=cap_s)) if cap_s else None
        self.watchdog = self if has_watchdog else None
        self.console = Group(say=self.calls.append)
        self.failure = errors.error("task_failed", "application", "it is broken")

    def feed(self):
        self.unfed_s = 0

    async def sleep(self, seconds):
        self.slept_s += seconds
        self.unfed_s += seconds
        self.longest_s = max(self.longest_s, self.unfed_s)


async def leave(how, row, cap_s=300, has_watchdog=True):
    """The system after it has left `how`."""
    system = System(row, cap_s, has_watchdog)
    real = leaving.asyncio
    names = ("sleep_ms", "wait_for", "current_task")
    leaving.asyncio = Group(sleep=system.sleep, **{name: getattr(real, name) for name in names})
    try:
        await how(system)
    finally:
        leaving.asyncio = real
    return system


async def test_the_first_crashes_restart_at_once_the_next_ones_later_and_later():
    for row, wait_s in ((0, 0), (1, 0), (3, 0), (4, 2), (5, 4), (6, 8), (7, 16), (11, 256), (12, 300), (255, 300)):
        equal((row, (await leave(leaving.restart_after_crash, row)).slept_s), (row, wait_s))
    equal((await leave(leaving.restart_after_crash, 255, cap_s=10)).slept_s, 10)


async def test_a_start_that_failed_before_it_knew_its_settings_waits_too():
    for has_watchdog in (True, False):
        equal((await leave(leaving.restart_after_crash, 20, None, has_watchdog)).slept_s, 300)


async def test_while_it_waits_the_watchdog_is_fed_the_log_tells_of_it_and_the_start_is_not_forgiven():
    left = await leave(leaving.restart_after_crash, 9)
    equal(left.longest_s, 1)
    equal(left.calls, ["system: 9 starts in a row did not last, the next one is in 64 s", "reset"])
    equal(left.good_from_ms, None)


async def test_a_wanted_restart_never_waits():
    left = await leave(leaving.restart, 255)
    equal((left.slept_s, left.calls), (0, ["a new day", "reset"]))


async def test_an_outage_is_noted_before_the_cloud_is_left():
    class Road:
        async def rest(self, seconds):
            noted.append((seconds, len(system.supervisor.owned)))

    async def serve(owned):
        await asyncio.sleep(60)

    for how, seconds in ((leaving.restart, [(0, 1)]), (leaving.restart_after_crash, [(0, 1)])):
        noted, system = [], System(1, 300, False)
        system.road = Road()
        system.supervisor.own("cloud", serve)
        await how(system)
        equal((noted, system.calls[-1]), (seconds, "reset"))


async def test_a_task_that_ends_after_its_time_is_no_death_on_the_way_out():
    died = []

    async def slow(owned):
        try:
            await asyncio.sleep(60)
        finally:
            await asyncio.sleep_ms(80)

    for names, stays in ((None, True), (("slow",), False)):
        supervisor = Supervisor(events.Bus(), None, lambda *what: died.append(what))
        supervisor.own("slow", slow)
        await asyncio.sleep_ms(0)
        equal(await leaving.stop_tasks(supervisor, 20 if stays else 1000, names), not stays)
        equal(supervisor.stopping, stays)
        await asyncio.sleep_ms(120)
    equal(died, [])
