"""The road to the cloud where the flash is full for a while: what has worked is noted all the same, later."""

import asyncio

import errors
import events
import road
import road_outcome
from fakes import Group
from harness import equal
from test_road import Identity, System


class Full(Identity):
    """The flash has room to confirm it only at the `tries`th try."""

    trial = "none"

    def __init__(self, tries):
        self.tries = tries

    async def confirm(self):
        await super().confirm()
        if self.confirmed < self.tries:
            raise errors.error("flash_full", "settings")
        self.trial = None


class Quick:
    """asyncio, in which waiting takes no time; `slept`: seconds."""

    slept = 0

    def __getattr__(self, name):
        return getattr(asyncio, name)

    async def sleep_ms(self, wait_ms):
        self.slept += wait_ms / 1000
        await asyncio.sleep_ms(0)


async def noted(system, until_s):
    """Connect, take notes for so many seconds."""
    quick = road.asyncio = Quick()
    try:
        noting = asyncio.create_task(road.Road(system).keep_notes(Group(beat=lambda: None)))
        await asyncio.sleep_ms(0)
        system.bus.emit(events.AWS_CONNECTED)
        while quick.slept < until_s and not noting.done():
            await asyncio.sleep_ms(0)
        equal(noting.done(), False)
        noting.cancel()
    finally:
        road.asyncio = asyncio


async def test_what_has_worked_is_noted_as_soon_as_there_is_room_for_it():
    system = System()
    system.identity = Full(4)
    await noted(system, 400)
    equal((system.identity.confirmed, system.identity.trial), (4, None))


async def test_a_flash_that_stays_full_is_not_worn_out_by_it():
    system = System()
    system.identity = Full(10000)
    await noted(system, 86400)
    equal(150 < system.identity.confirmed < 200, True)


async def test_a_device_without_memory_begins_anew_though_that_cannot_be_noted_but_rarely():
    system = System(is_connected=False)
    made, failures = road.Road(system), 0
    made._is_known = True
    crowded = Group(name=events.AWS_DISCONNECTED, data={"code": "no_memory", "message": ""})

    async def refuse(name, secret, bulk=b""):
        raise errors.error("flash_full", name)

    system.flash.save = refuse
    while not system.left and failures < 1000:
        failures += 1
        try:
            await road_outcome.note(made, crowded)
        except errors.StorageError:
            pass
    equal((system.left, failures, system.board.left_more), ("restart_requested", 192, 1))


async def test_what_has_worked_is_not_noted_once_it_does_not_any_more():
    system = System(is_connected=False)
    system.settings.timeouts.candidate_s = 86400
    system.identity = Full(2)
    await noted(system, 400)
    equal((system.identity.confirmed, system.identity.trial), (1, "none"))
