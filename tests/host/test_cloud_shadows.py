"""Device shadows over MQTT and HTTP: merging, versions, deltas, and what is refused how."""

import json

import pytest
from botocore.exceptions import ClientError

from tests.host.cloud_control import Device, WallClock, error_code
from tools.cloud import LocalCloud
from tools.cloud.recipes import create_fleet, create_thing

SHADOW = "$aws/things/lamp/shadow"
NAMED = f"{SHADOW}/name/config"


@pytest.fixture(scope="module")
def clock():
    return WallClock()


@pytest.fixture(scope="module")
def cloud(tmp_path_factory, clock):
    with LocalCloud(tmp_path_factory.mktemp("cloud"), fast_keys=True, now=clock) as cloud:
        yield cloud


@pytest.fixture(scope="module")
def connected(cloud, tmp_path_factory):
    fleet = create_fleet(cloud.iot())
    own = create_thing(cloud.iot(), "lamp", fleet.thing_policy)
    with Device(cloud, tmp_path_factory.mktemp("device"), "lamp", own.cert_pem, own.key_pem) as device:
        device.subscribe(f"{SHADOW}/+/+", f"{SHADOW}/name/+/+/+")  # all but the requests
        yield device


@pytest.fixture
def lamp(cloud, connected):
    """The device, with no shadow."""
    data = cloud.iot_data()
    for name in ({}, {"shadowName": "config"}):
        try:
            data.delete_thing_shadow(thingName="lamp", **name)
            connected.message()
        except data.exceptions.ResourceNotFoundException:
            pass
    return connected


def ask(device, verb, request=b"", shadow=SHADOW):
    """The next message that comes of a request: the end of its topic, and its document."""
    device.publish(f"{shadow}/{verb}", request if isinstance(request, bytes) else json.dumps(request))
    return hear(device, shadow)


def hear(device, shadow=SHADOW):
    topic, payload = device.message()
    return topic.removeprefix(f"{shadow}/"), json.loads(payload)


def report(device, **state):
    """Report, and take the answers from the way; the last one is returned."""
    return update(device, {"reported": state})


def update(device, state, shadow=SHADOW):
    end, accepted = ask(device, "update", {"state": state}, shadow)
    assert end == "update/accepted", accepted
    while end != "update/documents":
        end, document = hear(device, shadow)
    return document["current"]


def test_report_is_accepted_and_told_as_a_document(lamp):
    end, accepted = ask(lamp, "update", {"state": {"reported": {"on": True}}, "clientToken": "t1"})
    assert end == "update/accepted"
    stamp = {"timestamp": accepted["timestamp"]}
    assert accepted["state"] == {"reported": {"on": True}}
    assert accepted["metadata"] == {"reported": {"on": stamp}}
    assert accepted["clientToken"] == "t1"
    end, documents = hear(lamp)
    assert end == "update/documents"
    assert documents["previous"] is None
    assert documents["current"]["state"] == {"reported": {"on": True}}
    assert documents["current"]["version"] == accepted["version"]
    assert documents["clientToken"] == "t1"


def test_what_is_desired_and_not_reported_comes_as_delta(lamp, cloud):
    report(lamp, on=False, colour={"r": 1, "g": 2})
    wanted = {"state": {"desired": {"on": True, "colour": {"r": 1, "g": 9}, "new": [1]}}, "clientToken": "app"}
    cloud.iot_data().update_thing_shadow(thingName="lamp", payload=json.dumps(wanted))
    assert hear(lamp)[0] == "update/accepted"
    end, told = hear(lamp)
    assert end == "update/delta"
    assert told["state"] == {"on": True, "colour": {"g": 9}, "new": [1]}
    stamp = {"timestamp": told["timestamp"]}
    assert told["metadata"] == {"on": stamp, "colour": {"g": stamp}, "new": [stamp]}
    assert told["clientToken"] == "app"
    assert hear(lamp)[0] == "update/documents"


def test_get_tells_everything_with_the_delta(lamp):
    update(lamp, {"desired": {"on": True}, "reported": {"on": False, "rssi": -60}})
    end, document = ask(lamp, "get", {"clientToken": "mine"})
    assert end == "get/accepted"
    assert document["state"] == {
        "desired": {"on": True},
        "reported": {"on": False, "rssi": -60},
        "delta": {"on": True},
    }
    assert set(document["metadata"]) == {"desired", "reported"}
    assert document["clientToken"] == "mine"


def test_no_delta_when_what_is_desired_is_reported(lamp):
    update(lamp, {"desired": {"on": True, "level": 1}})
    end, _ = ask(lamp, "update", {"state": {"reported": {"on": True, "level": 1.0}}})
    assert end == "update/accepted"
    assert hear(lamp)[0] == "update/documents"
    assert "delta" not in ask(lamp, "get")[1]["state"]


