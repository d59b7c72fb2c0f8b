"""The clock: set by the first believable server, never backwards, asked again while joined."""

import asyncio
import time

import machine
import simulation

import clock
import errors
import events
import release
import wifi
from chip_ticks import DAY_MS, Ticks
from harness import equal, raises
from radio import Radio, online, world


async def unset_clock():
    radio = await online()
    simulation.board.use_chip_clock()
    return radio


async def test_clock_is_unset_after_power_on():
    radio = await unset_clock()
    equal((radio.wifi.clock_is_set, radio.wifi.now() // 86400), (False, 10957))  # 2000-01-01


async def test_clock_is_set_and_told():
    radio = await unset_clock()
    world.ntp_offset_s = release.BUILT + 1000 - unix()
    radio.names()
    seconds = await radio.wifi.set_clock(0)
    equal(abs(seconds - release.BUILT - 1000) <= 2, True)
    equal(abs(radio.wifi.now() - seconds) <= 1, True)
    equal(machine.RTC().datetime()[0] >= 2026, True)
    equal(radio.wifi.clock_is_set, True)
    event = await radio.seen.get()
    equal((event.name, event.data), (events.CLOCK_SET, {"time": seconds, "source": "time.aws.com"}))


def unix():
    """The desk's own time, to which the simulated time servers add their offset."""
    import utime

    return utime.time_ns() // 1000000000


async def test_next_time_server_is_asked():
    radio = await unset_clock()
    world.ntp_offset_s = release.BUILT + 1000 - unix()
    world.forget_name("time.aws.com")
    await radio.wifi.set_clock(0)
    equal((await radio.until(events.CLOCK_SET))["source"], "pool.ntp.org")


async def test_time_before_the_build_or_the_last_known_is_not_believed():
    for offset_s, not_before in ((-100, 0), (1000, release.BUILT + 5000)):
        radio = await unset_clock()
        world.ntp_offset_s = release.BUILT + offset_s - unix()
        error = await raises(errors.RetryError, radio.wifi.set_clock(not_before))
        equal((error.code, "cannot be" in error.message), ("no_ntp", True))
        equal(radio.wifi.clock_is_set, False)


async def test_clock_never_goes_behind_the_last_time_learnt():
    radio = await unset_clock()
    world.ntp_offset_s = release.BUILT + 90000 - unix()
    first = await radio.wifi.set_clock(0)
    world.ntp_offset_s -= 3600
    await raises(errors.RetryError, radio.wifi.set_clock(0))
    equal(radio.wifi.now() >= first, True)


async def test_hostile_time_servers_are_not_believed():
    for how in ("garbage", "wrong_id", "short", "kiss"):
        radio = await unset_clock()
        world.ntp_offset_s = release.BUILT + 1000 - unix()
        address = world.lookup("time.aws.com")
        radio.wifi._settings.servers = Addresses(address)
        world.hostile = how
        error = await raises(errors.RetryError, radio.wifi.set_clock(0))
        equal((error.code, radio.wifi.clock_is_set), ("no_ntp", False))
        equal("RATE" in error.message, how == "kiss")


class Addresses:
    def __init__(self, *ntp):
        self.ntp = ntp


async def test_silent_time_servers_and_silent_names_are_told_apart():
    radio = await unset_clock()
    world.ntp = False
    equal((await raises(errors.RetryError, radio.wifi.set_clock(0))).code, "no_ntp")
    world.dns = False
    world.dns_timeout_ms = 0
    equal((await raises(errors.RetryError, radio.wifi.set_clock(0))).code, "no_dns")


async def test_clock_is_asked_again_while_joined():
    radio = Radio(("home", "secret12"))
    world.access_point("home", "secret12")
    simulation.board.use_chip_clock()
    world.ntp_offset_s = release.BUILT + 1000 - unix()
    task = asyncio.create_task(radio.wifi.run(radio.beat))
    await radio.until(events.WIFI_CONNECTED)
    await radio.wifi.set_clock(0)
    radio.wifi._resync_in_ms = 1
    radio.names()
    world.ntp = False
    await asyncio.sleep_ms(1500)  # refused: the clock stays, and the task lives
    equal((radio.names(), radio.wifi._resync_in_ms), ([], 900000))  # in 15 minutes, not at each look
    world.ntp = True
    radio.wifi._resync_in_ms = 1
    equal((await radio.until(events.CLOCK_SET))["source"], "time.aws.com")
    task.cancel()


async def test_clock_kept_over_a_restart_is_asked_again_but_not_put_back():
    simulation.board.use_chip_clock()
    machine.RTC().datetime((2027, 6, 1, 1, 12, 0, 0, 0))
    radio = Radio(("home", "secret12"))
    world.access_point("home", "secret12")
    kept = radio.wifi.now()
    radio.wifi._resync_in_ms = 1
    world.ntp_offset_s = kept - 200000 - unix()
    task = asyncio.create_task(radio.wifi.run(radio.beat))
    await radio.until(events.WIFI_CONNECTED)
    await asyncio.sleep_ms(1000)
    equal((radio.names(), radio.wifi.now() >= kept), ([], True))
    world.ntp_offset_s = kept - 20 - unix()
    radio.wifi._resync_in_ms = 1
    seconds = (await radio.until(events.CLOCK_SET))["time"]
    equal(abs(seconds - kept) < 30, True)
    task.cancel()


async def test_a_clock_that_a_certificate_has_betrayed_goes_back():
    simulation.board.use_chip_clock()
    machine.RTC().datetime((2030, 6, 1, 5, 12, 0, 0, 0))
    radio = Radio(("home", "secret12"))
    world.access_point("home", "secret12")
    right = release.BUILT + 5000
    world.ntp_offset_s = right - unix()
    radio.wifi.doubt_clock(release.BUILT)
    task = asyncio.create_task(radio.wifi.run(radio.beat))
    seconds = (await radio.until(events.CLOCK_SET))["time"]
    equal((abs(seconds - right) < 30, radio.wifi._doubted), (True, False))
    task.cancel()


async def test_silent_name_servers_are_waited_for_once():
    radio = await unset_clock()
    asked = []

    async def silent(name, beat):
        asked.append(name)
        await asyncio.sleep_ms(100)
        raise errors.error("no_dns", name)

    radio.wifi.resolve = silent
    equal((await raises(errors.RetryError, radio.wifi.set_clock(0))).code, "no_dns")
    equal(asked, ["time.aws.com"])


async def test_a_time_server_whose_name_cannot_be_told_leaves_the_others_their_turn():
    radio = await unset_clock()
    world.ntp_offset_s = release.BUILT + 1000 - unix()
    resolve = radio.wifi.resolve

    async def servfail(name, beat):
        if name == "time.aws.com":
            raise errors.error("no_dns", name)  # at once: the name servers are there
        return await resolve(name, beat)

    radio.wifi.resolve = servfail
    await radio.wifi.set_clock(0)
    equal((await radio.until(events.CLOCK_SET))["source"], "pool.ntp.org")


async def test_a_phone_may_set_the_clock_but_not_before_what_is_known():
    radio = await unset_clock()
    for seconds, not_before in ((release.BUILT - 1, 0), (release.BUILT + 10, release.BUILT + 11), (3100000000, 0)):
        equal(raises(errors.PersonError, lambda: radio.wifi.keep_time(seconds, not_before)).code, "invalid_setting")
    equal(radio.wifi.clock_is_set, False)
    radio.wifi.keep_time(release.BUILT + 1000, 0)
    equal(abs(radio.wifi.now() - release.BUILT - 1000) <= 1, True)


async def test_the_cloud_may_put_back_a_clock_that_a_time_server_has_set_ahead():
    radio = await unset_clock()
    world.ntp_offset_s = release.BUILT + 50 * 86400 - unix()
    await radio.wifi.set_clock(0)
    radio.wifi.keep_time(release.BUILT + 3000, release.BUILT, "cloud")
    equal(abs(radio.wifi.now() - release.BUILT - 3000) <= 1, True)
    world.ntp_offset_s = release.BUILT + 3005 - unix()
    equal(abs(await radio.wifi.set_clock(0) - release.BUILT - 3005) <= 2, True)  # it is believed again


async def test_a_clock_that_a_restart_has_kept_is_checked_a_minute_later():
    radio = await unset_clock()
    radio.wifi.keep_time(release.BUILT + 1000, 0)
    world.ntp_offset_s = release.BUILT + 5000 - unix()
    await radio.until(events.CLOCK_SET)  # the phone's
    wifi.time = ticks = Ticks()
    radio.wifi._asked_time_ms = ticks.ticks_ms()
    task = asyncio.create_task(radio.wifi.run(lambda: None))
    try:
        await radio.until(events.WIFI_CONNECTED)
        await asyncio.sleep_ms(1200)  # beside a connection to the cloud that begins there is no memory for it
        equal(abs(radio.wifi.now() - release.BUILT - 1000) <= 5, True)
        ticks.now_ms += 60000
        await asyncio.wait_for(radio.until(events.CLOCK_SET), 2)
    finally:
        task.cancel()
        wifi.time = time
    equal(abs(radio.wifi.now() - release.BUILT - 5000) <= 5, True)


async def test_a_clock_that_a_restart_has_kept_is_not_checked_beside_a_connection_that_begins_late():
    radio = await unset_clock()
    radio.wifi.keep_time(release.BUILT + 1000, 0)
    world.ntp_offset_s = release.BUILT + 5000 - unix()
    radio.names()
    wifi.time = ticks = Ticks()
    radio.wifi._asked_time_ms = ticks.ticks_ms()
    ticks.now_ms += 300000  # so long was there no network
    task = asyncio.create_task(radio.wifi.run(lambda: None))
    try:
        await radio.until(events.WIFI_CONNECTED)
        await asyncio.sleep_ms(1200)
        equal(radio.names(), [])
        ticks.now_ms += 60000
        await asyncio.wait_for(radio.until(events.CLOCK_SET), 2)
    finally:
        task.cancel()
        wifi.time = time


async def test_after_an_outage_of_days_the_time_is_asked_for_at_once():
    for days in (8, 13):
        radio = await unset_clock()
        world.ntp_offset_s = release.BUILT + 1000 - unix()
        await radio.wifi.set_clock(0)
        wifi.time = ticks = Ticks()
        radio.wifi._asked_time_ms = ticks.ticks_ms()
        ticks.now_ms += int(days * DAY_MS)
        radio.names()
        task = asyncio.create_task(radio.wifi.run(radio.beat))
        try:
            await asyncio.wait_for(radio.until(events.CLOCK_SET), 2)
        finally:
            task.cancel()
            wifi.time = time


async def test_no_time_server_moves_a_clock_that_the_cloud_has_confirmed_by_more_than_it_can_drift():
    radio = await unset_clock()
    world.ntp_offset_s = offset_s = release.BUILT + 1000 - unix()
    right = await radio.wifi.set_clock(0)
    radio.wifi.clock_is_sure = True
    for wrong_s in (20 * 86400, 20 * 365 * 86400):
        world.ntp_offset_s = offset_s + wrong_s
        await clock.resync(radio.wifi, radio.beat)
        equal(radio.wifi.now() - right < 60, True)
    world.ntp_offset_s = offset_s + 3600
    await clock.resync(radio.wifi, radio.beat)
    equal(radio.wifi.now() - right >= 3600, True)
    radio.wifi.doubt_clock(0)  # a certificate knows better
    world.ntp_offset_s += 20 * 86400
    await clock.resync(radio.wifi, radio.beat)
    equal(radio.wifi.now() - right >= 20 * 86400, True)
