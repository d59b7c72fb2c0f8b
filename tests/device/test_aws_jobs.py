"""AWS IoT Jobs on the device: from the news of one to its end, whatever happens in between."""

import asyncio
import json

import errors
import events
from harness import equal
from jobs_desk import JobsDesk
from scripted_broker import until

COMPANIONS = ["tls_servers"]
TIMEOUT_S = 20


async def test_a_job_is_announced_done_and_told_as_succeeded():
    done = []

    async def blink(job):
        await job.progress(50, led="red")
        done.append((job.id, job.document["times"], job.resumed))

    async with JobsDesk() as desk:
        desk.jobs.on("blink", blink)
        await until(desk.jobs.ready.is_set)
        desk.add("one", {"operation": "blink", "times": 3})
        await desk.announce()
        await until(lambda: desk.status("one") == "SUCCEEDED")
        equal(done, [("one", 3, False)])
        details = {"percent": "50", "led": "red"}
        equal(desk.statuses("one"), [("IN_PROGRESS", details), ("SUCCEEDED", details)])
        await until(lambda: desk.of(events.JOB_FINISHED))
        equal(desk.of(events.JOB_RECEIVED), [{"job": "one", "operation": "blink", "resumed": False}])
        equal(desk.of(events.JOB_FINISHED), [{"job": "one", "status": "SUCCEEDED"}])


async def test_a_plain_function_does_a_job_too():
    done = []
    desk = JobsDesk()
    for name in ("one", "two"):
        desk.add(name, {"operation": name})
    async with desk:
        desk.jobs.on("one", lambda job: done.append(job.id))
        desk.jobs.on("two", lambda job: done)  # what it returns means nothing
        await until(lambda: desk.status("two") == "SUCCEEDED")
        equal((desk.status("one"), done), ("SUCCEEDED", ["one"]))


async def test_what_waits_when_it_connects_is_done_in_order():
    done = []

    async def blink(job):
        done.append(job.id)

    desk = JobsDesk()
    desk.add("one", {"action": "blink"})
    desk.add("two", {"action": "blink"})
    async with desk:
        desk.jobs.on("blink", blink)
        await until(lambda: desk.status("two") == "SUCCEEDED")
        equal(done, ["one", "two"])


async def test_steps_and_progress_have_the_time_that_the_settings_give():
    async def blink(job):
        await job.progress(1)

    desk = JobsDesk(job_step_s=600)
    desk.add("one", {"operation": "blink"})
    async with desk:
        desk.jobs.on("blink", blink)
        await until(lambda: desk.status("one") == "SUCCEEDED")
    asked = [document for end, document in desk.asked if end in ("start-next", "one/update")]
    equal([document.get("stepTimeoutInMinutes") for document in asked], [10, 10, None])


async def test_a_handler_that_raises_has_failed_with_the_reason():
    async def blink(job):
        raise ValueError("no such LED")

    async def measure(job):
        raise errors.error("no_network", "home")

    desk = JobsDesk()
    desk.add("one", {"operation": "blink"})
    desk.add("two", {"operation": "measure"})
    async with desk:
        desk.jobs.on("blink", blink)
        desk.jobs.on("measure", measure)
        await until(lambda: desk.status("two") == "FAILED")
        equal(desk.details("one"), {"reason": "task_failed", "message": "ValueError: no such LED"})
        equal(desk.details("two")["reason"], "no_network")


async def test_a_handler_may_fail_or_reject_by_itself():
    async def fail(job):
        await job.progress(10)
        await job.fail("the lamp is hot")

    async def reject(job):
        await job.reject("no_lamp", "There is no lamp.")
        raise ValueError("after the end: nobody's business")

    desk = JobsDesk()
    desk.add("one", {"operation": "fail"})
    desk.add("two", {"operation": "reject"})
    async with desk:
        desk.jobs.on("fail", fail)
        desk.jobs.on("reject", reject)
        await until(lambda: desk.status("two") == "REJECTED")
        equal(desk.status("one"), "FAILED")
        equal(desk.details("one"), {"percent": "10", "reason": "the lamp is hot"})
        equal(desk.details("two"), {"reason": "no_lamp", "message": "There is no lamp."})


async def test_what_nobody_does_is_rejected_but_the_application_has_time_to_say_what_it_does():
    async def late(job):
        pass

    desk = JobsDesk()
    desk.add("one", {"operation": "late"})
    desk.add("two", {"operation": "dance"})
    desk.add("three", {"say": "hello"})
    async with desk:
        await until(lambda: desk.of(events.JOB_RECEIVED))
        desk.jobs.on("late", late)
        await until(lambda: desk.status("three") == "REJECTED")
        equal(desk.status("one"), "SUCCEEDED")
        equal(
            desk.details("two"),
            {"reason": "unknown_operation", "message": "Nothing on this device does the operation 'dance'."},
        )
        equal(desk.details("three")["reason"], "bad_document")


