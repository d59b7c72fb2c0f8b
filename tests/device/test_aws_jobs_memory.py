"""What a job leaves of the memory of a small chip: for the handler, for the network, and when it is over."""

import asyncio
import builtins
import sys
import time

import events
from aws import jobs
from harness import equal, raises
from jobs_desk import JobsDesk
from scripted_broker import until

COMPANIONS = ["tls_servers"]
TIMEOUT_S = 20


def files_of_jobs():
    return sorted(name for name in sys.modules if name.startswith("aws.job") and name != "aws.jobs")


async def test_what_tells_the_cloud_is_not_in_memory_while_the_handler_works_nor_anything_afterwards():
    loaded = []

    async def blink(job):
        await job.progress(50)
        loaded.append(files_of_jobs())

    async with JobsDesk() as desk:
        for document in ({"operation": "blink"}, {"operation": "dance"}):
            desk.jobs.on("blink", blink)
            desk.add(document["operation"], document)
            await desk.announce()
            await until(lambda: desk.status(document["operation"]) in ("SUCCEEDED", "REJECTED"))
            await until(lambda: not desk.jobs.working)
            loaded.append(files_of_jobs())
    equal(loaded, [[], [], []])


async def connected(calm_ms, look):
    """What `look(desk)` finds where a job waits for a device that has just connected."""
    usual = jobs.CALM_MS
    desk = JobsDesk()
    desk.add("one", {"operation": "dance"})
    async with desk:
        jobs.CALM_MS = calm_ms
        try:
            await until(lambda: desk.jobs.working)
            return await look(desk)
        finally:
            jobs.CALM_MS = usual


async def test_a_connection_that_has_just_begun_is_let_settle_before_its_jobs():
    async def look(desk):
        began_ms = time.ticks_ms()
        await until(lambda: len(desk.asked) > 1)
        return time.ticks_diff(time.ticks_ms(), began_ms) >= 250

    equal(await connected(300, look), True)


async def test_that_there_is_a_job_is_known_before_that_so_that_nobody_sends_the_device_to_sleep():
    async def look(desk):
        return [end for end, _ in desk.asked]

    equal(await connected(60000, look), ["$next/get"])


async def test_news_for_which_there_is_no_memory_do_not_end_the_handler():
    begun, may_end = [], asyncio.Event()

    async def blink(job):
        begun.append(job.id)
        await may_end.wait()

    async with JobsDesk() as desk:
        desk.jobs.on("blink", blink)
        desk.add("one", {"operation": "blink"})
        await desk.announce()
        await until(lambda: begun)
        ask, starved = desk.jobs.ask, []

        def ask_where_there_is_memory(operation, *details):
            if operation == "one/get" and not starved:
                starved.append(operation)
                raise MemoryError
            return ask(operation, *details)

        desk.jobs.ask = ask_where_there_is_memory
        await desk.announce()
        await until(lambda: starved)
        await asyncio.sleep_ms(100)
        may_end.set()
        await until(lambda: desk.status("one") == "SUCCEEDED")
    equal(begun, ["one"])


def starved_of(missing):
    """An import for which there is no memory where it is `missing`."""
    before = builtins.__import__

    def starved(name, *how):
        if name == missing:
            raise MemoryError
        return before(name, *how)

    return starved


async def waits_of_an_end_that_cannot_be_told(desk):
    """How long in all (s), until that is the affair of a new start."""
    waited = []
    import_before, sleep_before = builtins.__import__, asyncio.sleep_ms

    def quickly(wait_ms):
        waited.append(wait_ms)
        return sleep_before(min(wait_ms, 250))

    await until(lambda: desk.jobs.working)
    builtins.__import__, asyncio.sleep_ms = starved_of("aws.job_telling"), quickly
    try:
        await raises(MemoryError, asyncio.wait_for(desk._running, 15))
    finally:
        builtins.__import__, asyncio.sleep_ms = import_before, sleep_before
    return waited.count(5000) * 5


async def test_an_end_that_cannot_be_told_is_kept_for_a_new_start_which_tells_it_and_does_nothing_again():
    done = []

    async def blink(job):
        done.append(job.id)
        await job.succeed(note="ä" * 200, count=3, none=None)

    desk = JobsDesk()
    desk.add("one", {"operation": "blink"})
    async with desk:
        desk.jobs.on("blink", blink)
        waited_s = await waits_of_an_end_that_cannot_be_told(desk)
        equal((done, desk.status("one"), waited_s), (["one"], "IN_PROGRESS", 20))
        await desk.restart()
        equal(await waits_of_an_end_that_cannot_be_told(desk), 120)  # a new start is not followed by the next so soon
        await desk.restart()
        await until(lambda: desk.status("one") == "SUCCEEDED")
        equal((done, desk.details("one")), (["one"], {"note": "ä" * 128, "count": "3"}))


