"""Update jobs as they are now: followed, listed, cancelled."""

from __future__ import annotations

import json

from tools.release.account import Account, told
from tools.release.follow import Follower
from tools.release.publish import PREFIX
from tools.release.screen import Screen
from tools.release.trouble import DONE, INTERRUPTED, NOT_ALL

_EVERY_S = 3.0
_EVERY_LOCAL_S = 0.5
_SHOWN = 50
_COUNTS = {
    "numberOfSucceededThings": "have it",
    "numberOfInProgressThings": "at work",
    "numberOfQueuedThings": "wait",
    "numberOfFailedThings": "failed",
    "numberOfRejectedThings": "refused",
    "numberOfTimedOutThings": "timed out",
    "numberOfCanceledThings": "cancelled",
}


def follow(screen: Screen, account: Account, job_id: str, version: str) -> int:
    """Watch a job to its end. The exit code: 0 when every device has the update."""
    follower = Follower(account, job_id)
    try:
        state = screen.watch(follower.states(_EVERY_LOCAL_S if account.is_local else _EVERY_S))
    except KeyboardInterrupt:
        screen.say(f'\nThe job goes on. To watch it again:  make release ARGS="follow {job_id} {account.options}"')
        screen.say(f'To cancel it:                        make release ARGS="cancel {job_id} {account.options}"')
        return INTERRUPTED
    screen.outcome(state, version)
    return DONE if state.succeeded() else NOT_ALL


def version_of(account: Account, job_id: str) -> str:
    """The version that a job brings."""
    with told():
        return _version(account, job_id)


def _version(account: Account, job_id: str) -> str:
    document = json.loads(account.iot.get_job_document(jobId=job_id)["document"])
    return document.get("version", "?") if isinstance(document, dict) else "?"


def show(screen: Screen, account: Account, everything: bool) -> None:
    """A table of the update jobs, the newest first."""
    with told():
        pages = account.iot.get_paginator("list_jobs").paginate()
        found = [job for page in pages for job in page["jobs"] if job["jobId"].startswith(PREFIX)]
        if not everything:
            found = [job for job in found if job["status"] in ("IN_PROGRESS", "SCHEDULED")]
        found.sort(key=lambda job: job["createdAt"], reverse=True)
        rows = [row for job in found[:_SHOWN] if (row := _row(account, job)) is not None]
    if not rows:
        screen.say(f"No update job{'' if everything else ' is going on'} in {account.where}.")
        return
    screen.table(["job", "version", "since", "", "devices"], rows)


def cancel(screen: Screen, account: Account, job_id: str, force: bool) -> None:
    """Cancel a job; by force for devices at work, too."""
    with told():
        account.iot.cancel_job(jobId=job_id, force=force, comment="cancelled by python -m tools release")
    screen.say(f"Job {job_id} is cancelled.")
    if not force:  # --force is too late now: AWS refuses to cancel a job twice
        screen.say("Devices that are at work go on. To stop one of them:")
        screen.say(f"  aws iot cancel-job-execution --force --job-id {job_id} --thing-name NAME")


def _row(account: Account, job: dict) -> list[str] | None:
    """What is told of a job; None when it was deleted since it was listed."""
    job_id = job["jobId"]
    try:
        details = account.iot.describe_job(jobId=job_id)["job"].get("jobProcessDetails", {})
        version = _version(account, job_id)
    except account.iot.exceptions.ResourceNotFoundException:
        return None
    counts = [f"{details[name]} {words}" for name, words in _COUNTS.items() if details.get(name)]
    since = job["createdAt"].astimezone().strftime("%Y-%m-%d %H:%M")
    return [job_id, version, since, job["status"].lower(), ", ".join(counts) or "none"]
