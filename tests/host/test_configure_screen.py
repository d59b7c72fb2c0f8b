"""What `configure` shows, of what others have named."""

import io

from rich.console import Console

from tools.configure import screen

BAD = "\x1b[2Jfree\x1b]0;owned\x07 [red]Wi-Fi[/red] \x9b2J"


def test_names_of_others_do_nothing_to_the_terminal(monkeypatch):
    output = io.StringIO()
    shown = screen.Screen(Console(file=output, force_terminal=False, width=200, highlight=False))
    asked = []
    monkeypatch.setattr(screen.getpass, "getpass", asked.append)
    shown.networks([{"ssid": BAD, "rssi": -50, "secure": True}])
    shown.facts([("device", BAD)])
    shown.warn(BAD)
    with shown.step(BAD):
        pass
    shown.input(f"Password of {BAD}", secret=True)
    said = output.getvalue() + asked[0]
    assert said.count("free") == 5
    assert said.count("[red]Wi-Fi[/red]") == 5
    assert not {"\x1b", "\x07", "\x9b"} & set(said)
