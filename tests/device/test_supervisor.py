"""Owned tasks: their death is told and decided, and a silent one stops the feeding of the watchdog."""

import asyncio
import time

import errors
import events
import leaving
import supervisor
from harness import equal, raises
from supervisor import Supervisor


class House:
    """A supervisor with what it told and how often it fed."""

    def __init__(self):
        self.bus = events.Bus()
        self.heard = self.bus.listen()
        self.fed = 0
        self.deaths = []
        self.supervisor = Supervisor(self.bus, self.feed, self.died)

    def feed(self):
        self.fed += 1

    def died(self, name, failure):
        self.deaths.append((name, failure))


async def test_a_task_that_dies_is_an_event_and_a_decision():
    house = House()

    async def dies(owned):
        raise errors.error("no_dns", "example.com")

    house.supervisor.own("cloud", dies)
    event = await asyncio.wait_for(house.heard.get(), 1)
    equal(event.name, "task.failed")
    equal(event.data["task"], "cloud")
    equal(event.data["code"], "no_dns")
    equal(house.deaths[0][0], "cloud")


async def test_an_unexpected_exception_is_told_with_its_name_and_text():
    house = House()

    async def dies(owned):
        return [][3]

    house.supervisor.own("application", dies)
    event = await asyncio.wait_for(house.heard.get(), 1)
    equal(event.data["code"], "task_failed")
    assert "application" in event.data["message"] and "IndexError" in event.data["message"], event.data
    assert isinstance(house.deaths[0][1], IndexError)


async def test_a_death_for_which_there_is_no_memory_now_is_decided_a_moment_later():
    for silence_ms in (None, 60000):
        house = House()
        died = house.died

        def no_memory(name, failure, died=died):
            house.supervisor._died = died
            raise MemoryError

        async def dies(owned):
            raise MemoryError

        house.supervisor._died = no_memory
        owned = house.supervisor.own("cloud", dies, silence_ms)
        watch = asyncio.create_task(house.supervisor.watch())
        await raises(MemoryError, owned.task)
        await asyncio.wait_for(watch, 2)
        equal([name for name, _ in house.deaths], ["cloud"])
        equal(await leaving.stop_tasks(house.supervisor, 50), True)


class Clock:
    """Ticks that may jump."""

    ticks_add, ticks_diff = staticmethod(time.ticks_add), staticmethod(time.ticks_diff)
    skew_ms = 0

    def ticks_ms(self):
        return time.ticks_ms() + self.skew_ms


async def test_the_time_in_which_nobody_had_a_turn_is_nobodys_silence():
    house = House()

    async def beats(owned):
        while True:
            owned.beat()
            await asyncio.sleep_ms(400)

    supervisor.time = clock = Clock()
    house.supervisor.own("wifi", beats)
    watch = asyncio.create_task(house.supervisor.watch())
    try:
        await asyncio.sleep_ms(100)
        clock.skew_ms = 70000
        await asyncio.sleep_ms(700)
        equal((watch.done(), house.deaths), (False, []))
        equal(house.supervisor.longest_stall_ms > 69000, True)
    finally:
        supervisor.time = time
        watch.cancel()
    await leaving.stop_tasks(house.supervisor, 1000)


async def test_a_task_that_returns_has_finished_and_nobody_minds():
    house = House()

    async def works(owned):
        await asyncio.sleep_ms(0)

    house.supervisor.own("application", works, silence_ms=0)
    await asyncio.sleep_ms(20)
    watch = asyncio.create_task(house.supervisor.watch())
    await asyncio.sleep_ms(0)
    watch.cancel()
    equal((house.fed, house.deaths), (1, []))


async def test_the_watchdog_is_fed_while_every_task_beats():
    house = House()

    async def beats(owned):
        while True:
            owned.beat()
            await asyncio.sleep_ms(1)

    house.supervisor.own("wifi", beats, silence_ms=500)
    watch = asyncio.create_task(house.supervisor.watch())
    await asyncio.sleep_ms(20)
    watch.cancel()
    equal((house.fed, house.deaths), (1, []))
    await leaving.stop_tasks(house.supervisor, 1000)


async def test_one_silent_task_stops_the_feeding_and_is_named():
    house = House()

    async def hangs(owned):
        await asyncio.sleep(60)

    house.supervisor.own("wifi", hangs, silence_ms=5)
    await asyncio.sleep_ms(10)
    await asyncio.wait_for(house.supervisor.watch(), 1)
    equal(house.fed, 0)
    equal((house.deaths[0][0], house.deaths[0][1].code), ("wifi", "task_stuck"))
    await leaving.stop_tasks(house.supervisor, 1000)


async def test_an_unwatched_task_may_be_silent():
    house = House()

    async def waits(owned):
        await asyncio.sleep(60)

    house.supervisor.own("application", waits, silence_ms=None)
    watch = asyncio.create_task(house.supervisor.watch())
    await asyncio.sleep_ms(20)
    watch.cancel()
    equal(house.fed, 1)
    await leaving.stop_tasks(house.supervisor, 1000)


async def test_stop_ends_every_task_but_the_one_that_asks():
    house = House()
    ended = []

    async def waits(owned):
        try:
            await asyncio.sleep(60)
        finally:
            ended.append(owned.name)

    async def asks(owned):
        await asyncio.sleep_ms(0)
        equal(await leaving.stop_tasks(house.supervisor, 1000), True)
        ended.append("asked")

    house.supervisor.own("wifi", waits)
    house.supervisor.own("cloud", waits)
    await asyncio.wait_for(house.supervisor.own("application", asks).task, 2)
    equal(sorted(ended), ["asked", "cloud", "wifi"])
    equal(house.deaths, [])


async def test_a_task_that_has_not_begun_is_ended_at_once():
    house = House()

    async def runs(owned):
        await asyncio.sleep(60)

    house.supervisor.own("cloud", runs)
    equal(await leaving.stop_tasks(house.supervisor, 50), True)


async def test_a_task_for_which_there_is_no_memory_is_none():
    house = House()

    def no_memory(coroutine):
        coroutine.close()
        raise MemoryError

    async def runs(owned):
        await asyncio.sleep(60)

    before, asyncio.create_task = asyncio.create_task, no_memory
    try:
        raises(MemoryError, lambda: house.supervisor.own("cloud", runs))
    finally:
        asyncio.create_task = before
    equal((house.supervisor.owned, await leaving.stop_tasks(house.supervisor, 50)), ([], True))


async def test_stop_does_not_wait_for_ever_for_a_task_that_will_not_end():
    house = House()

    async def clings(owned):
        for _ in range(50):
            try:
                await asyncio.sleep_ms(20)
            except asyncio.CancelledError:
                pass

    owned = house.supervisor.own("application", clings)
    await asyncio.sleep_ms(0)
    equal(await leaving.stop_tasks(house.supervisor, 50), False)
    owned.task.cancel()
