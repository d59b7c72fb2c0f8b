"""Whatever a device asks of shadows, jobs and Device Defender, it is answered once, in words, and nothing breaks."""

import asyncio
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tools.cloud.authority import CertificateAuthority
from tools.cloud.broker import silent
from tools.cloud.cloud_faults import CloudFaults
from tools.cloud.defender import Defender
from tools.cloud.fault_desk import KINDS, OPTIONS, FaultDesk
from tools.cloud.jobs.service import JobsService
from tools.cloud.limits import Limits
from tools.cloud.registry import Registry
from tools.cloud.shadows.service import ShadowService
from tools.cloud.shadows.state import EMPTY, Half, delta, merged

QUICK = settings(max_examples=50)
KEYS = (
    *("state", "desired", "reported", "delta", "version", "clientToken", "a", "b"),
    *("status", "statusDetails", "expectedVersion", "stepTimeoutInMinutes", "executionNumber", "includeJobDocument"),
    *("includeJobExecutionState", "header", "report_id", "metrics", "custom_metrics", "network_stats", "number"),
)
leaves = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-2, 3),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=5),
    st.sampled_from(["IN_PROGRESS", "SUCCEEDED", "QUEUED", "1.0", "x" * 200]),
)
documents = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.sampled_from(KEYS) | st.text(max_size=3), inner, max_size=4)
    ),
    max_leaves=15,
)
requests = st.dictionaries(st.sampled_from(KEYS), documents, max_size=5)
payloads = st.binary(max_size=40) | (documents | requests).map(lambda each: json.dumps(each).encode())


class Asking:
    """One connection of a device, as a service sees it."""

    client_id = "lamp"

    def __init__(self, answers):
        self._answers = answers

    def reply(self, topic, payload):
        self._answers.append((topic, json.loads(payload)))
        return True


@pytest.fixture
def answers():
    """What was told: topics and documents."""
    return []


@pytest.fixture
def registry(tmp_path, answers):
    registry = Registry(tmp_path, CertificateAuthority.create("root"))
    registry.watchers.publish = lambda topic, payload: answers.append((topic, json.loads(payload)))
    registry.things.create("lamp", None, {})
    yield registry
    registry.close()


def ask(service, topic, payload, answers):
    """The one answer to a request."""
    answers.clear()
    asyncio.run(service.handle(Asking(answers), topic, payload))
    [(end, answer)] = [
        (answered.removeprefix(f"{topic}/"), answer)
        for answered, answer in answers
        if answered in (f"{topic}/accepted", f"{topic}/rejected")
    ]
    return end, answer


@QUICK
@given(
    verb=st.sampled_from(["get", "update", "delete"]),
    name=st.sampled_from(["", "/name/x", "/name/" + "y" * 65]),
    payload=payloads,
)
def test_any_request_to_shadows_gets_one_answer(registry, answers, verb, name, payload):
    service = ShadowService(registry.shadows, registry.watchers, silent)
    topic = f"$aws/things/lamp/shadow{name}/{verb}"
    assert service.claims(topic)
    end, answer = ask(service, topic, payload, answers)
    if end == "rejected":
        assert {"code", "message", "timestamp"} <= set(answer)
        assert len(answers) == 1
    elif verb == "update":
        assert answers[-1][0].endswith("/update/documents")


@pytest.mark.parametrize(
    ("desired", "reported", "is_same"),
    [
        (1, 1.0, True),
        (True, 1, False),
        ([1, [2]], [1.0, [2]], True),
        ([True], [1], False),
        ({"a": 0}, {"a": False}, False),
    ],
)
def test_equal_is_what_json_calls_equal(desired, reported, is_same):
    assert (delta({"x": desired}, {"x": reported}) == {}) is is_same


@QUICK
@given(halves=st.lists(st.dictionaries(st.sampled_from("abc"), documents, max_size=3), min_size=1, max_size=4))
def test_what_is_reported_as_desired_leaves_no_delta(halves):
    half = EMPTY
    for patch in halves:
        half = merged(half, patch, 1)
        assert same_form(half.state, half.metadata)
    assert delta(half.state, half.state) == {}
    if half.state:
        assert delta(half.state, {}) == half.state
        assert merged(EMPTY, half.state, 2).state.keys() <= half.state.keys()
    assert merged(half, dict.fromkeys(half.state), 3) == Half({}, {})


def same_form(state, metadata):
    if isinstance(state, dict):
        return state.keys() == metadata.keys() and all(same_form(state[key], metadata[key]) for key in state)
    if isinstance(state, list):
        return len(state) == len(metadata) and all(map(same_form, state, metadata))
    return metadata == {"timestamp": 1}


@QUICK
@given(
    verb=st.sampled_from(
        ["get", "start-next", "j/get", "j/update", "$next/get", "$next/update", "nowhere/update", "x/y/z"]
    ),
    payload=payloads,
)
def test_any_request_to_jobs_gets_one_answer(registry, answers, verb, payload):
    service = JobsService(registry.jobs_data, silent)
    if not registry.jobs.pending.of("lamp"):
        for row in registry.jobs.ledger.every():
            registry.jobs.delete(row["id"], force=True)
        registry.jobs.create("j", [registry.names.thing("lamp")], "{}", "SNAPSHOT", {"documentBefore": "{}"})
    end, answer = ask(service, f"$aws/things/lamp/jobs/{verb}", payload, answers)
    assert "timestamp" in answer
    if end == "rejected":
        assert answer["code"] != "InternalError"
        assert answer["message"]


@QUICK
@given(payload=payloads)
def test_any_report_to_defender_gets_one_answer(registry, answers, payload):
    service = Defender(registry.things, registry.names, Limits(), registry.watchers, silent)
    end, answer = ask(service, "$aws/things/lamp/defender/metrics/json", payload, answers)
    assert answer["status"] == end.upper()


@pytest.mark.parametrize("status", [429, 500])
@QUICK
@given(payload=payloads)
def test_any_refused_request_gets_one_rejection(registry, answers, status, payload):
    for service, topic in (
        (ShadowService(registry.shadows, registry.watchers, silent), "$aws/things/lamp/shadow/get"),
        (JobsService(registry.jobs_data, silent), "$aws/things/lamp/jobs/get"),
    ):
        answers.clear()
        service.refuse(Asking(answers), topic, payload, status)
        [(answered, _)] = answers
        assert answered == f"{topic}/rejected"


@QUICK
@given(
    order=st.dictionaries(st.sampled_from(["kind", *OPTIONS, "x"]), leaves | st.sampled_from(sorted(KINDS)), max_size=4)
)
def test_any_order_of_a_fault_is_taken_or_refused(order):
    desk = FaultDesk(CloudFaults())
    try:
        desk.order(order)
    except ValueError as error:
        assert str(error)
        assert desk.orders() == []
    else:
        desk.clear(order["kind"])
        assert desk.orders() == []


@pytest.mark.parametrize("levels", [7, 900, 980, 5000, 100_000])
@pytest.mark.parametrize("kind", [b'{"a":%s}', b"[%s]"])
def test_deep_nesting_is_refused(registry, answers, levels, kind):
    opening, closing = kind.split(b"%s")
    deep = b'{"state": {"desired": {"x":' + opening * levels + b"1" + closing * levels + b"}}}"
    shadow = ShadowService(registry.shadows, registry.watchers, silent)
    end, answer = ask(shadow, "$aws/things/lamp/shadow/update", deep, answers)
    assert (end, answer["code"]) == ("rejected", 400)
