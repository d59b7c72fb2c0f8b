"""The report on the device's health, where nobody answers."""

import asyncio
import builtins

import errors
import events
import health
import health_reports
from fakes import Group
from harness import equal
from supervisor import SILENCE_MS

REPORT = {"time": 1, "version": "1.0.0", "uptime_s": 1, "connections": 1, "stall_ms": 1, "messages_dropped": 0}
REPORT["starts"] = {"number": 1, "row": 1}
REPORT["wifi"] = {"rssi": -50}
REPORT["heap"] = {"gc_free": 1, "idf_free": 1, "idf_largest": 1}


def exhausted(system):
    raise MemoryError


async def test_a_report_for_which_there_is_no_memory_is_left_out():
    health._report = exhausted
    system = Group(settings=Group(health=Group(to="defender")), identity=Group(name="lamp"))
    equal((await health.tell(system)).code, "no_memory")


async def test_no_memory_for_what_makes_the_report_restarts_nothing_either():
    usual, bus = builtins.__import__, events.Bus()
    heard = bus.listen(events.TASK_FAILED)

    def short(name, *how):
        if name == "health":
            raise MemoryError
        return usual(name, *how)

    system = Group(settings=Group(health=Group(every_s=3600)), aws=Group(is_connected=True), bus=bus)
    builtins.__import__ = short
    try:
        reports = asyncio.create_task(health_reports.report(system, Group(beat=lambda: None)))
        event = await heard.get()
    finally:
        builtins.__import__ = usual
    equal((event.data["task"], event.data["code"], reports.done()), ("health", "no_memory", False))
    reports.cancel()


async def test_nor_does_no_memory_to_tell_that():
    told = []

    def emit(name, **data):
        told.append(name)
        raise MemoryError

    usual, asleep = health_reports._health, asyncio.sleep
    system = Group(settings=Group(health=Group(every_s=3600)), aws=Group(is_connected=True), bus=Group(emit=emit))
    health_reports._health = lambda: exhausted(system)
    asyncio.sleep = lambda _: asleep(0)
    try:
        reports = asyncio.create_task(health_reports.report(system, Group(beat=lambda: None)))
        while len(told) < 2 and not reports.done():
            await asleep(0)
    finally:
        health_reports._health, asyncio.sleep = usual, asleep
    equal((len(told), reports.done()), (2, False))
    reports.cancel()


class Cut:
    """A cloud that was lost: what is published waits for as long as it may."""

    async def publish(self, topic, payload, qos, timeout_s=60):
        self.waited_ms = timeout_s * 1000
        raise errors.error("not_connected")


async def test_a_report_that_is_not_taken_is_no_task_that_hangs():
    system = Group(aws=Cut(), identity=Group(name="lamp"), settings=Group(health=Group(to="defender")))
    health._report = lambda _: REPORT
    equal((await health.tell(system)).code, "not_connected")
    # Before that it may have waited for its turn, ten seconds at most.
    equal(system.aws.waited_ms + 10000 < SILENCE_MS, True)


def test_what_is_not_known_is_no_metric():
    custom = health.metrics(dict(REPORT, wifi={"rssi": None}))["custom_metrics"]
    equal(("rssi" in custom, custom["starts"]), (False, [{"number": 1}]))


async def test_a_fleet_does_not_report_together_for_ever():
    waits, asleep = [], asyncio.sleep

    async def tell(system):
        waits.append(0)

    async def sleep(seconds):
        waits[-1] += seconds
        await asleep(0)

    system = Group(settings=Group(health=Group(every_s=3600)), aws=Group(is_connected=True))
    module, loaded = health_reports.asyncio, health_reports._health
    health_reports.asyncio, health_reports._health = Group(sleep=sleep), lambda: Group(tell=tell)
    try:
        reports = asyncio.create_task(health_reports.report(system, Group(beat=lambda: None)))
        while len(waits) < 6:
            await asleep(0)
        reports.cancel()
    finally:
        health_reports.asyncio, health_reports._health = module, loaded
    spent = waits[:5]
    equal((min(spent) >= 2700, max(spent) <= 4500, max(spent) - min(spent) > 1), (True, True, True))
