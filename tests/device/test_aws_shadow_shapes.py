"""Documents that AWS would not send: the device tells what it cannot use, and follows the next one that it can."""

import asyncio
import json
import random

import errors
import events
from aws.shadow import Shadow
from harness import equal

TIMEOUT_S = 60
DEEP = 10000


def nested(depth, inner="1"):
    return "[" * depth + inner + "]" * depth


class Cloud:
    """A shadow whose service answers with `document`, without a network; `told`: what was reported, failures."""

    def __init__(self):
        self.document = {}
        self.reports = []
        self.led = []
        self.bus = events.Bus()
        self.failures = self.bus.listen(events.TASK_FAILED)
        self.shadow = Shadow(self.bus, None, "shadow", None)
        self.shadow.service.ask = self.ask
        self.shadow.service.ready.set()

    async def ask(self, operation, document, timeout_s):
        if operation == "update":
            self.reports.append(document["state"]["reported"])
            return {"version": 1}
        return self.document

    async def settled(self):
        for _ in range(50):
            await asyncio.sleep_ms(0)
            if self.shadow._task is None:
                return
        raise AssertionError("it goes on for ever")

    def told(self):
        """Codes of the failures that were told since the last call."""
        found = []
        while self.failures.any():
            found.append(self.failures._queue.pop(0).data["code"])
        return found

    async def good_delta(self, version):
        """One that any device follows, whatever came before; whether it did."""
        self.led.clear()
        self.delta({"version": version, "state": {"led": version}, "metadata": {"led": {"timestamp": version}}})
        await self.settled()
        return self.led == [version]

    def delta(self, message):
        text = message if isinstance(message, str) else json.dumps(message)
        self.shadow._heard("update/delta", memoryview(text.encode()))


def new_cloud():
    cloud = Cloud()
    cloud.shadow.bind("led", cloud.led.append, 0)
    cloud.shadow.on_delta(lambda delta: None)
    return cloud


GOOD = {
    "version": 3,
    "timestamp": 1700000000,
    "state": {"desired": {"led": 1, "fan": {"speed": [1, 2]}}, "reported": {"led": 0}, "delta": {"led": 1}},
    "metadata": {"desired": {"led": {"timestamp": 1}, "fan": {"speed": [{"timestamp": 1}]}}, "reported": {}},
}
JUNK = (None, True, -1, 1.5, 10**40, "", "led", [], ["led"], [[]], {}, {"led": None}, {"led": {"led": [{}]}})


def paths(value, at=()):
    yield at
    if isinstance(value, dict):
        for name in value:
            for path in paths(value[name], at + (name,)):
                yield path


def spoiled(path, junk):
    """GOOD with `junk` at this path, or without it for the junk that is `paths`."""
    document = json.loads(json.dumps(GOOD))
    parent = document
    for name in path[:-1]:
        parent = parent[name]
    if junk is paths:
        del parent[path[-1]]
    else:
        parent[path[-1]] = junk
    return document


async def check(cloud, version):
    """Nothing is at work any more, nothing has escaped, and a good delta is followed."""
    await cloud.settled()
    cloud.told()
    cloud.reports.clear()  # a thousand that are kept between garbage leave no piece of 8 KB in two megabytes
    cloud.shadow._applied = 0 if isinstance(cloud.shadow._applied, int) else cloud.shadow._applied
    equal(await cloud.good_delta(version), True)


async def test_whatever_is_wrong_in_a_document_the_next_good_one_is_followed():
    escaped = []
    asyncio.get_event_loop().set_exception_handler(lambda loop, context: escaped.append(context["exception"]))
    cloud, version = new_cloud(), 1000
    for path in list(paths(GOOD))[1:]:
        for junk in JUNK + (paths,):
            version += 1
            cloud.document = spoiled(path, junk)
            cloud.shadow._online()
            await check(cloud, version)
            version += 1
            state = spoiled(path, junk)
            cloud.delta({"version": version, "state": state.get("state"), "metadata": state.get("metadata")})
            await check(cloud, version + 1)
            version += 1
            equal((path, junk, escaped), (path, junk, []))


async def test_documents_that_are_spoiled_in_many_places_harm_nobody():
    escaped = []
    asyncio.get_event_loop().set_exception_handler(lambda loop, context: escaped.append(context["exception"]))
    random.seed(1)
    places = list(paths(GOOD))[1:]
    cloud, version = new_cloud(), 1000
    for _ in range(300):
        version += 1
        document = json.loads(json.dumps(GOOD))
        for _ in range(3):
            spoil(document, random.choice(places), random.choice(JUNK))
        cloud.document = document
        cloud.shadow._online()
        await check(cloud, version)
        equal(escaped, [])


def spoil(document, path, junk):
    for name in path[:-1]:
        document = document.get(name) if isinstance(document, dict) else None
    if isinstance(document, dict):
        document[path[-1]] = junk


async def test_what_cannot_be_used_is_told():
    cloud = new_cloud()
    for state in ([], "x", 7, {"desired": 1, "delta": 1}, {"reported": [1]}):
        if not state:
            continue
        cloud.document = {"version": 2, "state": state}
        cloud.shadow._online()
        await cloud.settled()
        equal((state, cloud.told()), (state, ["task_failed"]))


async def test_nesting_without_end_is_told_and_not_compared():
    cloud = new_cloud()
    desired = json.loads(nested(DEEP))
    cloud.document = {"version": 2, "state": {"desired": {"led": desired}, "delta": {"led": desired}}}
    for _ in range(2):
        cloud.shadow._online()
        await cloud.settled()
        equal(cloud.told(), ["limit"])
    cloud.delta('{"version": 5, "state": {"led": %s}}' % nested(DEEP))
    await cloud.settled()
    equal((cloud.told(), cloud.led), (["limit"], []))
    equal(await cloud.good_delta(6), True)


async def test_as_deep_as_a_shadow_may_be_is_followed():
    cloud = new_cloud()
    desired = json.loads(nested(8))
    cloud.document = {"version": 2, "state": {"desired": {"led": desired}, "delta": {"led": desired}}}
    cloud.shadow._online()
    await cloud.settled()
    equal((cloud.told(), cloud.led), ([], [desired]))
    try:
        await cloud.shadow.get()
    except errors.DeviceError as failure:
        raise AssertionError(failure)
