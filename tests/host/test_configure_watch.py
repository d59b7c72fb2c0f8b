"""After "saved", or when the connection was lost while the device tries: what `configure` makes of what it sees."""

import asyncio

import pytest

from tools.configure import watch
from tools.configure.radio import Seen
from tools.configure.trouble import Trouble

DEVICE = Seen("esp-123456", "F0:F1:F2:F3:F4:F5", -50, None)
JOINING = {"mode": "CONFIG", "step": "joining", "last": None}
FAILED = {"mode": "CONFIG", "step": "failed", "last": {"code": 6, "message": "Wrong password."}}


class Link:
    """Shows one STATE after the other; None: it is not there. At the end it is not there any more."""

    seen = DEVICE

    def __init__(self, states):
        self.states = states

    async def scan(self, seconds, enough):
        is_there = self.states and self.states[0] is not None
        if not is_there:
            self.states = self.states[1:]
            await asyncio.sleep(min(seconds, 0.05))
        return [DEVICE] if is_there else []

    async def reach(self):
        pass

    async def close(self):
        pass

    async def state(self):
        state, self.states = self.states[0], self.states[1:]
        return state


def watched(monkeypatch, *states):
    link = Link(states)
    for name, value in (("scan", link.scan), ("_FIRST_S", 0.01), ("_BETWEEN_S", 0.05)):
        monkeypatch.setattr(watch, name, value)
    asyncio.run(watch.watch(link, total_s=0.3))


def test_a_device_that_is_seen_while_it_still_joins_is_waited_for(monkeypatch):
    watched(monkeypatch, JOINING, {"mode": "CONFIG", "step": "saving"}, {"mode": "CONFIG", "step": "restarting"})


def test_however_long_it_joins_its_failure_is_told(monkeypatch):
    with pytest.raises(Trouble) as caught:
        watched(monkeypatch, *[JOINING] * 10, None, FAILED)
    assert (caught.value.kind, caught.value.code) == ("came_back", 6)
