"""Connections over HTTP: described, and ended, by an operator's program."""

import time

import pytest

from tests.host.cloud_control import Device
from tools.cloud.recipes import create_fleet, create_operator, create_thing


@pytest.fixture(scope="module")
def data(cloud):
    return cloud.iot_data()


@pytest.fixture(scope="module")
def own(cloud):
    """The credentials of a thing called "lamp"."""
    return create_thing(cloud.iot(), "lamp", create_fleet(cloud.iot()).thing_policy)


@pytest.fixture(scope="module")
def operator(cloud):
    return create_operator(cloud.iot())


@pytest.fixture
def lamp(cloud, own, tmp_path):
    """Make a device of it, with options of `Device`."""
    return lambda **options: Device(cloud, tmp_path, "lamp", own.cert_pem, own.key_pem, **options)


def test_connection_is_described_and_ended_over_http(data, lamp):
    with pytest.raises(data.exceptions.ResourceNotFoundException):
        data.get_connection(clientId="lamp")
    with lamp() as device:
        device.subscribe("devices/lamp/x", "devices/lamp/y")
        described = data.get_connection(clientId="lamp", includeSocketInformation=True)
        assert (described["connected"], described["cleanSession"], described["sourceIp"]) == (True, True, "127.0.0.1")
        listed = data.list_subscriptions(clientId="lamp")["subscriptions"]
        assert listed == [{"topicFilter": f"devices/lamp/{end}", "qos": 1} for end in "xy"]
        data.delete_connection(clientId="lamp")
        device.wait_for_end()
    with pytest.raises(data.exceptions.ResourceNotFoundException):
        data.delete_connection(clientId="lamp")


def test_a_connection_is_described_as_by_aws(cloud, data, lamp):
    with lamp():
        described = data.get_connection(clientId="lamp", includeSocketInformation=True)
        plain = data.get_connection(clientId="lamp")
    assert (described["thingName"], described["keepAliveDuration"], described["sessionExpiry"]) == ("lamp", 60, 0)
    assert abs(described["connectedSince"] / 1000 - time.time()) < 60
    assert (described["targetIp"], described["targetPort"]) == ("127.0.0.1", cloud.mqtt_port)
    assert described["sourcePort"] not in (0, cloud.mqtt_port)
    assert set(described) - set(plain) == {"sourceIp", "sourcePort", "targetIp", "targetPort"}


def test_a_client_that_has_gone_is_told_of_with_the_reason(data, lamp):
    with lamp(clean_session=False):
        pass
    gone = data.get_connection(clientId="lamp")
    assert (gone["connected"], gone["cleanSession"], gone["sessionExpiry"]) == (False, False, 3600)
    assert gone["disconnectReason"] == "CLIENT_INITIATED_DISCONNECT"
    assert abs(gone["disconnectedSince"] / 1000 - time.time()) < 60
    assert "connectedSince" not in gone


def test_a_connection_is_ended_with_its_session_and_without_its_last_will(cloud, data, operator, lamp, tmp_path):
    will = ("devices/lamp/gone", b"suddenly")
    with Device(cloud, tmp_path, "operator", operator.cert_pem, operator.key_pem) as watcher:
        watcher.subscribe("devices/lamp/#", "$aws/events/presence/disconnected/lamp")
        with lamp(clean_session=False, will=will) as device:
            data.delete_connection(clientId="lamp")
            device.wait_for_end()
        assert {watcher.message()[0] for _ in range(2)} == {will[0], "$aws/events/presence/disconnected/lamp"}
        assert not data.get_connection(clientId="lamp")["connected"]
        with lamp(clean_session=False, will=will) as device:
            data.delete_connection(clientId="lamp", cleanSession=True, preventWillMessage=True)
            device.wait_for_end()
        assert watcher.message()[0] == "$aws/events/presence/disconnected/lamp"
    with pytest.raises(data.exceptions.ResourceNotFoundException):
        data.get_connection(clientId="lamp")
