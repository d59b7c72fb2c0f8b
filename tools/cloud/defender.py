"""Device Defender's metrics: `$aws/things/THING/defender/metrics/json`, answered on `/accepted` and `/rejected`.

A report is checked as "Sending metrics from devices" of the AWS IoT Device Defender developer guide has it, in long
names or short ones; nothing is done with it, but that the log tells it.
"""

from __future__ import annotations

import json
import re

from tools.cloud import cbor, strict_json
from tools.cloud.interfaces import Client, Log
from tools.cloud.limits import Limits
from tools.cloud.names import Names
from tools.cloud.things import Things
from tools.cloud.watching import Watchers

_TOPIC = re.compile(r"\$aws/things/([^/]+)/defender/metrics/(json|cbor)")
_REASONS = {429: ("Throttled", "Rate exceeded"), 500: ("InternalError", "Internal service failure")}
_CUSTOM_KINDS = {"number", "number_list", "string_list", "ip_list"}
# Metric, in its long and its short name -> what must be in it.
_METRICS = {
    ("listening_tcp_ports", "tp"): ("total", "t"),
    ("listening_udp_ports", "up"): ("total", "t"),
    ("network_stats", "ns"): None,
    ("tcp_connections", "tc"): ("established_connections", "ec"),
}


class _Rejected(Exception):
    def __init__(self, code: str, message: str):
        super().__init__(message)
        self.code = code


class Defender:
    """`interfaces.Service` of the topics above. AWS takes a report of a thing every `limits.metrics_interval_s`."""

    name = "defender"
    in_flight = None

    def __init__(self, things: Things, names: Names, limits: Limits, watchers: Watchers, log: Log):
        self._things = things
        self._names = names
        self._interval_s = limits.metrics_interval_s
        self._watchers = watchers
        self._log = log
        self._reported: dict[str, float] = {}  # thing -> when it last did

    def claims(self, topic: str) -> bool:
        return _TOPIC.fullmatch(topic) is not None

    async def handle(self, client: Client, topic: str, payload: bytes) -> None:
        thing, form = _TOPIC.fullmatch(topic).groups()
        report_id = 0
        try:
            report = _read(form, payload)
            report_id = _report_id(report)
            _check_metrics(report)
            self._take_turn(thing)
        except _Rejected as error:
            self._reject(topic, report_id, error.code, str(error))
            return
        self._log("metrics", client_id=client.client_id, report_id=report_id)
        self._tell(topic, "accepted", {"thingName": thing, "reportId": report_id, "status": "ACCEPTED"})

    def refuse(self, client: Client, topic: str, payload: bytes, status: int) -> None:
        self._reject(topic, 0, *_REASONS[status])

    def _take_turn(self, thing: str) -> None:
        if self._things.find(thing) is None:
            raise _Rejected("ThingNotFound", f"Thing {thing} is not registered")
        now = self._names.now()
        last = self._reported.get(thing)
        if last is not None and now - last < self._interval_s:
            raise _Rejected("Throttled", f"A thing reports once in {self._interval_s:.0f} seconds")
        self._reported[thing] = now

    def _reject(self, topic: str, report_id: int, code: str, message: str) -> None:
        self._log("metrics_rejected", topic=topic, code=code, reason=message)
        thing = _TOPIC.fullmatch(topic)[1]
        details = {"ErrorCode": code, "ErrorMessage": message}
        answer = {"thingName": thing, "reportId": report_id, "status": "REJECTED", "statusDetails": details}
        self._tell(topic, "rejected", answer)

    def _tell(self, topic: str, end: str, answer: dict) -> None:
        answer["timestamp"] = int(self._names.now() * 1000)
        payload = cbor.encode(answer) if topic.endswith("/cbor") else json.dumps(answer).encode()
        self._watchers.publish(f"{topic}/{end}", payload)


def _read(form: str, payload: bytes) -> dict:
    try:
        report = cbor.decode(payload) if form == "cbor" else strict_json.loads(payload)
    except ValueError:
        raise _Rejected("InvalidPayload", f"The report is not valid {form.upper()}") from None
    return _object(report, "report")


def _report_id(report: dict) -> int:
    header = _object(_member(report, "header", "hed"), "header")
    report_id, version = _member(header, "report_id", "rid"), _member(header, "version", "v")
    if type(report_id) is not int or report_id < 0:
        raise _Rejected("InvalidPayload", "header.report_id must be an integer that only grows")
    if not isinstance(version, str) or not re.fullmatch(r"\d+\.\d+", version):
        raise _Rejected("InvalidPayload", 'header.version must be text such as "1.0"')
    return report_id


def _check_metrics(report: dict) -> None:
    metrics, custom = _member(report, "metrics", "met"), _member(report, "custom_metrics", "cmet")
    if metrics is None and custom is None:
        raise _Rejected("InvalidPayload", "The report has neither metrics nor custom_metrics")
    for name, value in _object(metrics or {}, "metrics").items():
        names = next((each for each in _METRICS if name in each), None)
        if names is None:
            raise _Rejected("InvalidPayload", f"metrics.{name} is not known")
        needed = _METRICS[names]
        if needed is not None and _member(_object(value, f"metrics.{name}"), *needed) is None:
            raise _Rejected("InvalidPayload", f"metrics.{name} must have {needed[0]}")
        _object(value, f"metrics.{name}")
    for name, values in _object(custom or {}, "custom_metrics").items():
        is_whole = isinstance(values, list) and len(values) == 1 and isinstance(values[0], dict)
        if not is_whole or len(values[0]) != 1 or not _CUSTOM_KINDS.issuperset(values[0]):
            kinds = ", ".join(sorted(_CUSTOM_KINDS))
            raise _Rejected("InvalidPayload", f"custom_metrics.{name} must be a list of one object with one of {kinds}")


def _member(holder: dict, name: str, short: str) -> object:
    return holder.get(name, holder.get(short))


def _object(value: object, where: str) -> dict:
    if not isinstance(value, dict):
        raise _Rejected("InvalidPayload", f"{where} must be a JSON object")
    return value
