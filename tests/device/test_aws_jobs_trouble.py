"""AWS IoT Jobs when the cloud changes its mind, does not answer, or sends what cannot be done."""

import asyncio

import aws.asking
import events
from chip_ticks import Ticks
from harness import equal
from jobs_desk import JobsDesk
from scripted_broker import until

COMPANIONS = ["tls_servers"]
TIMEOUT_S = 20


async def test_a_cancelled_job_ends_its_handler_and_the_next_one_follows():
    steps = []

    async def copy(job):
        steps.append("begun")
        try:
            await asyncio.sleep(60)
        finally:
            steps.append("cleaned up, gone %s" % job.gone)

    async def blink(job):
        steps.append("blink")

    desk = JobsDesk()
    desk.add("one", {"operation": "copy"})
    async with desk:
        desk.jobs.on("copy", copy)
        desk.jobs.on("blink", blink)
        await until(lambda: steps)
        desk.executions["one"]["status"] = "CANCELED"
        desk.add("two", {"operation": "blink"})
        await desk.announce()
        await until(lambda: desk.status("two") == "SUCCEEDED")
        equal(steps, ["begun", "cleaned up, gone True", "blink"])
        await until(lambda: len(desk.of(events.JOB_FINISHED)) == 2)
        equal(desk.of(events.JOB_FINISHED)[0]["status"], "CANCELED")
        equal(desk.statuses("one"), [])


async def test_a_cancellation_is_noticed_by_the_update_that_is_refused():
    after = []

    async def copy(job):
        desk.executions["one"]["status"] = "TIMED_OUT"
        await job.progress(50)
        await asyncio.sleep(60)
        after.append("not cancelled")

    desk = JobsDesk()
    desk.add("one", {"operation": "copy"})
    async with desk:
        desk.jobs.on("copy", copy)
        await until(lambda: desk.of(events.JOB_FINISHED))
        equal(desk.of(events.JOB_FINISHED)[0]["status"], "CANCELED")
        equal(after, [])


async def test_the_end_of_a_job_that_is_gone_is_taken_as_it_is():
    async def blink(job):
        desk.executions.pop("one")  # deleted by force

    desk = JobsDesk()
    desk.add("one", {"operation": "blink"})
    async with desk:
        desk.jobs.on("blink", blink)
        await until(lambda: desk.of(events.JOB_FINISHED))
        equal(desk.of(events.JOB_FINISHED)[0]["status"], "CANCELED")


async def test_somebody_else_s_update_does_not_stop_ours():
    told = []

    async def copy(job):
        desk.executions["one"]["versionNumber"] += 3
        await job.progress(50)
        told.append(desk.details("one"))

    desk = JobsDesk()
    desk.add("one", {"operation": "copy"})
    async with desk:
        desk.jobs.on("copy", copy)
        await until(lambda: desk.status("one") == "SUCCEEDED")
        equal(told, [{"percent": "50"}])


async def test_a_handler_that_has_told_its_end_may_clean_up_whatever_news_there_are():
    after = []

    async def blink(job):
        await job.succeed()
        await desk.announce()
        await asyncio.sleep_ms(200)
        after.append(job.gone)

    desk = JobsDesk()
    desk.add("one", {"operation": "blink"})
    async with desk:
        desk.jobs.on("blink", blink)
        await until(lambda: after)
    equal(after, [False])


async def test_an_end_that_is_told_while_the_cloud_is_asked_for_news_is_no_cancellation():
    asking, after = [], []

    async def blink(job):
        await desk.announce()
        await until(lambda: asking)
        await job.succeed()
        await asyncio.sleep_ms(200)
        after.append(job.gone)

    desk = JobsDesk()
    desk.add("one", {"operation": "blink"})
    async with desk:
        ask = desk.jobs.ask

        async def overtaken(operation, *details):
            if operation == "one/get":
                asking.append(operation)
                await until(lambda: desk.status("one") == "SUCCEEDED")
            return await ask(operation, *details)

        desk.jobs.ask = overtaken
        desk.jobs.on("blink", blink)
        await until(lambda: not desk.jobs.working and asking)
        equal((after, [event["status"] for event in desk.of(events.JOB_FINISHED)]), ([False], ["SUCCEEDED"]))


