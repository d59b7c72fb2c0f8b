"""Finds the handler of a job that job_start.py has picked up, or ends the job where there is none. Loaded for that."""

import asyncio

from micropython import const

import errors
import events

from .job import Job

_TICK_MS = const(200)


async def find(jobs, execution, resumed, refusal):
    """(`Job`, its handler) for job_work.py; None where the cloud knows already how it ended. Errors: those of
    `Service.ask`."""
    job = Job(jobs, execution, resumed)
    execution = None  # memory is short
    if refusal is not None:
        await job.reject(refusal)
    elif job.outcome is not None:  # it ended before a restart, and the cloud does not know yet
        await job.tell_outcome()
    else:
        jobs.bus.emit(events.JOB_RECEIVED, job=job.id, operation=job.operation, resumed=job.resumed)
        if job.operation is None:
            await job.reject("bad_document")
        elif job.resumed and not await job.count():
            await job.fail("restarts")
        else:
            handler = await _handler(jobs, job)
            return None if handler is None else (job, handler)
    return None


async def _handler(jobs, job):
    """The handler of the job; None when the job was ended for want of one."""
    while True:
        try:
            handler = jobs.handlers.get(job.operation) or jobs.find(job.operation)
        except errors.DeviceError as failure:
            await job.reject(failure.code, failure.message)
            return None
        if handler is not None:
            return handler
        if not jobs.with_application:
            await job.fail("no_application")
            return None
        if jobs.grace_ms <= 0:
            await job.reject("unknown_operation")
            return None
        jobs.grace_ms -= _TICK_MS
        await asyncio.sleep_ms(_TICK_MS)