@pytest.mark.parametrize(
    ("patch", "left"),
    [
        ({"a": None}, {"b": {"c": 1, "d": 2}}),
        ({"b": {"c": None}}, {"a": [1, 2], "b": {"d": 2}}),
        ({"b": {"d": 3, "e": {"f": None}}}, {"a": [1, 2], "b": {"c": 1, "d": 3}}),
        ({"a": [3]}, {"a": [3], "b": {"c": 1, "d": 2}}),
        ({"b": 5}, {"a": [1, 2], "b": 5}),
        ({"a": {"x": 1, "y": None}}, {"a": {"x": 1}, "b": {"c": 1, "d": 2}}),
        ({}, {"a": [1, 2], "b": {"c": 1, "d": 2}}),
        (None, None),
    ],
)
def test_objects_merge_null_deletes_the_rest_replaces(lamp, patch, left):
    report(lamp, a=[1, 2], b={"c": 1, "d": 2})
    current = update(lamp, {"reported": patch})
    assert current["state"].get("reported") == left
    assert stripped(current["metadata"].get("reported")) == left_stamps(left)


def stripped(metadata):
    """Every stamp as 0, so that forms can be compared."""
    if isinstance(metadata, list):
        return [stripped(each) for each in metadata]
    if isinstance(metadata, dict):
        return 0 if set(metadata) == {"timestamp"} else {key: stripped(each) for key, each in metadata.items()}
    return metadata


def left_stamps(state):
    if isinstance(state, dict):
        return {key: left_stamps(each) for key, each in state.items()}
    return [0] * len(state) if isinstance(state, list) else None if state is None else 0


def test_state_null_empties_the_shadow(lamp):
    update(lamp, {"desired": {"a": 1}, "reported": {"a": 2}})
    assert update(lamp, None)["state"] == {}
    assert ask(lamp, "get")[1]["state"] == {}


def test_a_stamp_is_when_the_value_was_set(lamp, clock):
    before = report(lamp, a=1, b=1)["metadata"]["reported"]
    clock.advance(100)
    after = report(lamp, b=2)["metadata"]["reported"]
    assert after["a"] == before["a"]
    assert after["b"]["timestamp"] >= before["b"]["timestamp"] + 100


def test_version_must_be_the_current_one_when_it_is_given(lamp):
    version = report(lamp, a=1)["version"]
    end, rejected = ask(lamp, "update", {"state": {"reported": {"a": 2}}, "version": version - 1, "clientToken": "x"})
    assert (end, rejected["code"], rejected["message"]) == ("update/rejected", 409, "Version conflict")
    assert rejected["clientToken"] == "x"
    assert rejected["timestamp"]
    end, accepted = ask(lamp, "update", {"state": {"reported": {"a": 2}}, "version": version})
    assert (end, accepted["version"]) == ("update/accepted", version + 1)
    hear(lamp)


def test_deleted_shadow_is_gone_and_its_version_goes_on(lamp, clock):
    version = report(lamp, a=1)["version"]
    end, deleted = ask(lamp, "delete", {"clientToken": "d"})
    assert (end, deleted["version"], deleted["clientToken"]) == ("delete/accepted", version, "d")
    end, rejected = ask(lamp, "get")
    assert (end, rejected["code"], rejected["message"]) == ("get/rejected", 404, "No shadow exists with name: 'lamp'")
    assert report(lamp, a=1)["version"] == version + 2
    ask(lamp, "delete")
    clock.advance(49 * 3600)
    assert report(lamp, a=1)["version"] == 1


@pytest.mark.parametrize("verb", ["get", "delete"])
def test_shadow_that_is_not_there(lamp, verb):
    end, rejected = ask(lamp, verb, shadow=NAMED)
    assert (end, rejected["code"]) == (f"{verb}/rejected", 404)
    assert "config" in rejected["message"]


def deep(levels):
    return {"a": deep(levels - 1)} if levels > 1 else {"a": 1}


