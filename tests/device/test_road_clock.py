"""The time on the road to the cloud: which is kept for later starts, and when the clock is doubted."""

import asyncio

import errors
import events
import notes
import road
from fakes import Flash, Group
from harness import equal
from test_road import System


class Clock:
    """The hand that has the clock, at `time`."""

    def __init__(self, time):
        self.time = time
        self.set = []

    def now(self):
        return self.time

    def keep_time(self, seconds, not_before, source):
        if not 1700000000 < seconds < 3000000000:
            raise errors.error("invalid_setting", "time", seconds, "today")
        self.set.append((seconds, not_before, source))
        self.time = seconds


_NOW = 1800000000
_DAY = 86400


async def after_connecting(flash, clock_s, told, jumps_s=0):
    """What was set, and the last time known, of a device that the cloud tells the time; `jumps_s`: a time server has
    set the clock ahead in between."""
    system = System()
    system.flash, system.wifi = flash, Clock(clock_s)
    noting = asyncio.create_task(road.Road(system).keep_notes(Group(beat=lambda: None)))
    await asyncio.sleep_ms(0)
    system.bus.emit(events.AWS_CONNECTED)
    await asyncio.sleep_ms(220)
    system.wifi.time += jumps_s
    system.aws.jobs.time = told
    await asyncio.sleep_ms(220)
    equal(noting.done(), False)
    noting.cancel()
    return system.wifi.set, notes.last_known_time(flash)


async def test_the_last_time_known_is_what_the_cloud_has_told():
    flash = Flash()
    equal(await after_connecting(flash, _NOW + 5, None), ([], 0))  # no jobs, no time
    equal(await after_connecting(flash, _NOW + 5, _NOW), ([], _NOW))
    equal(await after_connecting(flash, _NOW + 3600, _NOW + 3600), ([], _NOW))  # once a day
    equal(await after_connecting(flash, _NOW + 2 * _DAY, _NOW + 2 * _DAY), ([], _NOW + 2 * _DAY))
    equal(await after_connecting(flash, _NOW + 4 * _DAY, (_NOW + 4 * _DAY) * 1000 + 69), ([], _NOW + 4 * _DAY))


async def test_a_time_server_that_lies_by_weeks_is_not_kept_and_the_clock_goes_back():
    flash = Flash()
    lie = _NOW + 40 * _DAY
    equal(await after_connecting(flash, lie, _NOW), ([(_NOW, _NOW - _DAY, "cloud")], _NOW))
    equal((await after_connecting(flash, lie, _NOW - 2 * _DAY))[1], _NOW)  # it never goes back itself


async def test_a_time_later_than_the_certificate_was_judged_by_is_not_kept():
    for clock_s, jumps_s in ((_NOW, 0), (_NOW, 20 * 365 * _DAY)):  # alone, or as the time server beside it
        flash = Flash()
        await after_connecting(flash, clock_s, _NOW + 20 * 365 * _DAY, jumps_s)
        equal(notes.last_known_time(flash), 0)


async def test_a_certificate_that_the_clock_does_not_fit_lets_the_time_be_asked_for():
    for code, doubts in (("server_cert_expired", 1), ("server_cert_not_yet_valid", 1), ("port_blocked", 0)):
        system, doubted = System(is_connected=False), []
        system.wifi = Group(doubt_clock=doubted.append)
        noting = asyncio.create_task(road.Road(system).keep_notes(Group(beat=lambda: None)))
        await asyncio.sleep_ms(50)
        system.bus.emit(events.AWS_DISCONNECTED, code=code, message="")
        await asyncio.sleep_ms(250)
        noting.cancel()
        equal((code, len(doubted)), (code, doubts))


async def test_what_is_no_time_is_no_end_of_the_notes():
    for told in ("today", [], {}, True, 10**40, -(10**40), 1.5e30, 1.8e9):
        equal((await after_connecting(Flash(), _NOW, told)), ([], 0))
