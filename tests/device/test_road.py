"""The road to the cloud: what is written down on the way, whatever moment it comes at, and waits of any length."""

import asyncio
import time

import events
import road
from harness import equal
from test_operations import Flash, Group


class Identity:
    trial = rotating = None
    confirmed = 0

    async def confirm(self):
        self.confirmed += 1


class Aws:
    is_connected = True


class Board:
    @staticmethod
    def uptime_ms():
        return time.ticks_ms()

    @staticmethod
    def reset_cause():
        return "power_on"


class System:
    """What it needs of the head."""

    def __init__(self):
        self.flash, self.bus, self.board = Flash(), events.Bus(), Board
        self.identity, self.aws = Identity(), Aws()
        self.wifi = Group(now=lambda: 1800000000)
        self.settings = Group(outbox=Group(place="memory"), timeouts=Group(candidate_s=60, offline_s=60))


class Busy(events.Bus):
    """A loop that is held up, by garbage for example, just when an event was taken."""

    def listen(self, *names, limit=16):
        listener = super().listen(*names, limit=limit)
        get = listener.get

        async def held_up():
            event = await get()
            time.sleep_ms(max(0, time.ticks_diff(self.until_ms, time.ticks_ms())))
            return event

        listener.get = held_up
        return listener


async def test_a_connection_is_noted_whatever_the_loop_is_at():
    system = System()
    system.bus = Busy()
    noting = asyncio.create_task(road.Road(system).keep_notes(Group(beat=lambda: None)))
    system.bus.until_ms = time.ticks_add(time.ticks_ms(), 1050)
    await asyncio.sleep_ms(900)
    system.bus.emit(events.AWS_CONNECTED)
    for _ in range(10):
        await asyncio.sleep_ms(100)
        if system.identity.confirmed:
            break
    noting.cancel()
    equal(system.identity.confirmed, 1)


async def test_a_wait_may_be_a_week():
    beats = []
    waiting = asyncio.create_task(road._sleep(604800000, lambda: beats.append(1)))
    await asyncio.sleep_ms(20)
    equal((waiting.done(), len(beats)), (False, 1))
    waiting.cancel()


async def test_a_wait_is_as_long_as_it_is_told():
    since_ms = time.ticks_ms()
    await road._sleep(30, lambda: None)
    equal(time.ticks_diff(time.ticks_ms(), since_ms) >= 25, True)
