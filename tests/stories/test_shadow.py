"""A device and its shadow in the cloud, with the code of docs/shadow.md."""

import json

import pytest

from tests.stories.conftest import QUICK, eventually, open_desk, put_application, thing_name
from tests.stories.guides import application_of


@pytest.fixture(scope="module")
def desk(tmp_path_factory):
    """One desk for all of it: a device that has booted once has booted for every test."""
    with open_desk() as desk:
        desk.device.image.main = application_of("shadow", tmp_path_factory.mktemp("shadow"))
        desk.leave_factory(**QUICK)
        desk.device.power_on()
        yield desk
        print("\n".join(["", "The device's console:", *desk.device.lines]))


@pytest.fixture(scope="module")
def shadow(desk):
    return CloudSide(desk)


class CloudSide:
    """The shadow as an application in the cloud sees it, through boto3."""

    def __init__(self, desk):
        self._data = desk.cloud.iot_data()
        self._thing = thing_name(desk)

    def document(self):
        try:
            answer = self._data.get_thing_shadow(thingName=self._thing)
        except self._data.exceptions.ResourceNotFoundException:
            return {"state": {}}
        return json.loads(answer["payload"].read())

    def wish(self, **values):
        payload = json.dumps({"state": {"desired": values}})
        self._data.update_thing_shadow(thingName=self._thing, payload=payload)

    def reports(self, **values):
        """Wait until these values are reported."""
        eventually(lambda: values.items() <= self.document()["state"].get("reported", {}).items())


def test_a_new_device_reports_what_it_is(shadow):
    shadow.reports(led=False, fan=0, hardware="esp32")


def test_a_wish_from_the_cloud_is_followed_and_reported(desk, shadow):
    shadow.reports(led=False)
    shadow.wish(led=True, fan=300)
    desk.device.wait_for("application: led True")
    shadow.reports(led=True, fan=100)


def test_what_is_wished_while_it_is_away_is_followed_when_it_is_back(desk, shadow):
    shadow.reports(led=True)
    desk.home.vanish()
    desk.device.wait_for(r"aws\.disconnected", 40)
    shadow.wish(led=False)
    desk.home.back()
    desk.device.wait_for("application: led False", 60)
    shadow.reports(led=False)


def test_after_a_power_cut_it_is_as_wished_again(desk, shadow):
    shadow.wish(led=True, fan=300)
    shadow.reports(led=True, fan=100)
    version = shadow.document()["version"]
    desk.device.power_cut()
    desk.device.power_on()
    desk.device.wait_for("application: led True")
    eventually(lambda: shadow.document()["version"] > version)
    shadow.reports(led=True, fan=100)


def test_two_who_change_the_same_shadow_lose_nothing():
    with open_desk() as desk:
        put_application(desk, "counting")
        desk.leave_factory(**QUICK)
        desk.device.power_on()
        desk.device.wait_for("application: begins")
        data = desk.cloud.iot_data()
        where = {"thingName": thing_name(desk), "shadowName": "counter"}
        counted = 0
        while counted < 20:
            try:
                document = json.loads(data.get_thing_shadow(**where)["payload"].read())
            except data.exceptions.ResourceNotFoundException:
                continue  # the device makes it
            state = {"reported": {"count": document["state"]["reported"]["count"] + 1}}
            try:
                data.update_thing_shadow(**where, payload=json.dumps({"state": state, "version": document["version"]}))
                counted += 1
            except data.exceptions.ConflictException:
                pass  # the device was quicker
        desk.device.wait_for("application: counted")
        document = json.loads(data.get_thing_shadow(**where)["payload"].read())
        assert document["state"]["reported"] == {"count": 40}
        assert document["version"] == 40
