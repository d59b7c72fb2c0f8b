"""Services that do not answer, are too busy or fail, as ordered; and AWS's limit of requests on their way."""

import contextlib
import json
import threading

import pytest

from tests.host.cloud_jobs import JOBS, JobsDesk
from tools.cloud.faults import SERVICES

SHADOW = "$aws/things/lamp/shadow"


@pytest.fixture(scope="module")
def whole_desk(tmp_path_factory):
    with JobsDesk(tmp_path_factory.mktemp("desk")) as desk:
        desk.lamp.subscribe(f"{SHADOW}/+/+", "$aws/things/lamp/defender/metrics/json/+")
        yield desk


@pytest.fixture
def desk(whole_desk):
    yield whole_desk
    whole_desk.cloud.faults.clear()
    whole_desk.clear()


def ask(desk, topic, **request):
    desk.lamp.publish(topic, json.dumps(request))
    answered, payload = desk.lamp.message()
    return answered.removeprefix(f"{topic}/"), json.loads(payload)


@pytest.mark.parametrize(
    ("kind", "shadow", "jobs", "defender"),
    [
        ("service_throttled", 429, "RequestThrottled", "Throttled"),
        ("service_failed", 500, "InternalError", "InternalError"),
    ],
)
def test_a_service_rejects_as_ordered_and_then_works_again(desk, kind, shadow, jobs, defender):
    desk.cloud.faults.order(kind, client_id="lamp", packets=3)
    end, answer = ask(desk, f"{SHADOW}/get", clientToken="t")
    assert (end, answer["code"], answer["clientToken"]) == ("rejected", shadow, "t")
    end, answer = ask(desk, f"{JOBS}/get", clientToken="t")
    assert (end, answer["code"], answer["clientToken"]) == ("rejected", jobs, "t")
    end, answer = ask(desk, "$aws/things/lamp/defender/metrics/json")
    assert (end, answer["statusDetails"]["ErrorCode"]) == ("rejected", defender)
    assert ask(desk, f"{JOBS}/get")[0] == "accepted"


def test_a_service_is_silent_and_the_others_are_not(desk):
    order = desk.cloud.faults.order("service_silent", service="shadow")
    desk.lamp.publish(f"{SHADOW}/get", b"{}")
    assert ask(desk, f"{JOBS}/get")[0] == "accepted", "the first answer that comes"
    order.cancel()
    assert ask(desk, f"{SHADOW}/get")[0] == "rejected", "there is no shadow"


def test_another_client_is_not_struck(desk):
    desk.cloud.faults.order("service_failed", client_id="another")
    assert ask(desk, f"{JOBS}/get")[0] == "accepted"


@pytest.mark.parametrize("options", [{"service": "email"}, {"service": ""}])
def test_services_that_are_not_there(desk, options):
    with pytest.raises(ValueError, match=", ".join(SERVICES)):
        desk.cloud.faults.order("service_failed", **options)
    with pytest.raises(ValueError, match="no_puback"):
        desk.cloud.faults.order("no_puback", service="shadow")


@contextlib.contextmanager
def held(cloud):
    """The cloud stands still."""
    standing, go_on = threading.Event(), threading.Event()

    def stand():
        standing.set()
        go_on.wait(20)

    holder = threading.Thread(target=cloud.call, args=(stand,))
    holder.start()
    standing.wait(20)
    try:
        yield
    finally:
        go_on.set()
        holder.join()


def test_more_than_ten_shadow_requests_on_their_way_are_too_many(desk):
    with held(desk.cloud):  # so that all are there before the first is answered
        desk.lamp.send_all((f"{SHADOW}/get", json.dumps({"clientToken": str(number)})) for number in range(12))
    answers = [json.loads(desk.lamp.message()[1]) for _ in range(12)]
    refused = {answer["clientToken"] for answer in answers if answer["code"] == 429}
    assert refused == {"10", "11"}
    assert ask(desk, f"{SHADOW}/get")[1]["code"] == 404
