"""Picks up a job. A file of its own: job_handler.py is loaded only when the document has had its memory."""

import asyncio
import json
import random
import sys

import errors

from .link import borrow

_QUEUED = "QUEUED"


async def pick_up(jobs, summary):
    """(execution, whether it was begun before, why it is refused or None), in progress from now on; None when there is
    nothing to do any more. `summary`: the execution without its document. Errors: those of `Service.ask`."""
    resumed = summary["status"] != _QUEUED
    if not resumed:
        # A job for all devices must not make them all ask for it, and for what it links to, at once.
        await asyncio.sleep_ms(random.randint(0, jobs.timeouts.job_jitter_s * 1000))
    elif _needs_no_document(jobs, summary):
        return summary, True, None  # there may be no memory for it
    try:
        execution = (await jobs.ask("start-next", {"stepTimeoutInMinutes": jobs.step_minutes})).get("execution")
    except errors.BugError:  # the answer was larger than the receive buffer
        return summary, resumed, "too_large"
    if _is_too_deep(execution):
        return summary, resumed, "too_large"
    if not execution or execution["jobId"] != summary["jobId"]:
        return None  # it has changed meanwhile: look again
    return execution, resumed, None


def _needs_no_document(jobs, summary):
    """Whether flash knows how it ended, in words to which the document would add nothing; or the handler, which goes on
    without it."""
    try:
        record = json.loads(jobs.flash.load("job")[1])
        if record["job"] != borrow("job_words").identity(summary):
            return False
        if record["outcome"] is None:
            return jobs.with_application and "_resumes_as" in record["kept"]  # mode OTA, which has none, does not
        details = record["outcome"][1]
        return "reason" not in details or "message" in details  # else its sentence may name the operation
    except (errors.StorageError, TypeError, ValueError, KeyError):
        return False


def _is_too_deep(execution):
    import nesting

    del sys.modules["nesting"]
    return nesting.too_deep(execution)
