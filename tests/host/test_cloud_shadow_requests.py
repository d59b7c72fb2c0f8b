"""Requests to shadows are messages that others may subscribe to, as with AWS; requests to other services are not."""

import json

import pytest

from tests.host.cloud_control import Device
from tools.cloud.recipes import create_fleet, create_operator, create_thing

SHADOW = "$aws/things/lamp/shadow"


@pytest.fixture(scope="module")
def lamp(cloud, tmp_path_factory):
    own = create_thing(cloud.iot(), "lamp", create_fleet(cloud.iot()).thing_policy)
    with Device(cloud, tmp_path_factory.mktemp("lamp"), "lamp", own.cert_pem, own.key_pem) as device:
        yield device


@pytest.fixture(scope="module")
def credentials(cloud):
    return create_operator(cloud.iot())


@pytest.fixture
def operator(cloud, credentials, tmp_path):
    """May listen to everything; without subscriptions."""
    with Device(cloud, tmp_path, "operator", credentials.cert_pem, credentials.key_pem) as device:
        yield device


@pytest.mark.parametrize("ends", [("update", "get", "delete"), ("#",)])
@pytest.mark.parametrize("shadow", [SHADOW, f"{SHADOW}/name/config"])
def test_who_subscribes_hears_requests_to_shadows(cloud, lamp, operator, shadow, ends):
    operator.subscribe(*(f"{shadow}/{end}" for end in ends))
    update = json.dumps({"state": {"reported": {"on": True}}}).encode()
    lamp.publish(f"{shadow}/update", update)
    lamp.publish(f"{shadow}/get")
    cloud.iot_data().publish(topic=f"{shadow}/delete", qos=1, payload=b"")
    heard = []
    while len(heard) < 3:
        topic, payload = operator.message()
        if not topic.endswith(("/accepted", "/documents")):
            heard.append((topic, payload))
    assert heard == [(f"{shadow}/update", update), (f"{shadow}/get", b""), (f"{shadow}/delete", b"")]


def test_nobody_hears_requests_to_jobs(lamp, operator):
    operator.subscribe("$aws/things/lamp/jobs/#", "devices/lamp/#")
    lamp.subscribe("$aws/things/lamp/jobs/get/accepted")
    lamp.publish("$aws/things/lamp/jobs/get")
    assert lamp.message()[0].endswith("/jobs/get/accepted")
    lamp.publish("devices/lamp/end")
    assert operator.message()[0] == "devices/lamp/end"
