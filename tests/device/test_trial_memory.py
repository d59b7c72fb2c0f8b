"""A trial for which there is no memory at the wrong moment."""

import asyncio

from esp32 import Partition

from flash import Flash
from harness import equal
from ota import slot
from update_desk import Desk, tried

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


def test_memory_that_is_not_there_for_a_moment_does_not_end_the_trials_of_a_version():
    desk = tried(None)
    desk.is_reachable = False
    equal(desk.live(), "restart")  # no trial: the cloud is away
    desk.is_reachable = True
    switch, ended = slot.switch, []

    def short():
        if len(ended) < 2:
            ended.append(desk.system.mode)
            raise MemoryError
        return switch()

    boot = Partition.set_boot

    def shorter(partition):
        if len(ended) < 3:
            ended.append("boot")
            raise MemoryError
        boot(partition)

    slot.switch, Partition.set_boot = short, shorter
    try:
        desk.live_on()
    finally:
        slot.switch, Partition.set_boot = switch, boot
    equal((desk.status(), desk.starts.count("1.1.0"), ended), (("SUCCEEDED", None), 2, ["NORMAL", "NORMAL", "boot"]))


def test_memory_that_ends_while_an_update_is_noted_as_accepted_fails_its_job_and_nothing_else():
    desk = Desk()
    desk.send("1.1.0")
    save, ended = Flash.save, []

    async def short(flash, name, *data):
        if name == "update":
            ended.append(desk.system.mode)
            raise MemoryError
        await save(flash, name, *data)

    Flash.save = short
    try:
        equal(desk.live(desk.has_ended), "calm")
    finally:
        Flash.save = save
    equal((desk.status(), desk.starts), (("FAILED", "task_failed"), ["1.0.0"]))
