"""The power goes at every single flash write of APPLY: the device has the old settings or the new ones."""

import contextlib
import shutil
import tempfile
from pathlib import Path

from tests.host.ble_desk import Visitor
from tests.stories.conftest import put_settings
from tests.stories.phone import NETWORK, networks
from tests.stories.telling import story
from tools.sim.radio.central import LinkLost

_SHARES = 3  # told at the same time, each with every third write
_MOST_WRITES = 200


def cut_at(desk, n):
    """A phone's visit until the power goes at the n-th write of APPLY; False when that has fewer."""
    device = desk.device
    device.power_on()
    device.wait_for("can be configured over Bluetooth")
    with desk.world.radio.phone() as phone, contextlib.suppress(LinkLost, TimeoutError):
        visitor = Visitor(phone)
        assert visitor.ask(*networks(NETWORK))["code"] == 0
        device.cut_at_write(n, torn=True)
        visitor.write(visitor.frame("APPLY", message_id=9))
    line = device.wait_for(r"^sim: off: power cut at write|INIT --ready--> NORMAL", 30)
    device.cut_at_write(None)
    if "power cut" not in line:
        device.power_cut()
        return False
    device.wait_until_off()
    return True


def at_each_third_write_from(first, desk):
    """Whether each of these cuts has left the new settings behind."""
    device = desk.device
    desk.world.radio.supervision_s, desk.world.radio.interval_ms = 0.2, 2
    put_settings(desk, security="open", networks=[])
    device.power_on()
    device.wait_for("can be configured over Bluetooth")
    device.power_cut()
    with tempfile.TemporaryDirectory() as folder:
        before = shutil.copytree(device.flash.folder, Path(folder) / "before")
        found = []
        for n in range(first, _MOST_WRITES, _SHARES):
            shutil.copytree(before, device.flash.folder, dirs_exist_ok=True)
            if not cut_at(desk, n):
                break
            device.power_on()
            found.append("NORMAL" in device.wait_for(r"INIT --\w+--> (NORMAL|CONFIG)"))
            device.power_cut()
    assert found == sorted(found), "once they are there they stay"
    assert len(found) > 5
    assert (found[0], found[-1]) == (False, True)


@story
def the_power_goes_at_every_write_of_apply_1(desk):
    at_each_third_write_from(1, desk)


@story
def the_power_goes_at_every_write_of_apply_2(desk):
    at_each_third_write_from(2, desk)


@story
def the_power_goes_at_every_write_of_apply_3(desk):
    at_each_third_write_from(3, desk)
