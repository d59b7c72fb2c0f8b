"""The power goes at every flash write of an update of 32 KB, whole and torn: the device always starts from a good slot,
keeps its settings and its data, and finishes the update at last."""

import asyncio

from harness import equal
from update_desk import Desk

TIMEOUT_S = 300  # 80 s on a desk that is busy
HEAP = "8m"


async def application(device):
    if device.flash.read(0, 4) == bytes(4):
        await device.flash.write(0, b"data")
        await device.flash.flush()
    while True:
        await asyncio.sleep(60)


def prepared():
    """A desk with a device that has been at work, whose update is released."""
    desk = Desk(application)
    equal(desk.live(limit_s=30), "calm")
    desk.send("1.1.0")
    return desk


def keep(cloud):
    """The executions as they are now."""
    return {name: dict(cloud.executions[name]) for name in cloud.executions}


def check(desk, cut):
    """From here on it comes through by itself."""
    desk.live_on(most=16)
    if (desk.status(), desk.version(), desk.system.mode) != (("SUCCEEDED", None), "1.1.0", "NORMAL"):
        raise AssertionError("after a cut at write %s: %s, version %s" % (cut, desk.status(), desk.version()))
    equal(desk.system.flash.read(0, 4), b"data")
    equal(desk.system.identity.name, "boiler-7")


def cuts(start, write):
    """How the n-th write of a start is cut: torn, too, now and then in the second one, which writes the slot."""
    return (False, True) if start == 1 and write % 3 == 0 else (False,)


def test_an_update_survives_a_power_cut_at_every_write():
    desk = prepared()
    count = 0
    for start in range(3):
        before, cloud = desk.snapshot(), keep(desk.cloud)
        write, is_over = 1, False
        while not is_over:
            for torn in cuts(start, write):
                desk.restore(before)
                desk.cloud.executions = {name: dict(cloud[name]) for name in cloud}
                is_over = desk.live(desk.has_ended, cut=write, torn=torn) != "cut"
                if is_over:
                    break  # with this start as it should be, for the next one
                count += 1
                check(desk, (start, write, torn))
            write += 1
        equal(write > 3, True)  # there were some
    equal((desk.status(), desk.version()), (("SUCCEEDED", None), "1.1.0"))
    equal(count > 150, True)
