"""What a job leaves of the memory of a small chip: for the handler, for the network, and when it is over."""

import sys
import time

from aws import jobs
from harness import equal
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


async def test_a_connection_that_has_just_begun_is_let_settle_before_its_jobs():
    usual = jobs.CALM_MS
    desk = JobsDesk()
    desk.add("one", {"operation": "dance"})
    async with desk:
        jobs.CALM_MS = 300
        try:
            await until(desk.jobs.ready.is_set)
            began_ms = time.ticks_ms()
            await until(lambda: desk.asked)
            equal(time.ticks_diff(time.ticks_ms(), began_ms) >= 250, True)
        finally:
            jobs.CALM_MS = usual
