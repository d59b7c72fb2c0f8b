"""Counts in a named shadow, in which the cloud counts, too: nobody's count may get lost."""

import asyncio

import awsesp
import errors

TIMES = 20


async def application(device):
    await device.aws.connected()
    shadow = device.aws.shadow("counter")
    await shadow.get()
    print("application: begins")
    counted = 0
    while counted < TIMES:
        try:
            await shadow.change(one_more)
            counted += 1
        except errors.CloudError:
            pass  # the cloud was quicker five times in a row
    print("application: counted")
    await asyncio.Event().wait()


def one_more(state):
    return {"reported": {"count": state.get("reported", {}).get("count", 0) + 1}}


awsesp.run(application)
