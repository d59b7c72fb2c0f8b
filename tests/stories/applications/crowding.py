"""An application that leaves no memory for enrolling beside it."""

import asyncio

import awsesp
import errors
from aws.session import Session

running = []
provision = Session.provision


async def crowded(session, *details):
    if running:
        raise errors.error("no_memory")
    return await provision(session, *details)


Session.provision = crowded


async def application(device):
    running.append(True)
    print("application: is there")
    await device.aws.connected()
    print("application: connected as %s" % device.name)
    while True:
        await asyncio.sleep(10)


awsesp.run(application)
