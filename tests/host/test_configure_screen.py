"""What `configure` and `make phone` show, of what others have named."""

import json
import os
import sys

import pytest

from tests.host.terminal import Terminal
from tools.configure import screen
from tools.configure.radio import Seen
from tools.configure.trouble import Exit
from tools.phone.screen import Screen as PhoneScreen

BAD = "\x1b[2Jfree\x1b]0;owned\x07 [red]Wi-Fi[/red] \x9b2J"


def test_names_of_others_do_nothing_to_the_terminal(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    shown = screen.Screen()
    asked = []
    monkeypatch.setattr(screen.getpass, "getpass", asked.append)
    shown.networks([{"ssid": BAD, "rssi": -50, "secure": True}])
    shown.facts([("device", BAD)])
    shown.warn(BAD)
    with shown.step(BAD):
        pass
    shown.input(f"Password of {BAD}", secret=True)
    said = capsys.readouterr().out + asked[0]
    assert said.count("free") == 5
    assert said.count("[red]Wi-Fi[/red]") == 5
    assert not {"\x1b", "\x07", "\x9b"} & set(said)


def test_a_program_gets_them_whole_and_the_terminal_unharmed(capsys):
    half = "\ud800"  # a device may say so in JSON
    screen.Screen().json({"name": BAD + half})
    said = capsys.readouterr().out
    assert json.loads(said) == {"name": BAD + half}
    assert not {"\x1b", "\x07", "\x9b"} & set(said)


@pytest.mark.parametrize("make", [screen.Screen, PhoneScreen])
def test_colons_make_no_pictures_of_letters(capsys, make):
    shown = make()
    shown.say("lost :x:")
    shown.facts([("name", "F0:AB:12")])
    said = capsys.readouterr().out
    assert "lost :x:" in said and "F0:AB:12" in said


def test_the_address_of_a_device_is_shown_as_it_is(capsys):
    screen.Screen().devices([Seen("esp-ab1234", "F0:AB:12:0A:B0:00", -50, None)])
    assert "F0:AB:12:0A:B0:00" in capsys.readouterr().out


ASK = "from tools.configure.screen import Screen; one = Screen(); print(one.input('Name:'), one.input('Word:', True))"


def test_letters_of_another_encoding_are_asked_for_again():
    environment = {**os.environ, "TERM": "xterm", "PYTHONIOENCODING": "utf-8:strict"}
    with Terminal([sys.executable, "-c", ASK], environment) as person:
        for prompt in ("Name:", "Word:"):
            person.answer(prompt, "Z\udcfcrich")  # as a terminal of Latin 1 sends it
            person.see("type it again")
            person.answer(prompt, "Z\u00fcrich")
        person.see("Z\u00fcrich Z\u00fcrich")
        assert person.wait() == 0


def test_signals_have_as_many_bars_as_on_the_page():
    assert [screen.bars(rssi) for rssi in (-40, -67, -68, -75, -76, -82, -83, -100)] == [4, 4, 3, 3, 2, 2, 1, 1]


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere it would look for real devices")
def test_a_terminal_without_utf_8_shows_question_marks(tmp_path):
    nowhere = f"unix:path={tmp_path / 'nothing'}"
    environment = {
        **os.environ,
        "TERM": "xterm",
        "PYTHONIOENCODING": "ascii:strict",
        "DBUS_SYSTEM_BUS_ADDRESS": nowhere,
    }
    with Terminal([sys.executable, "-m", "tools", "configure", "--list"], environment) as person:
        person.see("? No Bluetooth")
        assert person.wait() == Exit.BLUETOOTH
