"""A job followed to its end: what each device does, live."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from tools.release.account import Account, told
from tools.release.trouble import Refused

ENDED = ("SUCCEEDED", "FAILED", "TIMED_OUT", "REJECTED", "REMOVED", "CANCELED")
_GOING = ("QUEUED", "IN_PROGRESS")
_ASKED_AT_ONCE = 20  # details of so many devices in one round: AWS answers about ten a second
_TRIES = 5
_PERCENT = re.compile("[0-9]{1,3}")  # of what a device may say there, only this is shown


@dataclass(frozen=True)
class Progress:
    """How far one device is. `percent` None: it has not said; `words` is what it says, or why it ended."""

    thing: str
    status: str
    percent: int | None = None
    words: str = ""

    @property
    def is_over(self) -> bool:
        return self.status in ENDED


@dataclass
class State:
    """All of a job: its own status, and its devices by name."""

    status: str = "IN_PROGRESS"
    devices: dict[str, Progress] = field(default_factory=dict)

    @property
    def is_over(self) -> bool:
        return self.status in ("COMPLETED", "CANCELED", "DELETION_IN_PROGRESS") and not self.going()

    def going(self) -> list[Progress]:
        return [each for each in self.devices.values() if each.status in _GOING]

    def succeeded(self) -> bool:
        """Did every device end well?"""
        return bool(self.devices) and all(each.status == "SUCCEEDED" for each in self.devices.values())

    def counts(self) -> dict[str, int]:
        counted: dict[str, int] = {}
        for each in self.devices.values():
            counted[each.status] = counted.get(each.status, 0) + 1
        return counted


class Follower:
    """Looks at a job again and again. A passing trouble of the network is waited out."""

    def __init__(self, account: Account, job_id: str, sleep: Callable[[float], None] = time.sleep):
        self._iot = account.iot
        self._job_id = job_id
        self._sleep = sleep
        self._next = 0  # whose details are asked for next, when there are too many for one round
        self.state = State()

    def states(self, every_s: float) -> Iterator[State]:
        """The job's state, each time it was asked for, until it is over."""
        failures = 0
        while True:
            try:
                self.look()
                failures = 0
            except Refused:
                failures += 1
                if failures == _TRIES:
                    raise
            yield self.state
            if self.state.is_over:
                return
            self._sleep(every_s)

    def look(self) -> None:
        """Ask once."""
        with told():
            self.state.status = self._iot.describe_job(jobId=self._job_id)["job"]["status"]
            found = self._executions()
        known = self.state.devices
        for thing in known.keys() - found.keys():
            if not known[thing].is_over:  # somebody has deleted the thing, or this job of it
                known[thing] = Progress(thing, "REMOVED", None, "its job was deleted")
        for thing, status in found.items():
            if thing not in known or known[thing].status != status:
                old = known.get(thing)
                known[thing] = Progress(thing, status, old.percent if old else None)
        self._ask_details([each for each in found if not self._is_told(known[each])])

    def _executions(self) -> dict[str, str]:
        pages = self._iot.get_paginator("list_job_executions_for_job").paginate(jobId=self._job_id)
        latest: dict[str, tuple[int, str]] = {}
        for page in pages:
            for each in page["executionSummaries"]:
                thing = each["thingArn"].rpartition("/")[2]
                summary = each["jobExecutionSummary"]
                number = summary.get("executionNumber", 0)
                if number >= latest.get(thing, (0, ""))[0]:
                    latest[thing] = (number, summary["status"])
        return {thing: status for thing, (_, status) in sorted(latest.items())}

    @staticmethod
    def _is_told(device: Progress) -> bool:
        return device.status in ("QUEUED", "SUCCEEDED", "REMOVED") or (device.is_over and device.words != "")

    def _ask_details(self, things: list[str]) -> None:
        if not things:
            return
        start = self._next % len(things)
        asked = (things[start:] + things[:start])[:_ASKED_AT_ONCE]
        self._next = start + len(asked)
        for thing in asked:
            with told():
                execution = self._iot.describe_job_execution(jobId=self._job_id, thingName=thing)["execution"]
            details = execution.get("statusDetails", {}).get("detailsMap", {})
            self.state.devices[thing] = _progress(thing, execution["status"], details)


def _progress(thing: str, status: str, details: dict[str, str]) -> Progress:
    percent = details.get("percent", "")
    if status == "IN_PROGRESS":
        words = details.get("step", "")
    else:
        reason, message = details.get("reason", ""), details.get("message", "")
        words = f"{reason}: {message}" if reason and message else reason or message or status.lower()
    return Progress(thing, status, int(percent) if _PERCENT.fullmatch(percent) else None, words)
