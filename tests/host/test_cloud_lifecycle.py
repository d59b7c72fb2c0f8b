"""Lifecycle events: what AWS IoT says of who comes, goes, subscribes and may not connect."""

import json

import pytest

from tests.host.cloud_control import Device
from tests.host.cloud_desk import ARN, Desk
from tools.cloud import packets
from tools.cloud.open_broker import OpenRegistry
from tools.cloud.packets import Will
from tools.cloud.recipes import create_operator

PRESENCE = "$aws/events/presence"


@pytest.fixture
def desk():
    with Desk() as desk:
        yield desk


def test_coming_and_going_is_told_on_the_events_topics(desk):
    watcher = desk.client("watcher")
    watcher.subscribe(("$aws/events/presence/+/device", 0), ("$aws/events/subscriptions/subscribed/device", 0))
    device = desk.client("device")
    device.subscribe(("a", 0))
    device.disconnect()
    events = [watcher.message() for _ in range(3)]
    assert [event.topic.split("/")[3] for event in events] == ["connected", "subscribed", "disconnected"]
    came, _, went = (json.loads(event.payload) for event in events)
    assert (came["versionNumber"], went["versionNumber"]) == (0, 0)
    assert came["sessionIdentifier"] == went["sessionIdentifier"]
    assert (went["disconnectReason"], went["clientInitiatedDisconnect"]) == ("CLIENT_INITIATED_DISCONNECT", True)


def test_the_events_of_one_connection_have_one_version_the_next_one_a_higher(desk):
    watcher = desk.client("watcher")
    watcher.subscribe((f"{PRESENCE}/+/device", 0))
    first = desk.client("device")
    second = desk.client("device")
    assert first.is_closed()
    second.disconnect()
    told = [json.loads(watcher.message().payload) for _ in range(4)]
    assert [(each["eventType"], each["versionNumber"], each.get("disconnectReason")) for each in told] == [
        ("connected", 0, None),
        ("disconnected", 0, "DUPLICATE_CLIENTID"),
        ("connected", 1, None),
        ("disconnected", 1, "CLIENT_INITIATED_DISCONNECT"),
    ]


def test_a_client_id_with_a_wildcard_has_no_events(desk):
    watcher = desk.client("watcher")
    watcher.subscribe((f"{PRESENCE}/#", 0))
    desk.client("a+b").disconnect()
    desk.client("device")
    assert watcher.message().topic == f"{PRESENCE}/connected/device"


@pytest.mark.parametrize(("client_id", "will"), [("stranger", None), ("lamp", Will("secret", b""))])
def test_who_may_not_connect_is_told_of(client_id, will):
    resources = ["client/watcher", "client/lamp", f"topicfilter/{PRESENCE}/*", f"topic/{PRESENCE}/*"]
    statement = {"Effect": "Allow", "Action": "iot:*", "Resource": [f"{ARN}:{each}" for each in resources]}
    with Desk(OpenRegistry({"Version": "2012-10-17", "Statement": [statement]})) as desk:
        watcher = desk.client("watcher")
        watcher.subscribe((f"{PRESENCE}/+/{client_id}", 0))
        assert desk.client().connect(client_id, will=will) == packets.NOT_AUTHORISED
        message = watcher.message()
        told = json.loads(message.payload)
        assert message.topic == f"{PRESENCE}/connect_failed/{client_id}"
        assert (told["eventType"], told["connectFailureReason"]) == ("connect_failed", "AUTHORIZATION_FAILED")
        assert (told["principalIdentifier"], told["ipAddress"]) == (desk.registry.identity.certificate_id, "127.0.0.1")
        assert "versionNumber" not in told


def test_a_connection_that_the_api_ended_says_so(cloud, tmp_path):
    own = create_operator(cloud.iot())
    with (
        Device(cloud, tmp_path, "operator", own.cert_pem, own.key_pem) as watcher,
        Device(cloud, tmp_path, "operator-2", own.cert_pem, own.key_pem) as device,
    ):
        watcher.subscribe(f"{PRESENCE}/disconnected/operator-2")
        cloud.iot_data().delete_connection(clientId="operator-2")
        device.wait_for_end()
        assert json.loads(watcher.message()[1])["disconnectReason"] == "API_INITIATED_DISCONNECT"
