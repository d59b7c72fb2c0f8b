"""Factory reset from afar: told before it is done, done whatever happens then, unless it was cancelled."""

import asyncio

import errors
import notes
from harness import equal, raises
from operations import dispatch, factory_reset
from test_operations import Job, Restarted, System


class Lines:
    def __init__(self):
        self.lines = ["what happened"]

    def clear(self):
        self.lines = []


async def test_a_whole_reset_forgets_the_log_too():
    for what, left in (("settings", 1), ("all", 0)):
        system = System("factory-reset")
        system.console.log = Lines()
        await raises(Restarted, dispatch.find(system, "factory-reset")(Job({"what": what})))
        equal(len(system.console.log.lines), left)


async def test_a_factory_reset_is_told_and_then_done():
    system = System("factory-reset")
    system.flash.kept.update(thing=(b"", b""), user=(b"", b""), code=(b"", b""))
    job = Job({"what": "all"})
    await raises(Restarted, dispatch.find(system, "factory-reset")(job))
    equal((job.outcome, sorted(system.flash.kept)), ("SUCCEEDED", ["code"]))


async def test_a_reset_that_was_cancelled_before_the_cloud_heard_of_it_is_not_done():
    system = System("factory-reset")
    system.flash.kept["thing"] = (b"", b"")

    class Cancelled(Job):
        async def succeed(self, **details):
            self.gone = True

    await dispatch.find(system, "factory-reset")(Cancelled({}))
    equal((sorted(system.flash.kept), system.steps), (["thing"], []))


async def test_a_reset_that_is_cancelled_while_it_is_noted_is_not_done_by_the_next_start():
    system, job = System("factory-reset"), Job({})
    system.flash.kept["thing"] = (b"", b"")
    save = system.flash.save

    async def interrupted(*record):
        await save(*record)
        if not job.gone:
            job.gone = True
            raise asyncio.CancelledError

    system.flash.save = interrupted
    await raises(asyncio.CancelledError, dispatch.find(system, "factory-reset")(job))
    await factory_reset.finish(system)
    equal((job.outcome, sorted(system.flash.kept), system.steps), (None, ["thing"], []))


async def test_a_reset_that_flash_refuses_is_told_and_leaves_the_device_at_work():
    system = System("factory-reset")
    heard = system.bus.listen()

    async def refuse(names):
        raise errors.error("flash_full", "erasing")

    system.flash.erase_all = refuse
    await notes.change(system.flash, reset="all")
    await factory_reset.finish(system)
    event = await heard.get()
    equal((event.name, event.data["code"], system.steps), ("task.failed", "flash_full", []))
    equal(notes.read(system.flash), {"reset": "all"})


async def test_a_power_cut_after_it_was_told_does_not_save_the_device_from_it():
    system = System("factory-reset")
    system.flash.kept["thing"] = (b"", b"")

    class PowerCut(Exception):
        pass

    class Cut(Job):
        async def succeed(self, **details):
            raise PowerCut

    await raises(PowerCut, dispatch.find(system, "factory-reset")(Cut({})))
    equal((sorted(system.flash.kept), notes.read(system.flash)), (["notes", "thing"], {"reset": "settings"}))
    await raises(Restarted, factory_reset.finish(system))
    equal(sorted(system.flash.kept), [])
    await factory_reset.finish(system)  # the next start has nothing to do
    equal(system.steps, ["restart"])
