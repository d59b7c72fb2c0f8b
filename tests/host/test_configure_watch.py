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
        self.hung_up = 0

    async def scan(self, seconds, enough):
        is_there = self.states and self.states[0] is not None
        if not is_there:
            self.states = self.states[1:]
            await asyncio.sleep(min(seconds, 0.05))
        return [DEVICE] if is_there else []

    async def reach(self):
        pass

    async def close(self):
        self.hung_up += 1

    async def state(self):
        state, self.states = self.states[0], self.states[1:]
        return state


def watched(monkeypatch, *states, link=None):
    link = link or Link(states)
    for name, value in (("scan", link.scan), ("_FIRST_S", 0.01), ("_BETWEEN_S", 0.05)):
        monkeypatch.setattr(watch, name, value)
    asyncio.run(watch.watch(link, total_s=0.3))
    return link


def test_a_device_that_is_seen_while_it_still_joins_is_waited_for(monkeypatch):
    states = (JOINING, {"mode": "CONFIG", "step": "saving"}, {"mode": "CONFIG", "step": "restarting"})
    link = watched(monkeypatch, *states)
    assert link.hung_up == 1 + len(states), "it restarts only when nobody is connected"


def test_a_device_that_comes_back_under_another_address_is_known_by_its_name(monkeypatch):
    link = Link([FAILED])
    link.seen = DEVICE._replace(address="C0:C1:C2:C3:C4:C5")
    with pytest.raises(Trouble) as caught:
        watched(monkeypatch, link=link)
    assert (caught.value.code, link.hung_up) == (6, 1), "it is at hand for what is corrected"


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


L = "link_lost"


class Shaky(Link):
    """The connection breaks at each of the first messages, whatever they are: HELLO, what is told, HELLO again."""

    is_ready = False

    def __init__(self, breaks):
        super().__init__([])
        self.breaks = list(breaks)
        self.told = []
        self.greeted = 0

    async def forget_others(self, networks):
        pass

    async def secure(self):
        self.greeted += not self.is_ready
        self._break()
        self.is_ready = True

    async def ask(self, typ, *_, **__):
        self._break()
        self.told.append(typ)
        return Answer(0, "", {})

    async def close(self):
        self.is_ready = False

    def _break(self):
        if self.breaks and (kind := self.breaks.pop(0)):
            self.is_ready = self.is_ready and kind != "link_lost"
            raise Trouble(kind)


@pytest.mark.parametrize("breaks", [[L], [L, L], [L, None, L], [None, L, L], [None, "no_answer"], [None]])
def test_a_connection_that_breaks_at_any_message_is_made_again(breaks):
    link = Shaky(breaks)
    delivery.Delivery(asyncio.run, link, Screen()).send(Plan([Message("CFG", {}, "settings")], [], []))
    assert link.told == ["CFG", "APPLY"]
    assert link.greeted == 1 + sum(map(bool, breaks)), "each time from the beginning"


def test_a_connection_that_goes_on_breaking_is_given_up():
    link = Shaky([L] * 9)
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


def test_what_the_device_says_of_a_try_that_nobody_heard_the_end_of_is_told():
    state = {"step": "failed", "code": 6, "message": "The Wi-Fi password is wrong."}
    with pytest.raises(Trouble) as caught:
        delivery.Delivery(asyncio.run, Lost([state]), Screen()).send(Plan([], ["home"], []))
    assert (caught.value.code, caught.value.sentence) == (6, state["message"])


def test_the_next_try_has_an_end_of_its_own(monkeypatch):
    async def nobody_comes_back(*_):
        pass

    monkeypatch.setattr(delivery, "watch", nobody_comes_back)
    screen = Screen()
    one = delivery.Delivery(asyncio.run, Lost([]), screen)
    one.send(Plan([], ["home"], []))
    one._link = Shaky([])
    one.send(Plan([], ["home"], []))
    one.follow(180)
    assert "has reached the cloud" in screen.said[-1]
