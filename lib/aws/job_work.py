"""Runs the handler of one job until it has ended, or the job is gone. Loaded for it.

The cloud keeps how far a job has come (its status details), flash keeps what only the device may know: the record "job"
has the execution's identity, how often it was begun, what the handler kept, and how it ended, until the cloud knows.
So a handler that has ended never runs again, whenever the power goes.
"""

import asyncio

from micropython import const

import errors

from .link import borrow

_TICK_MS = const(200)
_IN_PROGRESS = "IN_PROGRESS"
_STOP_MS = const(5000)  # for a handler to end when its job was cancelled


def begin(jobs, job, handler):
    """What job_handler.py has found, at work: a coroutine that returns when the handler has ended.

    Only the handler's task refers to the handler, so that the code of the firmware's own operations is freed then.
    """
    return _watch(jobs, job, asyncio.create_task(_guarded(jobs, job, handler)))


async def _watch(jobs, job, task):
    """Wait for the handler to end; cancel it when the cloud says that the job is gone."""
    try:
        while not job.ended:
            await jobs.news.wait()
            jobs.news.clear()
            # When the handler tells the end itself, also meanwhile, the job ends in the cloud, too: no cancellation.
            if not job.ended and job.outcome is None and await _is_gone(jobs, job) and job.outcome is None:
                job.gone = True
                task.cancel()
                await _end_of(job)
                break
    finally:
        task.cancel()


async def _guarded(jobs, job, handler):
    try:
        work = handler(job)
        if hasattr(work, "send"):  # a plain handler may return anything
            await work
    except asyncio.CancelledError:
        job.failure = errors.error("task_failed", job.operation, "cancelled")  # it awaited a task that was
    except Exception as failure:  # noqa: BLE001 - the handler's own fault: the job has failed, the device goes on
        jobs.bus.trace(failure)
        job.failure = failure
    finally:
        job.ended = True
        jobs.news.set()


async def _end_of(job):
    """Give a cancelled handler some time to clean up; then it is left alone."""
    for _ in range(_STOP_MS // _TICK_MS):
        if job.ended:
            return
        await asyncio.sleep_ms(_TICK_MS)


async def _is_gone(jobs, job):
    """Whether the cloud says that the job is not ours any more: cancelled, timed out or deleted."""
    try:
        answer = await jobs.ask(job.id + "/get", {"includeJobDocument": False})
    except errors.DeviceError as failure:
        return borrow("job_words").is_gone(failure)  # without a connection: the next one is news, too
    except MemoryError:
        return False  # its next update tells; the handler, which has the memory, goes on
    return answer["execution"]["status"] != _IN_PROGRESS