async def told_by_a_new_start(end):
    """What a new start asks the cloud where a handler ended its job so (`end(job)`), and the job's last details."""
    desk = JobsDesk()
    desk.add("one", {"operation": "blink"})
    async with desk:
        desk.jobs.on("blink", end)
        await waits_of_an_end_that_cannot_be_told(desk)
        desk.asked.clear()
        await desk.restart()
        await until(lambda: desk.status("one") != "IN_PROGRESS")
        return [end for end, _ in desk.asked][:2], desk.status("one"), desk.details("one")


async def test_an_end_that_is_on_flash_is_told_without_the_document_for_which_there_may_be_no_memory():
    async def succeeds(job):
        await job.succeed(count=3)

    async def fails(job):
        await job.fail("too_hot", "81 degrees")

    shortly = ["$next/get", "one/update"]
    equal(await told_by_a_new_start(succeeds), (shortly, "SUCCEEDED", {"count": "3"}))
    equal(await told_by_a_new_start(fails), (shortly, "FAILED", {"reason": "too_hot", "message": "81 degrees"}))


async def test_where_the_sentence_of_an_end_names_the_operation_the_document_is_asked_for():
    async def rejects(job):
        await job.reject("unknown_operation")

    asked, status, details = await told_by_a_new_start(rejects)
    equal((asked, status), (["$next/get", "start-next"], "REJECTED"))
    equal(details["message"], "Nothing on this device does the operation 'blink'.")


async def test_an_end_that_can_neither_be_told_nor_kept_is_tried_for_minutes():
    done = []

    async def blink(job):
        done.append(job.id)

    desk = JobsDesk()
    desk.add("one", {"operation": "blink"})
    save = desk.flash.save

    async def short(name, *data):
        if b"SUCCEEDED" in data[1]:
            raise MemoryError
        await save(name, *data)

    desk.flash.save = short
    async with desk:
        desk.jobs.on("blink", blink)
        waited_s = await waits_of_an_end_that_cannot_be_told(desk)
        equal((waited_s, done, desk.status("one")), (120, ["one"], "IN_PROGRESS"))


async def test_an_end_that_was_kept_after_all_is_left_to_a_new_start():
    desk = JobsDesk()
    desk.add("one", {"operation": "blink"})
    save, failed = desk.flash.save, []

    async def short(name, *data):
        if b"SUCCEEDED" in data[1] and len(failed) < 3:
            failed.append(name)
            raise MemoryError
        await save(name, *data)

    async def blink(job):
        pass

    desk.flash.save = short
    async with desk:
        desk.jobs.on("blink", blink)
        equal((await waits_of_an_end_that_cannot_be_told(desk), len(failed)), (35, 3))


async def test_jobs_for_which_there_is_never_memory_are_the_affair_of_a_new_start():
    waited, before, wait_before = [], jobs.borrow, asyncio.wait_for_ms

    def no_memory(*_):
        raise MemoryError

    async def nothing_new(waiting, wait_ms):
        if wait_ms != 30000:
            return await wait_before(waiting, wait_ms)
        waiting.close()
        waited.append(wait_ms)
        raise asyncio.TimeoutError

    desk = JobsDesk()
    desk.add("one", {"operation": "blink"})
    jobs.borrow, asyncio.wait_for_ms = no_memory, nothing_new
    try:
        async with desk:
            await raises(MemoryError, asyncio.wait_for(desk._running, 15))
            equal([event["code"] for event in desk.of(events.TASK_FAILED)], ["no_memory"] * 20)
    finally:
        jobs.borrow, asyncio.wait_for_ms = before, wait_before
    equal(len(waited), 20)


async def test_a_job_is_looked_for_again_though_there_was_no_memory_to_wait_for_news():
    borrow, wait_before, sleep_before = jobs.borrow, asyncio.wait_for_ms, asyncio.sleep_ms
    short, slept = [], []

    def no_memory(*names):
        if len(short) < 2:
            short.append(True)
            raise MemoryError
        return borrow(*names)

    def wait(waiting, wait_ms):
        if wait_ms == 30000:
            waiting.close()
            no_memory()
        return wait_before(waiting, wait_ms)

    def quickly(wait_ms):
        slept.append(wait_ms)
        return sleep_before(min(wait_ms, 250))

    desk = JobsDesk()
    desk.add("one", {"operation": "dance"})
    jobs.borrow, asyncio.wait_for_ms, asyncio.sleep_ms = no_memory, wait, quickly
    try:
        async with desk:
            await until(lambda: desk.status("one") == "REJECTED")
    finally:
        jobs.borrow, asyncio.wait_for_ms, asyncio.sleep_ms = borrow, wait_before, sleep_before
    equal((len(short), slept.count(30000)), (2, 1))
