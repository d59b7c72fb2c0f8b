"""What the handler of a job may count on, though flash or memory refuses something meanwhile."""

import builtins

import errors
from aws.client import Aws
from harness import equal, raises
from jobs_desk import JobsDesk
from scripted_broker import until

COMPANIONS = ["tls_servers"]
TIMEOUT_S = 20


async def done_by(handler, desk):
    """What the cloud was told about a job that this handler does."""
    desk.add("one", {"operation": "blink"})
    async with desk:
        desk.jobs.on("blink", handler)
        await until(lambda: desk.status("one") not in ("QUEUED", "IN_PROGRESS"))
    return desk.statuses("one")


async def test_what_flash_does_not_take_is_not_kept():
    kept, desk = [], JobsDesk()
    save = desk.flash.save

    async def blink(job):
        await job.keep(step=1)
        for failure in (errors.error("flash_full", "job"), MemoryError()):

            async def fail(name, *data, failure=failure):
                desk.flash.save = save
                raise failure

            desk.flash.save = fail
            await raises(type(failure), job.keep(step=2, restarting=True))
            kept.append(dict(job.kept))

    equal(await done_by(blink, desk), [("SUCCEEDED", {})])
    equal(kept, [{"step": 1}] * 2)


async def test_progress_that_there_is_no_memory_to_tell_comes_with_the_next_one():
    usual = builtins.__import__

    def short(name, *how):
        if name == "aws.job_telling":
            builtins.__import__ = usual
            raise MemoryError
        return usual(name, *how)

    async def blink(job):
        builtins.__import__ = short
        await job.progress(20, part="first")
        await job.progress(40)

    try:
        told = await done_by(blink, JobsDesk())
    finally:
        builtins.__import__ = usual
    details = {"percent": "40", "part": "first"}
    equal(told, [("IN_PROGRESS", details), ("SUCCEEDED", details)])


async def test_jobs_begin_as_soon_as_there_is_memory_to_subscribe_to_them():
    desk, short = JobsDesk(), []
    attach = Aws.attach

    def crowded(aws, service, more=()):
        if len(short) < 2:
            short.append(service.base)
            raise MemoryError
        attach(aws, service, more)

    async def blink(job):
        pass

    Aws.attach = crowded
    try:
        equal(await done_by(blink, desk), [("SUCCEEDED", {})])
    finally:
        Aws.attach = attach
    equal(short, ["jobs"] * 2)
