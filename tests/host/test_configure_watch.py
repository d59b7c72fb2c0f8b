"""After "saved", or when the connection was lost while the device tries: what `configure` makes of what it sees."""

import asyncio
import contextlib

import pytest

from tools.configure import delivery, watch
from tools.configure.document import Message, Plan
from tools.configure.radio import Seen
from tools.configure.talk import Answer
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


class Screen:
    def __init__(self):
        self.said = []
        self.say = self.good = self.warn = self.said.append

    @contextlib.contextmanager
    def step(self, *_):
        yield self

    def detail(self, _):
        pass

    advance = detail


class Lost(Link):
    """Its connection breaks when it tries the settings; then it shows its states."""

    is_ready = True

    async def forget_others(self, networks):
        pass

    async def ask(self, *_, **__):
        raise Trouble("link_lost")

    async def reach(self):
        if not self.states:
            raise Trouble("no_answer")


class Shaky(Link):
    """The connection breaks at each of the first messages, whatever they are: HELLO, what is told, HELLO again."""

    is_ready = False

    def __init__(self, breaks):
        super().__init__([])
        self.breaks = breaks
        self.told = []

    async def forget_others(self, networks):
        pass

    async def secure(self):
        self._break()
        self.is_ready = True

    async def ask(self, typ, *_, **__):
        self._break()
        self.told.append(typ)
        return Answer(0, "", {})

    async def close(self):
        self.is_ready = False

    def _break(self):
        if self.breaks and self.breaks.pop(0):
            self.is_ready = False
            raise Trouble("link_lost")


@pytest.mark.parametrize("breaks", [[True], [True, True], [True, False, True], [False, True, True], [False, False]])
def test_a_connection_that_breaks_at_any_message_is_made_again(breaks):
    link = Shaky(breaks)
    delivery.Delivery(asyncio.run, link, Screen()).send(Plan([Message("CFG", {}, "settings")], [], []))
    assert link.told == ["CFG", "APPLY"]


def test_a_connection_that_goes_on_breaking_is_given_up():
    link = Shaky([True] * 9)
    with pytest.raises(Trouble) as caught:
        delivery.Delivery(asyncio.run, link, Screen()).send(Plan([], [], []))
    assert (caught.value.kind, len(link.breaks)) == ("link_lost", 6)


@pytest.mark.parametrize(("states", "is_sure"), [([], False), ([{"step": "restarting"}], True)])
def test_what_nobody_heard_is_not_called_a_success(monkeypatch, states, is_sure):
    async def nobody_comes_back(*_):
        pass

    monkeypatch.setattr(delivery, "watch", nobody_comes_back)
    screen = Screen()
    one = delivery.Delivery(asyncio.run, Lost(states), screen)
    one.send(Plan([], ["home"], []))
    one.follow(180)
    assert ("has reached the cloud" in screen.said[-1]) == is_sure
