"""A shadow that AWS IoT refuses to give is asked for again, on the connection that stands."""

import asyncio

import aws.shadow
import events
from aws_desk import Desk
from harness import equal
from scripted_broker import until
from shadow_desk import CloudShadow, settled

COMPANIONS = ["tls_servers"]
TIMEOUT_S = 20


class Hours:
    """asyncio, where an hour ends when `over` is set; `waiting`: how many wait for that."""

    def __init__(self):
        self.over = asyncio.Event()
        self.waiting = 0

    def __getattr__(self, name):
        return getattr(asyncio, name)

    async def sleep(self, seconds):
        equal(seconds > 3600, True)
        self.waiting += 1
        await self.over.wait()


async def test_a_shadow_that_was_refused_is_asked_for_again_after_an_hour():
    cloud, hours, followed = CloudShadow(desired={"led": True}), Hours(), []
    cloud.refuse = [403, 403]
    aws.shadow.asyncio = hours
    try:
        async with Desk(cloud.serve) as desk:
            shadow = desk.aws.shadow()
            shadow.bind("led", followed.append, False)
            await until(lambda: desk.of(events.TASK_FAILED))
            shadow.bind("fan", followed.append, 0)
            await until(lambda: len(desk.of(events.TASK_FAILED)) == 2)
            await settled(cloud)
            equal((followed, len(cloud.requests("get")), hours.waiting), ([], 2, 1))
            hours.over.set()
            await cloud.reported(led=True, fan=0)
            equal((followed, desk.broker.connections), ([True], 1))
    finally:
        aws.shadow.asyncio = asyncio


class Seconds(Hours):
    """asyncio, where none of the waits of seconds is longer than a moment."""

    async def sleep_ms(self, wait_ms):
        self.waiting += wait_ms >= 5000
        await asyncio.sleep_ms(min(wait_ms, 50))


async def test_a_shadow_is_followed_though_there_was_no_memory_to_tell_that_there_was_none_for_it():
    cloud, seconds, followed, short = CloudShadow(desired={"led": True}), Seconds(), [], []
    aws.shadow.asyncio = seconds
    try:
        async with Desk(cloud.serve, run=False) as desk:
            shadow = desk.aws.shadow()
            shadow.bind("led", followed.append, False)
            get, emit = shadow._get, desk.aws._bus.emit

            def no_memory(what):
                if what not in short:
                    short.append(what)
                    raise MemoryError

            async def starved_get():
                no_memory("get")
                return await get()

            def starved_emit(name, **data):
                if name == events.TASK_FAILED:
                    no_memory("tell")
                emit(name, **data)

            shadow._get, desk.aws._bus.emit = starved_get, starved_emit
            desk.start()
            await cloud.reported(led=True)
            equal((followed, short, seconds.waiting), ([True], ["get", "tell"], 1))
    finally:
        aws.shadow.asyncio = asyncio