REFUSED = {
    "no JSON": (b"{", 400, "Invalid JSON"),
    "no object": (b"[1]", 400, "Invalid JSON"),
    "endless nesting": (b"[" * 50_000, 400, "Invalid JSON"),
    "NaN": (b'{"state": {"reported": {"a": NaN}}}', 400, "Invalid JSON"),
    "a number without end": (b'{"state": {"reported": {"a": -1e400}}}', 400, "Invalid JSON"),
    "not UTF-8": (b'{"state": {"reported": {"a": "\xff"}}}', 415, "UTF-8"),
    "UTF-16": ('{"state": {"reported": {"a": 1}}}'.encode("utf-16"), 415, "UTF-8"),
    "nothing": (b"", 400, "Missing required node: state"),
    "no state": (b'{"clientToken": "a"}', 400, "Missing required node: state"),
    "state is a list": ({"state": []}, 400, "State node must be an object"),
    "desired is text": ({"state": {"desired": "on"}}, 400, "Desired node must be an object"),
    "reported is text": ({"state": {"reported": 1}}, 400, "Reported node must be an object"),
    "another half": ({"state": {"wished": {}}}, 400, "State contains an invalid node: 'wished'"),
    "version is text": ({"state": {}, "version": "1"}, 400, "Invalid version"),
    "version is true": ({"state": {}, "version": True}, 400, "Invalid version"),
    "long token": ({"state": {}, "clientToken": "x" * 65}, 400, "Invalid clientToken"),
    "token is a number": ({"state": {}, "clientToken": 1}, 400, "Invalid clientToken"),
    "too deep": ({"state": {"reported": deep(7)}}, 400, "too many levels of nesting; maximum is 6"),
    "null in an array": ({"state": {"reported": {"a": [1, None]}}}, 400, "null"),
    "too large": ({"state": {"reported": {"a": "x" * 8200}}}, 413, "exceeds the maximum size allowed"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_wrong_request_is_rejected_in_the_words_of_aws(lamp, case):
    request, code, message = REFUSED[case]
    end, rejected = ask(lamp, "update", request)
    assert (end, rejected["code"]) == ("update/rejected", code)
    assert message in rejected["message"]


def test_the_limits_themselves_pass(lamp):
    report(lamp, **deep(6))
    report(lamp, a=None, b="x" * (8192 - len('{"b":""}')))
    end, rejected = ask(lamp, "update", {"state": {"desired": {"c": 1}}})
    assert (end, rejected["code"]) == ("update/rejected", 413), "both halves count together"


def test_named_shadows_are_shadows_of_their_own(lamp, cloud):
    report(lamp, a=1)
    update(lamp, {"reported": {"a": 2}}, NAMED)
    assert ask(lamp, "get")[1]["state"]["reported"] == {"a": 1}
    end, document = ask(lamp, "get", shadow=NAMED)
    assert (end, document["state"]["reported"]) == ("get/accepted", {"a": 2})
    assert cloud.iot_data().list_named_shadows_for_thing(thingName="lamp")["results"] == ["config"]
    read = cloud.iot_data().get_thing_shadow(thingName="lamp", shadowName="config")["payload"].read()
    assert json.loads(read)["state"] == {"reported": {"a": 2}}


def test_errors_over_http_are_typed_and_not_told_over_mqtt(lamp, cloud):
    data = cloud.iot_data()
    for call, code in (
        (lambda: data.get_thing_shadow(thingName="nobody"), "ResourceNotFoundException"),
        (lambda: data.update_thing_shadow(thingName="lamp", payload=b"{"), "InvalidRequestException"),
        (lambda: data.update_thing_shadow(thingName="lamp", payload=b"\xff"), "UnsupportedDocumentEncodingException"),
        (
            lambda: data.update_thing_shadow(thingName="lamp", payload=b'{"state":{},"version":99999}'),
            "ConflictException",
        ),
        (
            lambda: data.update_thing_shadow(
                thingName="lamp", payload=json.dumps({"state": {"desired": {"a": "x" * 9000}}})
            ),
            "RequestEntityTooLargeException",
        ),
    ):
        with pytest.raises(ClientError) as raised:
            call()
        assert error_code(raised) == code
    assert ask(lamp, "get")[0] == "get/rejected", "nothing else was told in between"


def test_an_update_published_over_http_is_one(lamp, cloud):
    payload = json.dumps({"state": {"desired": {"on": True}}})
    cloud.iot_data().publish(topic=f"{SHADOW}/update", qos=1, payload=payload)
    assert [hear(lamp)[0] for _ in range(3)] == ["update/accepted", "update/delta", "update/documents"]
    for topic, code in (
        ("$aws/things/lamp/jobs/get", "NotImplementedException"),
        (f"{SHADOW}/update/delta", "InvalidRequestException"),
        ("$aws/invented", "InvalidRequestException"),
    ):
        with pytest.raises(ClientError) as raised:
            cloud.iot_data().publish(topic=topic, payload=b"{}")
        assert error_code(raised) == code


def test_shadows_survive_a_restart_of_the_cloud(tmp_path):
    with LocalCloud(tmp_path, fast_keys=True) as cloud:
        cloud.iot_data().update_thing_shadow(thingName="x", payload=b'{"state":{"desired":{"a":1}}}')
    with LocalCloud(tmp_path, fast_keys=True) as cloud:
        kept = json.loads(cloud.iot_data().get_thing_shadow(thingName="x")["payload"].read())
    assert kept["state"] == {"desired": {"a": 1}, "delta": {"a": 1}}
    assert kept["version"] == 1
