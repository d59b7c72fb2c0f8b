"""What is typed at a simulated board and cannot be done: each is answered with what to type instead."""

import pytest

from tools.sim import World
from tools.sim.commands import Commands


@pytest.mark.parametrize(
    ("line", "answer"),
    [
        ("lamp", "sim: unknown command 'lamp'; type help"),
        ("wifi", "sim: say wifi on|off|refuse|accept|stall|flow|kick|no-address|address [NAME] (the access point)"),
        ("wifi off nowhere", "sim: there is no network 'nowhere', only home"),
        ("signal -80 nowhere", "sim: there is no network 'nowhere', only home"),
        ("wifi off 'no end", "sim: No closing quotation"),
        ("latency -5", "sim: say latency MS (how long a packet takes to the router)"),
        ("block https", "sim: say block PORT (a firewall drops what goes to this port)"),
        ("hostile angry", "sim: say hostile garbage|short|wrong_id|loop|kiss|none (what name and time servers send)"),
        ("ntp maybe", "sim: say ntp on|off (the time servers)"),
    ],
)
def test_a_line_that_cannot_be_obeyed_is_answered_with_one_that_can(line, answer):
    told = []
    with World() as world:
        world.access_point("home", "correct horse")
        assert Commands(None, world, told.append).obey(line)
    assert told == [answer]


def test_the_world_does_as_it_is_told():
    with World() as world:
        point, room = (world.access_point(name, "correct horse") for name in ("home", "bed room"))
        commands = Commands(None, world, print)
        for line in ("signal -80 home", "latency 30", "ntp off", "hostile garbage"):
            assert commands.obey(line)
        assert commands.obey("signal -70 'bed room'") and commands.obey("")
        assert (point.rssi, room.rssi) == (-80, -70)
        assert (point.rssi, point.latency_ms, world.ntp, world.hostile) == (-80, 30, False, "garbage")
        assert not commands.obey("quit")