async def test_news_that_come_twice_or_at_work_do_no_harm():
    done = []

    async def blink(job):
        await desk.announce()
        await asyncio.sleep_ms(100)
        done.append(job.id)
        await desk.announce()

    desk = JobsDesk()
    desk.add("one", {"operation": "blink"})
    async with desk:
        desk.jobs.on("blink", blink)
        await until(lambda: desk.status("one") == "SUCCEEDED")
        await desk.announce()
        await asyncio.sleep_ms(300)
        equal(done, ["one"])


async def test_a_document_that_does_not_fit_is_rejected_and_does_not_block_the_others():
    async def blink(job):
        pass

    desk = JobsDesk(receive_buffer=1024)
    desk.add("one", {"operation": "blink", "text": "x" * 2000})
    desk.add("two", {"operation": "blink"})
    async with desk:
        desk.jobs.on("blink", blink)
        await desk.announce()
        await until(lambda: desk.status("two") == "SUCCEEDED")
        equal((desk.status("one"), desk.details("one")["reason"]), ("REJECTED", "too_large"))


async def test_a_document_that_is_nested_without_end_is_rejected_and_does_not_block_the_others():
    done = []

    async def blink(job):
        done.append(job.id)

    desk = JobsDesk(receive_buffer=6144)
    deep = []
    for _ in range(400):
        deep = [deep]
    desk.add("one", {"operation": "blink", "deep": deep})
    desk.add("two", {"operation": "blink"})
    async with desk:
        desk.jobs.on("blink", blink)
        await desk.announce()
        await until(lambda: desk.status("two") == "SUCCEEDED")
        equal((desk.status("one"), desk.details("one")["reason"], done), ("REJECTED", "too_large", ["two"]))


async def test_an_end_for_whose_note_there_is_no_memory_is_told_and_the_handler_not_run_again():
    done = []

    async def blink(job):
        done.append(job.id)

    desk = JobsDesk()
    save = desk.flash.save

    async def short(name, *data):
        if b"SUCCEEDED" in data[1]:
            desk.flash.save = save
            raise MemoryError
        await save(name, *data)

    desk.flash.save = short
    desk.add("one", {"operation": "blink"})
    desk.add("two", {"operation": "blink"})
    async with desk:
        desk.jobs.on("blink", blink)
        await until(lambda: desk.status("two") == "SUCCEEDED")
        equal((done, desk.status("one"), desk.flash.save == save), (["one", "two"], "SUCCEEDED", True))


async def test_too_many_details_are_the_handler_s_fault():
    async def blink(job):
        await job.progress(**{"detail%d" % n: n for n in range(11)})

    desk = JobsDesk()
    desk.add("one", {"operation": "blink"})
    async with desk:
        desk.jobs.on("blink", blink)
        await until(lambda: desk.status("one") == "FAILED")
        equal(desk.details("one")["reason"], "limit")


async def test_after_an_hour_in_which_the_cloud_seemed_to_forbid_it_a_job_is_asked_for_again():
    done, waits = [], []
    clock, wait_before, time_before = Ticks(), asyncio.wait_for_ms, aws.asking.time

    async def blink(job):
        done.append(job.id)

    async def quickly(what, wait_ms):
        if wait_ms < 30000:
            return await wait_before(what, wait_ms)
        waits.append(wait_ms)
        clock.now_ms += wait_ms
        return await wait_before(what, 10)

    desk = JobsDesk()
    desk.cuts = 5
    desk.add("one", {"operation": "blink"})
    asyncio.wait_for_ms, aws.asking.time = quickly, clock
    try:
        async with desk:
            desk.jobs.on("blink", blink)
            await until(lambda: done)
            told = [event["code"] for event in desk.of(events.TASK_FAILED)]
            equal((set(told), waits.count(3600000) > 0, desk.cuts), ({"not_authorised"}, True, 0))
    finally:
        asyncio.wait_for_ms, aws.asking.time = wait_before, time_before
