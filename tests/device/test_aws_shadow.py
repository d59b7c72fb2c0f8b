"""The shadow: asking for it, changing it, refusals."""

import asyncio

import aws.receiver
import errors
import events
from aws_desk import Desk
from harness import equal, raises
from scripted_broker import until
from shadow_desk import CloudShadow

COMPANIONS = ["tls_servers"]
TIMEOUT_S = 20

BASE = "$aws/things/lamp/shadow/"


async def test_a_shadow_is_read_reported_desired_and_deleted():
    cloud = CloudShadow()
    async with Desk(cloud.serve) as desk:
        shadow = desk.aws.shadow()
        equal(await shadow.get(), None)
        equal(await shadow.report({"led": True, "t": 21}), 1)
        equal(await shadow.desire({"led": False}), 2)
        document = await shadow.get()
        equal(document["state"]["reported"], {"led": True, "t": 21})
        equal(document["state"]["delta"], {"led": False})
        equal((document["version"], shadow.version, "metadata" in document), (2, 2, False))
        await shadow.report({"t": None})
        equal(cloud.state["reported"], {"led": True})
        equal(await shadow.delete(), True)
        equal(await shadow.delete(), False)
        equal(await shadow.get(), None)


async def test_it_listens_to_five_topics_and_to_two_more_for_deleting():
    cloud = CloudShadow()
    async with Desk(cloud.serve) as desk:
        shadow = desk.aws.shadow()
        await shadow.get()
        ends = ["get/accepted", "get/rejected", "update/accepted", "update/rejected", "update/delta"]
        equal(cloud.subscribed, [[BASE + end for end in ends]])
        await shadow.delete()
        await shadow.get()
        equal(cloud.subscribed[1][5:], [BASE + "delete/accepted", BASE + "delete/rejected"])
        equal(len(cloud.subscribed), 2)


async def test_a_named_shadow_is_another_document_and_the_same_name_the_same_object():
    cloud = CloudShadow(BASE + "name/config/", desired={"a": 1})
    async with Desk(cloud.serve) as desk:
        classic, named = desk.aws.shadow(), desk.aws.shadow("config")
        equal((desk.aws.shadow() is classic, desk.aws.shadow("config") is named, named is classic), (True, True, False))
        equal((await named.get())["state"]["desired"], {"a": 1})
        # An answer of the named one is none of the classic one's.
        failure = await raises(errors.RetryError, classic.get(timeout_s=0.2))
        equal(failure.code, "no_answer")


async def test_requests_go_one_after_the_other():
    cloud = CloudShadow()
    cloud.silent = True
    async with Desk(cloud.serve) as desk:
        shadow = desk.aws.shadow()
        asking = [asyncio.create_task(shadow.report({"n": n})) for n in range(3)]
        await until(lambda: cloud.peer)
        await asyncio.sleep_ms(200)
        equal(cloud.asked, [])
        for task in asking:
            task.cancel()
        cloud.silent = False
        await shadow.report({"n": 4})
        equal(cloud.reports(), [{"n": 4}])


async def test_a_change_among_others_is_merged_again():
    cloud = CloudShadow(desired={"count": 5}, reported={})

    def one_more(state):
        if len(cloud.requests("get")) < 3:
            cloud.wish_unheard(count=state["desired"]["count"] + 10)  # somebody else was quicker
        return {"desired": {"count": state["desired"]["count"] + 1}}

    async with Desk(cloud.serve) as desk:
        shadow = desk.aws.shadow()
        equal(await shadow.change(one_more), cloud.version)
        equal(cloud.state["desired"], {"count": 26})
        equal(len(cloud.requests("update")), 3)
        asked = len(cloud.asked)
        await shadow.change(lambda state: None)
        equal(len(cloud.asked), asked + 1)


async def test_a_change_that_never_comes_through_is_given_up():
    cloud = CloudShadow(desired={"count": 5}, reported={})

    def too_late(state):
        cloud.wish_unheard(count=1)
        return {"desired": {"count": 2}}

    async with Desk(cloud.serve) as desk:
        failure = await raises(errors.CloudError, desk.aws.shadow().change(too_late))
        equal((failure.code, failure.reason, len(cloud.requests("update"))), ("rejected", 409, 5))


async def test_refusals_are_errors_that_say_what_to_do():
    cloud = CloudShadow()
    async with Desk(cloud.serve) as desk:
        shadow = desk.aws.shadow()
        cloud.refuse = [413, 400, 429, 401]
        equal((await raises(errors.BugError, shadow.report({"a": 1}))).code, "limit")
        failure = await raises(errors.CloudError, shadow.report({"a": 1}))
        equal((failure.code, failure.reason), ("rejected", 400))
        # 429 is asked again, and then it is something else
        equal((await raises(errors.CloudError, shadow.report({"a": 1}))).reason, 401)
        asked = len(cloud.asked)
        equal((await raises(errors.BugError, shadow.report({"a": "x" * 8192}))).code, "limit")
        equal(len(cloud.asked), asked)
        for name in ("", "x" * 65, "a/b", "a b"):
            equal(raises(errors.BugError, lambda name=name: desk.aws.shadow(name)).code, "limit")


async def test_an_answer_for_which_there_is_no_memory_is_told_as_that_and_ends_nothing():
    def no_room(size):
        raise MemoryError

    cloud = CloudShadow(desired={"text": "x" * 1200})
    async with Desk(cloud.serve) as desk:
        shadow = desk.aws.shadow()
        aws.receiver.bytearray = no_room
        try:
            equal((await raises(errors.RetryError, shadow.get())).code, "no_memory")
        finally:
            del aws.receiver.bytearray
        equal((await shadow.get())["version"], 1)
        dropped = desk.of(events.MESSAGE_DROPPED)[0]
        equal((dropped["reason"], dropped["topic"]), ("no_memory", "$aws/things/lamp/shadow/get/accepted"))


async def test_no_more_shadows_than_aws_has_subscriptions_for():
    async with Desk(CloudShadow().serve, run=False) as desk:
        for number in range(10):
            desk.aws.shadow("s%d" % number)
        equal(raises(errors.BugError, lambda: desk.aws.shadow("one more")).code, "limit")
        equal((await raises(errors.BugError, desk.aws.subscribe("t"))).code, "limit")


async def test_without_a_connection_every_request_ends_in_time():
    async with Desk(CloudShadow().serve, run=False) as desk:
        shadow = desk.aws.shadow()
        for request in (shadow.get(0.05), shadow.report({}, 0.05), shadow.desire({}, 0.05), shadow.delete(0.05)):
            equal((await raises(errors.RetryError, request)).code, "not_connected")
