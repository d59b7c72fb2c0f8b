"""The shadow and the device in step: wishes are followed once, what the cloud does not know is reported."""

import asyncio
import json

import errors
import events
from aws.shadow import Shadow
from aws_desk import Desk
from harness import equal, raises
from scripted_broker import until
from shadow_desk import CloudShadow, settled

COMPANIONS = ["tls_servers"]
TIMEOUT_S = 20


class Lamp:
    """A device with an LED and a fan that reaches 100."""

    def __init__(self, shadow):
        self.calls = []
        shadow.bind("led", self.set_led, False)
        shadow.bind("fan", self.set_fan, 0)
        shadow.bind("version", None, "1.0.0")

    async def set_led(self, on):
        await asyncio.sleep_ms(1)
        self.calls.append(("led", on))

    def set_fan(self, speed):
        self.calls.append(("fan", speed))
        return min(speed, 100)


async def test_a_shadow_that_does_not_exist_is_made_by_the_first_report():
    cloud = CloudShadow()
    async with Desk(cloud.serve) as desk:
        lamp = Lamp(desk.aws.shadow())
        await cloud.reported(led=False, fan=0, version="1.0.0")
        await settled(cloud)
        equal((lamp.calls, len(cloud.reports())), ([], 1))


async def test_what_was_desired_before_is_followed_once_and_reported():
    cloud = CloudShadow(desired={"led": True, "unknown": 3}, reported={"led": False, "fan": 0})
    async with Desk(cloud.serve) as desk:
        lamp = Lamp(desk.aws.shadow())
        await cloud.reported(led=True)
        await settled(cloud)
        equal(lamp.calls, [("led", True)])
        equal(cloud.reports(), [{"led": True, "version": "1.0.0"}])
        equal(desk.of(events.SHADOW_DELTA)[0], {"shadow": None, "version": 1, "fields": "led, unknown"})


async def test_a_wish_is_followed_at_once():
    cloud = CloudShadow()
    async with Desk(cloud.serve) as desk:
        lamp = Lamp(desk.aws.shadow())
        await cloud.reported(led=False)
        await cloud.wish(led=True)
        await cloud.reported(led=True)
        await cloud.wish(led=False)
        await cloud.reported(led=False)
        equal(lamp.calls, [("led", True), ("led", False)])


async def test_a_wish_that_comes_in_a_message_too_large_is_asked_for():
    cloud = CloudShadow()
    async with Desk(cloud.serve) as desk:
        lamp = Lamp(desk.aws.shadow())
        await cloud.reported(led=False)
        cloud.wish_unheard(led=True)
        await cloud.send("update/delta", {"version": cloud.version, "state": {"led": True}, "metadata": "x" * 5000})
        await cloud.reported(led=True)
        equal(lamp.calls, [("led", True)])


async def test_a_wish_for_what_is_so_already_is_answered_once_though_it_is_something_else_for_the_cloud():
    cloud = CloudShadow()
    async with Desk(cloud.serve) as desk:
        desk.aws.shadow().bind("led", print, True)
        await cloud.reported(led=True)
        await cloud.wish(led=1)
        await settled(cloud)
        equal(cloud.reports(), [{"led": True}] * 2)


async def test_a_device_that_makes_something_else_of_it_is_not_asked_for_ever():
    cloud = CloudShadow()
    async with Desk(cloud.serve) as desk:
        lamp = Lamp(desk.aws.shadow())
        await cloud.reported(fan=0)
        await cloud.wish(fan=300)
        await cloud.reported(fan=100)
        await settled(cloud)
        equal((lamp.calls, cloud.reports()[1:]), ([("fan", 300)], [{"fan": 100}]))


async def test_the_button_on_the_device_wins_until_somebody_wishes_again():
    cloud = CloudShadow()
    async with Desk(cloud.serve) as desk:
        shadow = desk.aws.shadow()
        lamp = Lamp(shadow)
        await cloud.reported(led=False)
        await cloud.wish(led=True)
        await cloud.reported(led=True)
        await shadow.report({"led": False})
        await settled(cloud)
        equal((lamp.calls, cloud.state["reported"]["led"]), ([("led", True)], False))
        await cloud.wish(led=True)
        await cloud.reported(led=True)
        equal(lamp.calls, [("led", True)] * 2)


async def test_what_changes_while_away_is_in_step_after_the_next_connection():
    cloud = CloudShadow()
    async with Desk(cloud.serve) as desk:
        shadow = desk.aws.shadow()
        lamp = Lamp(shadow)
        await cloud.reported(led=False, fan=0)
        cloud.present = 1
        await desk.aws._client.disconnect()
        cloud.wish_unheard(led=True)
        await shadow.report({"fan": 7}, timeout_s=8)
        await cloud.reported(led=True, fan=7)
        await settled(cloud)
        equal((lamp.calls, len(cloud.subscribed)), ([("led", True)], 1))


async def test_a_report_that_failed_is_made_by_the_next_connection():
    cloud = CloudShadow()
    async with Desk(cloud.serve, run=False) as desk:
        shadow = desk.aws.shadow()
        Lamp(shadow)
        try:
            await shadow.report({"led": True}, timeout_s=0.05)
        except Exception:  # noqa: BLE001 - that it fails is not what is asked here
            pass
        desk.start()
        await cloud.reported(led=True, fan=0)


