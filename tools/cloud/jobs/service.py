"""Jobs over MQTT: `$aws/things/THING/jobs/get`, `/start-next`, `/ID/get`, `/$next/get`, `/ID/update`.

Answers go to the asking connection only, on TOPIC/accepted or TOPIC/rejected, whether it subscribed or not. ("Jobs
device MQTT API operations", AWS IoT Core developer guide)
"""

from __future__ import annotations

import json
import re

from tools.cloud import shapes, strict_json
from tools.cloud.aws_errors import (
    AwsError,
    InvalidRequest,
    InvalidStateTransition,
    ResourceNotFound,
    TerminalState,
    Throttling,
    VersionConflict,
)
from tools.cloud.interfaces import Client, Log
from tools.cloud.jobs.data import JobsData
from tools.cloud.service_models import service_models

_JOBS = re.compile(r"\$aws/things/([^/]+)/jobs/(.+)")
_GET, _START_NEXT, _OF_ONE = "get", "start-next", re.compile(r"([^/]+)/(get|update)")
_CODES = {
    InvalidRequest: "InvalidRequest",
    ResourceNotFound: "ResourceNotFound",
    InvalidStateTransition: "InvalidStateTransition",
    VersionConflict: "VersionMismatch",
    TerminalState: "TerminalStateReached",
    Throttling: "RequestThrottled",
}
_REASONS = {429: ("RequestThrottled", "Rate exceeded"), 500: ("InternalError", "Internal service failure")}


class _Rejected(Exception):
    def __init__(self, code: str, message: str):
        super().__init__(message)
        self.code = code


class JobsService:
    """`interfaces.Service` of the topics above."""

    name = "jobs"
    in_flight = None

    def __init__(self, data: JobsData, log: Log):
        self._data = data
        self._log = log
        self._models = service_models()

    def claims(self, topic: str) -> bool:
        return _JOBS.fullmatch(topic) is not None

    async def handle(self, client: Client, topic: str, payload: bytes) -> None:
        token = {}
        try:
            request = _read(payload)
            token = _token(request)
            end, answer = "accepted", self._answer(topic, request)
        except _Rejected as error:
            end, answer = "rejected", {"code": error.code, "message": str(error)}
        except AwsError as error:
            end, answer = "rejected", {"code": _CODES.get(type(error), "InternalError"), "message": error.message}
            if getattr(error, "state", None) is not None:
                answer["executionState"] = error.state
        self._reply(client, topic, end, {**token, **answer})

    def refuse(self, client: Client, topic: str, payload: bytes, status: int) -> None:
        try:
            token = _token(_read(payload))
        except _Rejected:
            token = {}
        code, message = _REASONS[status]
        self._reply(client, topic, "rejected", {**token, "code": code, "message": message})

    def _reply(self, client: Client, topic: str, end: str, answer: dict) -> None:
        if end == "rejected":
            self._log("job_request_rejected", client_id=client.client_id, topic=topic, **answer)
        document = {"timestamp": self._data.now(), **answer}
        client.reply(f"{topic}/{end}", strict_json.encode(document))

    def _answer(self, topic: str, request: dict) -> dict:
        thing, verb = _JOBS.fullmatch(topic).groups()
        if verb == _GET:
            return self._data.pending(self._checked("GetPendingJobExecutions", request, thingName=thing))
        if verb == _START_NEXT:
            answer = self._data.start_next(self._checked("StartNextPendingJobExecution", request, thingName=thing))
        elif (one := _OF_ONE.fullmatch(verb)) is None:
            raise _Rejected("InvalidTopic", f"No operation of AWS IoT Jobs has the topic {topic}")
        elif one[2] == "get":
            answer = self._data.describe(self._checked("DescribeJobExecution", request, thingName=thing, jobId=one[1]))
        else:
            answer = self._data.update(self._checked("UpdateJobExecution", request, thingName=thing, jobId=one[1]))
        return _with_document_as_object(answer)

    def _checked(self, operation: str, request: dict, **path: str) -> dict:
        """The parameters of an operation of `iot-jobs-data`, checked by its model, wherever HTTP would carry them."""
        shape = self._models.operation("iot-jobs-data", operation).input_shape
        return shapes.read_structure({**request, **path}, shape)


def _read(payload: bytes) -> dict:
    try:
        request = strict_json.loads(payload.decode() or "{}")
    except ValueError:  # a UnicodeDecodeError is one
        raise _Rejected("InvalidJson", "The payload is not valid JSON in UTF-8") from None
    if not isinstance(request, dict):
        raise _Rejected("InvalidJson", "The payload is not a JSON object")
    return request


def _token(request: dict) -> dict:
    token = request.pop("clientToken", None)
    if token is None:
        return {}
    if not isinstance(token, str):
        raise _Rejected("InvalidRequest", "clientToken must be a string")
    return {"clientToken": token}


def _with_document_as_object(answer: dict) -> dict:
    """Over MQTT the job document is part of the JSON, over HTTP it is text."""
    if "jobDocument" in answer:
        return {**answer, "jobDocument": json.loads(answer["jobDocument"])}
    execution = answer.get("execution", {})
    if "jobDocument" in execution:
        return {**answer, "execution": {**execution, "jobDocument": json.loads(execution["jobDocument"])}}
    return answer
