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
