"""One call of `configure`, when the connection breaks while a person corrects what they typed."""

import pytest

from tools.configure import work
from tools.configure.radio import Seen
from tools.configure.trouble import Trouble
from tools.configure.wizard import GivenUp

NOTHING = work.Options("", "", None, False, "", False, False, False, False, None, 0)
REFUSED = Trouble("refused", 6)
LOST = Trouble("link_lost")


class Screen:
    def __init__(self):
        self.told = []
        self.trouble = self.told.append

    def say(self, *_):
        pass

    heading = say


class Scripted:
    """What `work` makes of `Wizard` and `Delivery`: each call takes the next of `steps`, and raises it when it can."""

    def __init__(self, *steps):
        self.steps = list(steps)
        self.codes = []

    def __call__(self, *_):
        return self

    def _step(self, *_):
        step = self.steps.pop(0)
        if isinstance(step, Exception):
            raise step
        return step

    all = send = follow = _step

    def better(self, code):
        self.codes.append(code)
        return self._step()


def done(monkeypatch, wizard, delivery):
    """The troubles that were shown."""
    monkeypatch.setattr(work, "Wizard", wizard)
    monkeypatch.setattr(work, "Delivery", delivery)
    one = work.Work(NOTHING, Screen())
    one._run = one._link = None
    one._ask_and_send()
    return one._screen.told


def test_a_connection_that_breaks_while_a_person_corrects_loses_nothing(monkeypatch):
    """They look for networks anew, for the password was wrong; the device is gone, what was typed is still there."""
    wizard, delivery = Scripted("plan", LOST, "better"), Scripted(REFUSED, "sent", None)
    assert done(monkeypatch, wizard, delivery) == [REFUSED, LOST]
    assert wizard.codes == [6, None]
    assert not wizard.steps and not delivery.steps


def test_who_gives_up_ends_with_the_last_failure(monkeypatch):
    with pytest.raises(Trouble) as caught:
        done(monkeypatch, Scripted("plan", LOST, GivenUp()), Scripted(REFUSED))
    assert caught.value is LOST


def test_a_device_is_called_by_its_name_its_last_digits_or_its_address():
    seen = Seen("awsesp-0a1b2c", "F0:F1:F2:F3:F4:F5", -50, None)
    assert all(
        work._is_called(seen, name) for name in ("awsesp-0a1b2c", "AWSESP-0A1B2C", "0A1b2c", "f0:f1:f2:f3:f4:f5")
    )
    assert not any(work._is_called(seen, name) for name in ("1b2c", "awsesp", "F5", "-0a1b2c"))


def test_however_it_ends_the_device_is_let_go(monkeypatch):
    """It talks to one at a time: a connection that stays hides it from everybody."""

    class Link:
        closed = 0

        def __init__(self, *_):
            pass

        async def close(self):
            Link.closed += 1

    def refuse(_):
        raise REFUSED

    monkeypatch.setattr(work, "Link", Link)
    monkeypatch.setattr(work.Work, "_find", lambda _: None)
    monkeypatch.setattr(work.Work, "_greet", refuse)
    with pytest.raises(Trouble):
        work.Work(NOTHING, Screen()).do()
    assert Link.closed == 1
