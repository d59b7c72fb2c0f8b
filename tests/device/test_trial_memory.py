"""A trial for which there is no memory at the wrong moment."""

import asyncio

from harness import equal
from ota import slot
from update_desk import tried

TIMEOUT_S = 30
HEAP = "16m"  # for what the desk keeps


def test_memory_that_is_not_there_for_a_moment_does_not_condemn_a_version():
    switch, ended = slot.switch, []

    def short():
        if desk.starts[-1] == "1.1.0" and len(ended) < 2:
            ended.append("switch")
            raise MemoryError
        return switch()

    async def application(device):
        save = device.flash.save

        async def fails_once(name, *data):
            if name == "update" and "save" not in ended:
                ended.append("save")
                raise MemoryError
            await save(name, *data)

        device.flash.save = fails_once
        await asyncio.sleep(1000)

    desk = tried(application)
    slot.switch = short
    try:
        desk.live_on()
    finally:
        slot.switch = switch
    equal((desk.status(), desk.starts.count("1.1.0")), (("SUCCEEDED", None), 1))
    equal(ended, ["switch", "switch", "save"])