async def test_an_older_delta_is_ignored():
    cloud = CloudShadow()
    async with Desk(cloud.serve) as desk:
        lamp = Lamp(desk.aws.shadow())
        await cloud.reported(led=False)
        cloud.version = 20
        await cloud.wish(fan=5)
        await cloud.reported(fan=5)
        await settled(cloud)
        await cloud.send("update/delta", {"version": 20, "state": {"fan": 1}, "metadata": {}})
        for rubbish in ([], {}, {"version": None, "state": {}}, {"version": 30}, 3):
            await cloud.send("update/delta", rubbish)
        await cloud.send("update/documents", {"current": {}})
        await settled(cloud)
        equal((lamp.calls, desk.of(events.TASK_FAILED)), ([("fan", 5)], []))


async def test_a_field_of_fields_is_followed_as_a_whole():
    cloud = CloudShadow(desired={"zone": {"low": 3}}, reported={"zone": {"low": 1, "high": 9}})
    got = []
    async with Desk(cloud.serve) as desk:
        desk.aws.shadow().bind("zone", got.append, {"low": 1, "high": 9})
        await cloud.reported(zone={"low": 3, "high": 9})
        equal(got, [{"low": 3, "high": 9}])


async def test_on_delta_is_given_the_same_delta_once_and_reports_what_it_returns():
    cloud = CloudShadow(desired={"mode": "eco", "other": 1})
    given = []

    async def handler(delta):
        given.append(delta)
        return {"mode": delta["mode"]} if len(given) > 1 else None

    async with Desk(cloud.serve) as desk:
        desk.aws.shadow().on_delta(handler)
        await until(lambda: given)
        await desk.aws.shadow().report({"t": 21})  # the cloud sends the same delta again
        await settled(cloud)
        cloud.present = 1
        await desk.aws._client.disconnect()
        await until(lambda: len(cloud.requests("get")) == 2)
        await settled(cloud)
        equal(given, [{"mode": "eco", "other": 1}])
        await cloud.wish(mode="full")
        await cloud.reported(mode="full")


async def test_a_setter_that_fails_or_hangs_is_told_and_the_others_go_on():
    cloud = CloudShadow(desired={"bad": 1, "led": True})

    def explode(value):
        raise ValueError("no")

    async with Desk(cloud.serve) as desk:
        shadow = desk.aws.shadow()
        shadow.bind("bad", explode, 0)
        shadow.bind("led", lambda on: None, False)
        await cloud.reported(bad=0, led=True)
        failed = desk.of(events.TASK_FAILED)[0]
        equal((failed["task"], failed["code"], "bad" in failed["message"]), ("shadow", "task_failed", True))


async def test_a_refused_report_is_told_and_the_next_wish_is_followed():
    cloud = CloudShadow()
    cloud.refuse = [None, 400]
    async with Desk(cloud.serve) as desk:
        lamp = Lamp(desk.aws.shadow())
        await until(lambda: desk.of(events.TASK_FAILED))
        equal(desk.of(events.TASK_FAILED)[0]["code"], "rejected")
        await cloud.wish(led=True)
        await cloud.reported(led=True, fan=0)
        equal(lamp.calls, [("led", True)])


async def test_without_anything_to_follow_nothing_is_read():
    cloud = CloudShadow(desired={"led": True})
    async with Desk(cloud.serve) as desk:
        shadow = desk.aws.shadow()
        await shadow.service.ready.wait()
        await cloud.send("update/delta", {"version": 5, "state": {"led": True}})
        equal(await settled(cloud), 0)
        equal(json.dumps(desk.aws.messages.any()), "0")


async def test_a_report_of_a_property_that_had_no_answer_is_told_again_on_the_same_connection():
    cloud = CloudShadow()
    async with Desk(cloud.serve) as desk:
        lamp = Lamp(desk.aws.shadow())
        await cloud.reported(led=False)
        await settled(cloud)
        cloud.silent = True
        await raises(errors.RetryError, desk.aws.shadow().report({"led": True}, timeout_s=1))
        cloud.silent = False
        await cloud.reported(led=True)
        equal((lamp.calls, desk.broker.connections), ([], 1))


class Offered:
    """A shadow without a cloud: `followed` is what its LED was told, `document` what it is given when it asks."""

    def __init__(self, document=None):
        self.followed = []
        self.document = document
        self.shadow = Shadow(events.Bus(), None, "shadow", None)
        self.shadow.service.ask = self._ask
        self.shadow.bind("led", self.followed.append, None)

    async def _ask(self, operation, document, timeout_s):
        return self.document if operation == "get" else {"version": 9}

    def delta(self, version, led):
        self.shadow._heard("update/delta", json.dumps({"version": version, "state": {"led": led}}))


async def test_of_deltas_that_overtake_each_other_the_newest_counts():
    offered = Offered()
    offered.delta(3, 3)
    offered.delta(2, 2)
    await asyncio.sleep_ms(20)
    equal(offered.followed, [3])


async def test_a_delta_that_is_older_than_the_document_is_over():
    offered = Offered({"version": 3, "state": {"desired": {"led": 3}, "delta": {"led": 3}}})
    offered.delta(2, 2)
    offered.shadow._online()
    await asyncio.sleep_ms(20)
    equal(offered.followed, [3])


async def test_a_setter_whose_own_task_was_cancelled_keeps_the_others_from_nothing():
    offered, told = Offered(), []

    async def sleep():
        await asyncio.sleep(60)

    async def wait(value):
        task = asyncio.create_task(sleep())
        await asyncio.sleep_ms(0)
        task.cancel()
        await task

    offered.shadow._tell = told.append
    offered.shadow.bind("fan", wait, 0)
    offered.shadow.bind("led", offered.followed.append, 0)
    offered.shadow._heard("update/delta", json.dumps({"version": 2, "state": {"fan": 1, "led": 1}}))
    await asyncio.sleep_ms(50)
    equal((offered.followed, [failure.code for failure in told]), ([1], ["task_failed"]))
