"""An update brought to devices: the image into S3, a job for the things and groups it is meant for."""

from __future__ import annotations

import json
import re
import secrets
import time
from collections.abc import Sequence
from dataclasses import dataclass

from tools.release.account import LOCAL_BUCKET, LOCAL_ROLE, Account, told
from tools.release.trouble import Mistake, Refused

_LINK_S = 3600  # the longest that AWS IoT makes; a device asks for a fresh one when it needs it
_ABORT_MIN = 5  # devices
_ROLE = re.compile(r"arn:aws[a-z-]*:iam::\d{12}:role/\S+")
PREFIX = "ota-"  # of the ids of our jobs


@dataclass
class Rollout:
    """How fast, and when to stop. Percentages are of the devices that have ended; None leaves it to AWS."""

    per_minute: int | None = None
    start_per_minute: int | None = None
    increase: float | None = None
    increase_after: int | None = None
    abort_percent: float | None = None
    abort_min: int | None = None  # _ABORT_MIN, once there is an abort_percent
    timeout_minutes: int | None = None

    def settings(self) -> dict:
        """For CreateJob."""
        found: dict = {}
        growth = (self.start_per_minute, self.increase, self.increase_after)
        if any(growth) and not all(growth):  # what was asked for by half would be a fleet that updates all at once
            raise Mistake("--start-rate grows by --increase each --increase-after devices: say all three")
        if self.increase is not None and round(self.increase, 1) != self.increase:
            raise Mistake(f"--increase {self.increase}: AWS takes one decimal, such as {self.increase:.1f}")
        if self.per_minute and (self.start_per_minute or 0) > self.per_minute:
            raise Mistake(f"--start-rate {self.start_per_minute} is more than --rate {self.per_minute} allows")
        if self.abort_min is not None and self.abort_percent is None:
            raise Mistake(f"--abort-min {self.abort_min} is for --abort-above: say both")
        if self.per_minute or self.start_per_minute:
            found["jobExecutionsRolloutConfig"] = self._rollout()
        if self.abort_percent is not None:
            criterion = {"failureType": "ALL", "action": "CANCEL", "thresholdPercentage": self.abort_percent}
            criterion["minNumberOfExecutedThings"] = self.abort_min or _ABORT_MIN
            found["abortConfig"] = {"criteriaList": [criterion]}
        if self.timeout_minutes is not None:
            found["timeoutConfig"] = {"inProgressTimeoutInMinutes": self.timeout_minutes}
        return found

    def _rollout(self) -> dict:
        found: dict = {"maximumPerMinute": self.per_minute} if self.per_minute else {}
        if self.start_per_minute:
            growth = {"numberOfSucceededThings": self.increase_after}
            found["exponentialRate"] = {
                "baseRatePerMinute": self.start_per_minute,
                "incrementFactor": self.increase,
                "rateIncreaseCriteria": growth,
            }
        return found


@dataclass
class Place:
    """Where an image lies, and who may make links to it."""

    bucket: str
    key: str
    role: str

    def __str__(self) -> str:
        return f"s3://{self.bucket}/{self.key}"


def check(account: Account, bucket: str | None, role: str | None, names: Sequence[str]) -> None:
    """Raise Mistake where the command line does not say enough: before AWS is asked, or a passphrase is."""
    if not names:
        raise Mistake("for whom? Say --thing NAME or --group NAME, also several times")
    if not account.is_local and not (bucket and role):
        raise Mistake("for AWS say --bucket NAME and --role ARN (or set RELEASE_BUCKET and RELEASE_ROLE): docs/ota.md")
    if role and not _ROLE.fullmatch(role):
        raise Mistake(f"--role {role}: say its ARN, such as {LOCAL_ROLE}")


def place(bucket: str | None, role: str | None, document: dict) -> Place:
    """The object that holds the image of `document`; the local AWS IoT needs neither bucket nor role to be named."""
    hardware, version, digest = document["hardware"], document["version"], document["sha256"][:12]
    key = f"firmware/{hardware}/{version}-{digest}.bin".replace(":", "_").replace("+", "_")
    return Place(bucket or LOCAL_BUCKET, key, role or LOCAL_ROLE)


def upload(account: Account, where: Place, image: bytes) -> None:
    """Put the image there. The local AWS IoT gets its bucket, too."""
    with told():
        if account.is_local:
            account.s3.create_bucket(Bucket=where.bucket)
        account.s3.put_object(Bucket=where.bucket, Key=where.key, Body=image, ContentType="application/octet-stream")


def targets(account: Account, things: Sequence[str], groups: Sequence[str]) -> list[str]:
    """The ARNs of things and groups, each of which must exist."""
    found = []
    for name in things:
        try:
            with told():
                found.append(account.iot.describe_thing(thingName=name)["thingArn"])
        except Refused as error:
            raise _not_there(error, "thing", name, account) from error
    for name in groups:
        try:
            with told():
                found.append(account.iot.describe_thing_group(thingGroupName=name)["thingGroupArn"])
        except Refused as error:
            raise _not_there(error, "thing group", name, account) from error
    return found


def create_job(account: Account, where: Place, document: dict, arns: Sequence[str], rollout: Rollout) -> str:
    """Create the job; its id is returned."""
    link = f"https://s3.{account.region}.amazonaws.com/{where.bucket}/{where.key}"
    linked = {**document, "url": f"${{aws:iot:s3-presigned-url:{link}}}"}
    version = document["version"].replace(".", "-")
    job_id = f"{PREFIX}{version}-{time.strftime('%y%m%d%H%M%S')}-{secrets.token_hex(2)}"
    with told():
        account.iot.create_job(
            jobId=job_id,
            targets=list(arns),
            document=json.dumps(linked),
            description=f"Firmware {document['version']} for {document['hardware']}",
            presignedUrlConfig={"roleArn": where.role, "expiresInSec": _LINK_S},
            targetSelection="SNAPSHOT",
            **rollout.settings(),
        )
    return job_id


def _not_there(error: Refused, kind: str, name: str, account: Account) -> Exception:
    if "ResourceNotFoundException" in str(error):
        return Mistake(f"no {kind} is called {name!r} in {account.where}")
    return error