async def test_without_the_application_its_jobs_fail_and_may_be_tried_again():
    desk = JobsDesk(with_application=False)
    desk.add("one", {"operation": "blink"})
    async with desk:
        await until(lambda: desk.status("one") == "FAILED")
        equal(desk.details("one")["reason"], "no_application")


async def test_an_operation_of_the_firmware_is_found_and_one_that_is_not_allowed_is_rejected():
    def find(name):
        if name == "reset":
            raise errors.error("not_allowed", name)
        return handler if name == "restart" else None

    async def handler(job):
        pass

    desk = JobsDesk(find)
    desk.add("one", {"operation": "restart"})
    desk.add("two", {"operation": "reset"})
    async with desk:
        await until(lambda: desk.status("two") == "REJECTED")
        equal(desk.status("one"), "SUCCEEDED")
        equal(desk.details("two")["reason"], "not_allowed")


# Restarts


async def test_a_job_is_resumed_after_a_restart_with_what_was_told_and_kept():
    seen = []
    begun = asyncio.Event()

    async def copy(job):
        seen.append((job.resumed, dict(job.details), dict(job.kept)))
        if not job.resumed:
            await job.progress(30, file="a")
            await job.keep(offset=4096)
            begun.set()
            await asyncio.sleep(60)

    desk = JobsDesk()
    desk.add("one", {"operation": "copy"})
    async with desk:
        desk.jobs.on("copy", copy)
        await asyncio.wait_for(begun.wait(), 5)
        await desk.restart()
        desk.jobs.on("copy", copy)
        await until(lambda: desk.status("one") == "SUCCEEDED")
        equal(seen, [(False, {}, {}), (True, {"percent": "30", "file": "a"}, {"offset": 4096})])


async def test_what_has_ended_is_not_done_again_when_the_cloud_missed_it():
    done = []

    async def blink(job):
        done.append(job.id)
        desk.lost = 1  # the answer to the last update, and then the power is cut

    desk = JobsDesk()
    desk.add("one", {"operation": "blink"})
    async with desk:
        desk.jobs.on("blink", blink)
        await until(lambda: desk.statuses("one") and not desk.lost)
        desk.executions["one"].update(status="IN_PROGRESS", versionNumber=2)  # nor did the update itself arrive
        await desk.restart()
        await until(lambda: desk.status("one") == "SUCCEEDED")
        equal(done, ["one"])


async def test_how_it_ended_comes_before_what_was_told_on_the_way():
    async def talk(job):
        await job.progress(**{"old%d" % n: n for n in range(8)})
        await job.succeed(**{"new%d" % n: n for n in range(9)})

    desk = JobsDesk()
    desk.add("one", {"operation": "talk"})
    async with desk:
        desk.jobs.on("talk", talk)
        await until(lambda: desk.status("one") == "SUCCEEDED")
        details = desk.details("one")
        equal((len(details), all("new%d" % n in details for n in range(9))), (10, True))


async def test_a_job_that_never_ends_its_restarts_fails():
    begun = []

    async def crash(job):
        begun.append(job.resumed)
        await job.keep()
        await asyncio.sleep(60)

    desk = JobsDesk()
    desk.add("one", {"operation": "crash"})
    async with desk:
        desk.jobs.on("crash", crash)
        await until(lambda: begun and desk.flash.kept)
        record = json.loads(desk.flash.kept["job"][1])
        record["tries"] = 9  # restarts until now
        desk.flash.kept["job"] = (b"", json.dumps(record).encode())
        await desk.restart()
        desk.jobs.on("crash", crash)
        await until(lambda: len(begun) == 2)
        await desk.restart()
        await until(lambda: desk.status("one") == "FAILED")
        equal(desk.details("one")["reason"], "restarts")
        equal(begun, [False, True])


async def test_a_job_that_bounds_its_restarts_itself_goes_on():
    async def update(job):
        if not job.resumed:
            await job.keep(bounded=True)
            await asyncio.sleep(60)

    desk = JobsDesk()
    desk.add("one", {"operation": "update"})
    async with desk:
        desk.jobs.on("update", update)
        await until(lambda: desk.flash.kept)
        record = json.loads(desk.flash.kept["job"][1])
        record["tries"] = 40
        desk.flash.kept["job"] = (b"", json.dumps(record).encode())
        await desk.restart()
        desk.jobs.on("update", update)
        await until(lambda: desk.status("one") == "SUCCEEDED")


async def test_a_job_with_a_used_name_is_another_job():
    done = []

    async def blink(job):
        done.append(dict(job.kept))
        await job.keep(seen=True)

    desk = JobsDesk()
    desk.add("one", {"operation": "blink"})
    async with desk:
        desk.jobs.on("blink", blink)
        await until(lambda: desk.status("one") == "SUCCEEDED")
        desk.add("one", {"operation": "blink"}, queuedAt=1700009999)
        await desk.announce()
        await until(lambda: desk.status("one") == "SUCCEEDED")
        equal(done, [{}, {}])
