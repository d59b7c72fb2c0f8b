"""What follows from failures: another try, or the end of the whole job. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tools.cloud.jobs.states import FAILED, REJECTED, TIMED_OUT

_ABORTING = {"FAILED": (FAILED,), "REJECTED": (REJECTED,), "TIMED_OUT": (TIMED_OUT,)}
_ABORTING["ALL"] = (FAILED, REJECTED, TIMED_OUT)
_RETRIED = {"FAILED": (FAILED,), "TIMED_OUT": (TIMED_OUT,), "ALL": (FAILED, TIMED_OUT)}


def may_retry(config: Mapping, statuses: Sequence[str]) -> bool:
    """May a thing try again, whose executions of the job have ended so? The last one is the one at hand."""
    for criterion in config.get("criteriaList", ()):
        kinds = _RETRIED[criterion["failureType"]]
        if statuses[-1] in kinds:
            return sum(status in kinds for status in statuses) <= criterion["numberOfRetries"]
    return False


def abort_reason(config: Mapping, counts: Mapping[str, int]) -> str | None:
    """Why a job with so many things in each state is to be aborted; None: it is not.

    As the API reference has it, `minNumberOfExecutedThings` is of things that were notified.
    """
    notified = sum(counts.values())
    for criterion in config.get("criteriaList", ()):
        failed = sum(counts.get(status, 0) for status in _ABORTING[criterion["failureType"]])
        if notified < criterion["minNumberOfExecutedThings"]:
            continue
        if failed and 100 * failed / notified >= criterion["thresholdPercentage"]:
            return f"{failed} of {notified} executions ended as {criterion['failureType']}"
    return None
