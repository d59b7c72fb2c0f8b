"""Device Defender's metrics: which reports are accepted, what is said of the others, how often a thing may."""

import json

import cbor2
import pytest

from tests.host.cloud_control import Device, WallClock
from tools.cloud import LocalCloud
from tools.cloud.recipes import create_fleet, create_thing

TOPIC = "$aws/things/lamp/defender/metrics"
PORTS = {"ports": [{"interface": "st1", "port": 22}], "total": 1}
REPORT = {
    "header": {"report_id": 1530304554, "version": "1.0"},
    "metrics": {
        "listening_tcp_ports": PORTS,
        "network_stats": {"bytes_in": 29358693495, "bytes_out": 26485035, "packets_in": 1, "packets_out": 2},
        "tcp_connections": {
            "established_connections": {"connections": [{"remote_addr": "192.0.2.1:8883"}], "total": 1}
        },
    },
    "custom_metrics": {"heap_free": [{"number": 65536}], "resets": [{"string_list": ["SOFT", "WDT"]}]},
}
SHORT = {
    "hed": {"rid": 7, "v": "1.0"},
    "met": {"tp": {"pts": [{"pt": 22}], "t": 1}, "tc": {"ec": {"t": 0}}, "ns": {"bi": 1}},
    "cmet": {"heap_free": [{"number": 1}]},
}


@pytest.fixture(scope="module")
def clock():
    return WallClock()


@pytest.fixture(scope="module")
def cloud(tmp_path_factory, clock):
    with LocalCloud(tmp_path_factory.mktemp("cloud"), fast_keys=True, now=clock) as cloud:
        yield cloud


@pytest.fixture(scope="module")
def lamp(cloud, tmp_path_factory):
    fleet = create_fleet(cloud.iot())
    own = create_thing(cloud.iot(), "lamp", fleet.thing_policy)
    with Device(cloud, tmp_path_factory.mktemp("device"), "lamp", own.cert_pem, own.key_pem) as device:
        device.subscribe(f"{TOPIC}/#")
        yield device


@pytest.fixture
def report(lamp, clock):
    """Send a report, five minutes after the last one: the end of the answer's topic, and the answer."""

    def send(document, waited_s=300):
        clock.advance(waited_s)
        lamp.publish(f"{TOPIC}/json", document if isinstance(document, bytes) else json.dumps(document))
        topic, payload = lamp.message()
        return topic.rpartition("/")[2], json.loads(payload)

    return send


@pytest.mark.parametrize("document", [REPORT, SHORT, {**REPORT, "metrics": {}}], ids=["long", "short", "custom only"])
def test_a_report_is_accepted(report, document):
    end, answer = report(document)
    header = document.get("header") or document["hed"]
    assert (end, answer["status"], answer["thingName"]) == ("accepted", "ACCEPTED", "lamp")
    assert answer["reportId"] == header.get("report_id", header.get("rid"))
    assert answer["timestamp"] > 1_600_000_000_000, "milliseconds"


def without(*path):
    document = json.loads(json.dumps(REPORT))
    holder = document
    for name in path[:-1]:
        holder = holder[name]
    del holder[path[-1]]
    return document


REJECTED = {
    "no JSON": b"{",
    "no object": b"[]",
    "endless nesting": b"[" * 50_000,
    "no header": without("header"),
    "no report id": without("header", "report_id"),
    "no version": without("header", "version"),
    "report id is text": {**REPORT, "header": {"report_id": "1", "version": "1.0"}},
    "report id is true": {**REPORT, "header": {"report_id": True, "version": "1.0"}},
    "nothing to report": {"header": REPORT["header"]},
    "unknown metric": {**REPORT, "metrics": {"mood": {"total": 1}}},
    "metric is no object": {**REPORT, "metrics": {"network_stats": 5}},
    "ports without total": without("metrics", "listening_tcp_ports", "total"),
    "custom metric is a number": {**REPORT, "custom_metrics": {"heap": 5}},
    "custom metric of two values": {**REPORT, "custom_metrics": {"heap": [{"number": 1}, {"number": 2}]}},
    "custom metric of an unknown kind": {**REPORT, "custom_metrics": {"heap": [{"float": 1.5}]}},
}


@pytest.mark.parametrize("case", REJECTED)
def test_a_report_is_rejected(report, case):
    end, answer = report(REJECTED[case])
    assert (end, answer["status"], answer["statusDetails"]["ErrorCode"]) == ("rejected", "REJECTED", "InvalidPayload")
    assert answer["statusDetails"]["ErrorMessage"]


def test_a_thing_reports_once_in_five_minutes(report):
    assert report(REPORT)[0] == "accepted"
    end, answer = report(REPORT, waited_s=290)
    assert (end, answer["statusDetails"]["ErrorCode"]) == ("rejected", "Throttled")
    assert report(REPORT, waited_s=20)[0] == "accepted"


def test_a_report_in_cbor_is_answered_in_cbor(lamp, clock):
    clock.advance(300)
    for payload, end in ((cbor2.dumps(REPORT), "accepted"), (b"\xff", "rejected")):
        lamp.publish(f"{TOPIC}/cbor", payload)
        topic, answer = lamp.message()
        assert (topic, cbor2.loads(answer)["status"]) == (f"{TOPIC}/cbor/{end}", end.upper())
