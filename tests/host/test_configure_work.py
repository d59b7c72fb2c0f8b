"""One call of `configure`, when the connection breaks while a person corrects what they typed."""

import pytest

from tools.configure import work
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
