"""What AWS refuses of a job's configuration beyond what its service model says. Raises InvalidRequest."""

from __future__ import annotations

import datetime
from collections.abc import Mapping

from tools.cloud.aws_errors import InvalidRequest, NotImplementedHere
from tools.cloud.jobs import documents

_MAX_TIMEOUT_MINUTES = 10_080
_MAX_PER_MINUTE = 1000
_MAX_RETRIES = 10
_NOTICE_S = 30 * 60  # the least time before a scheduled start, and between start and end
_YEAR_S = 365 * 24 * 3600
_TIME = "%Y-%m-%dT%H:%M"  # UTC


def check(document: str, configs: Mapping[str, object], now: float) -> None:
    """Raise InvalidRequest unless a job can be made of it."""
    documents.check(document)
    minutes = configs.get("timeoutConfig", {}).get("inProgressTimeoutInMinutes")
    if minutes is not None and not 1 <= minutes <= _MAX_TIMEOUT_MINUTES:
        raise InvalidRequest(f"inProgressTimeoutInMinutes must be between 1 and {_MAX_TIMEOUT_MINUTES}")
    if documents.has_links(document) and not configs.get("presignedUrlConfig", {}).get("roleArn"):
        raise InvalidRequest("A document with presigned links needs presignedUrlConfig with a roleArn")
    _check_rollout(configs.get("jobExecutionsRolloutConfig", {}))
    _check_criteria(configs)
    _check_schedule(configs.get("schedulingConfig", {}), now)


def seconds(time: str) -> float:
    """Unix seconds of a time in a schedule."""
    try:
        return datetime.datetime.strptime(time, _TIME).replace(tzinfo=datetime.timezone.utc).timestamp()
    except ValueError:
        raise InvalidRequest(f"{time!r} is not a time in the form YYYY-MM-DDThh:mm") from None


def _check_rollout(config: Mapping) -> None:
    if config.get("maximumPerMinute", 1) > _MAX_PER_MINUTE:
        raise InvalidRequest(f"maximumPerMinute must not exceed {_MAX_PER_MINUTE}")
    exponential = config.get("exponentialRate")
    if exponential is None:
        return
    if len(exponential["rateIncreaseCriteria"]) != 1:
        raise InvalidRequest("rateIncreaseCriteria must have numberOfNotifiedThings or numberOfSucceededThings")
    if exponential["baseRatePerMinute"] > config.get("maximumPerMinute", _MAX_PER_MINUTE):
        raise InvalidRequest("baseRatePerMinute must not exceed maximumPerMinute")
    _check_decimals("incrementFactor", exponential["incrementFactor"], 1)


def _check_criteria(configs: Mapping) -> None:
    for criterion in configs.get("abortConfig", {}).get("criteriaList", ()):
        if not 0 < criterion["thresholdPercentage"] <= 100:
            raise InvalidRequest("thresholdPercentage must be more than 0 and at most 100")
        _check_decimals("thresholdPercentage", criterion["thresholdPercentage"], 2)
    retries = configs.get("jobExecutionsRetryConfig", {}).get("criteriaList", ())
    kinds = [each["failureType"] for each in retries]
    if len(set(kinds)) != len(kinds) or ("ALL" in kinds and len(kinds) > 1):
        raise InvalidRequest("Criteria for retries must be of different failure types, and ALL stands alone")
    if sum(each["numberOfRetries"] for each in retries) > _MAX_RETRIES:
        raise InvalidRequest(f"There are at most {_MAX_RETRIES} retries in all")


def _check_decimals(name: str, number: float, most: int) -> None:
    if round(number, most) != number:
        raise InvalidRequest(f"{name} has at most {most} digit{'s' if most > 1 else ''} after the decimal point")


def _check_schedule(config: Mapping, now: float) -> None:
    if config.get("maintenanceWindows"):
        raise NotImplementedHere("maintenanceWindows is not part of the local AWS IoT")
    starts_at, ends_at = (config.get(name) and seconds(config[name]) for name in ("startTime", "endTime"))
    if starts_at is not None and starts_at < now + _NOTICE_S:
        raise InvalidRequest("startTime must be at least 30 minutes from now")
    if starts_at is not None and starts_at > now + _YEAR_S:
        raise InvalidRequest("startTime must be within a year from now")
    if ends_at is not None and ends_at < (starts_at or now) + _NOTICE_S:
        raise InvalidRequest("endTime must be at least 30 minutes after the start")
    if ends_at is not None and ends_at > now + 2 * _YEAR_S:
        raise InvalidRequest("endTime must be within two years from now")
    if "endBehavior" in config and ends_at is None:
        raise InvalidRequest("endBehavior needs an endTime")
