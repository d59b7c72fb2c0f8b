"""Tells the cloud about a `Job`: how far it is, and how it ended. Loaded for each time.

job_words is unloaded before the cloud is asked: a small chip has no room for both.
"""

import asyncio

from micropython import const

import errors
import events

from .link import borrow

_AGAIN_MS = const(5000)
_QUEUED, _IN_PROGRESS, _SUCCEEDED = "QUEUED", "IN_PROGRESS", "SUCCEEDED"
_MAX_PAIRS = const(10)  # of details: that of job_words.py, which is not in memory here


async def progress(job, details):
    """As `Job.progress`."""
    job.details, request = _request(job, _IN_PROGRESS, details)
    if not job.jobs.ready.is_set():
        return
    try:
        if not await _update(job, request):
            job.jobs.news.set()  # job_work looks, and cancels the handler
    except errors.RetryError:
        pass


async def outcome(job):
    """As `Job.tell_outcome`."""
    status, details = job.outcome
    details, request = _last_request(job, status, details)
    told = None
    while told is None:
        await job.jobs.ready.wait()
        try:
            told = await _update(job, request)
        except errors.RetryError:
            await asyncio.sleep_ms(_AGAIN_MS)  # for as long as it takes: the handler is not run again
    job.gone = not told
    if job.gone:
        cancelled(job)
    else:
        _emit(job, status, {} if status == _SUCCEEDED else details)


def cancelled(job):
    """Emit that it was cancelled, or is gone for another reason."""
    _emit(job, "CANCELED", {"reason": "cancelled"})


def _emit(job, status, details):
    why = {name: details[name] for name in ("reason", "message") if name in details}
    job.jobs.bus.emit(events.JOB_FINISHED, job=job.id, status=status, **why)


async def _update(job, request):
    """Whether the cloud took it; False when the execution is no longer ours. Errors: those of `Service.ask`."""
    try:
        await _ask(job, request)
    except errors.CloudError as failure:
        # An answer was lost, or somebody else has changed it: what the cloud has is what counts.
        state = getattr(failure, "answer", {}).get("executionState")
        if failure.code != "rejected" or not state:
            if _is_gone(failure):
                return False
            raise
        if state["status"] == request["status"] != _IN_PROGRESS:
            return True
        if state["status"] not in (_QUEUED, _IN_PROGRESS):
            return False
        request["expectedVersion"] = job.version = state["versionNumber"]
        await _ask(job, request)
    return True


async def _ask(job, request):
    await job.jobs.ask(job.id + "/update", request)
    job.version += 1


# Not in the coroutines, whose frames would keep the module in memory. It is loaded once for each request.


def _last_request(job, status, details):
    """As `_request`, with what was told on the way as far as there is room: how it ended comes first.

    A `reason` without a `message` gets its sentence.
    """
    if "reason" in details and not details.get("message"):
        details["message"] = borrow("job_reasons").sentence(details["reason"], job.operation)
    older = [name for name in job.details if name not in details]
    return _request(job, status, details, older)


def _request(job, status, details, older=()):
    """(all details as AWS takes them, the request that tells them): dicts."""
    merged = dict(job.details)
    merged.update(details)
    while len(merged) > _MAX_PAIRS and older:
        merged.pop(older.pop())
    words = borrow("job_words")
    merged = words.details(merged)
    return merged, words.update(status, merged, job.version, job.jobs.step_minutes)


def _is_gone(failure):
    return borrow("job_words").is_gone(failure)
