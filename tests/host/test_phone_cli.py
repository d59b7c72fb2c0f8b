"""`make phone` as a person uses it: what it prints, and what it leaves behind, which is nothing."""

import os
import re
import sys
import time
import urllib.request

import pytest
from typer.testing import CliRunner

from tests.host.terminal import Terminal
from tools.interpreter import ROOT
from tools.phone.cli import _opened, app
from tools.phone.screen import Screen
from tools.sim.radio import dbus_daemon, rendezvous


def phone(*options, **environment):
    """The command in a terminal."""
    command = [sys.executable, "-m", "tools", "phone", "--port", "0", *options]
    return Terminal(command, {**os.environ, "TERM": "xterm", "COLUMNS": "200", **environment})


def eventually(path):
    """The text of a file that another process writes."""
    deadline = time.monotonic() + 10
    while not path.exists() or not path.read_text().endswith("\n"):
        assert time.monotonic() < deadline, f"{path} was not written"
        time.sleep(0.02)
    return path.read_text()


def fetched(url):
    with urllib.request.urlopen(url, timeout=10) as answer:
        return answer.read().decode()


@pytest.mark.skipif(
    not dbus_daemon.is_installed(), reason="no dbus-daemon on this machine; on Debian: apt-get install dbus"
)
def test_a_simulated_device_beside_the_page(tmp_path):
    browser = tmp_path / "chromium"
    browser.write_text('#!/bin/sh\necho "$DBUS_SYSTEM_BUS_ADDRESS $* $$" > "$0.started"\nexec sleep 100\n')
    browser.chmod(0o755)
    with phone("--open", DISPLAY=":9", PATH=f"{tmp_path}:{os.environ['PATH']}") as person:
        person.see("The label of the device")
        person.see("▄▄▄▄▄▄▄")  # the QR code
        person.see("What the page will ask for")
        person.see("files")
        person.see("DBUS_SYSTEM_BUS_ADDRESS=unix:path=")
        person.see("--enable-features=WebBluetooth")
        person.see("What the device does")
        label = re.search(r"setup code +([A-Z2-7-]{19})", person.text)[1]
        link = re.search(r"link +(http://localhost:\d+/)#(\w+)", person.text)
        assert label.replace("-", "") == link[2]
        assert "<title>Device setup</title>" in fetched(link[1])
        address = re.search(r"(unix:path=\S+)", person.text)[1]
        assert rendezvous.FILE.read_text().strip() == address
        files = sorted(path.name for path in (ROOT / ".phone").iterdir())
        assert files == ["claim-certificate.pem.crt", "claim-private.pem.key", "root-CA.pem"]
        bus, *flags, opened, process = eventually(tmp_path / "chromium.started").split()
        assert (bus, opened) == (address, f"{link[1]}#{link[2]}")
        assert "--enable-features=WebBluetooth" in flags
        person.type("wifi off")
        person.type("new")
        person.see("The label of the device")
        person.see("link")
        assert re.findall(r"setup code +([A-Z2-7-]{19})", person.text)[-1] != label
        person.interrupt()
        assert person.wait() == 0
        assert "Traceback" not in person.text
    assert not rendezvous.FILE.exists()
    assert not (ROOT / ".phone").exists()
    assert not os.path.exists(address.partition("path=")[2])
    with pytest.raises(ProcessLookupError):
        os.kill(int(process), 0)


def test_a_browser_that_cannot_be_opened_is_told(capsys, monkeypatch):
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    with _opened(Screen(), "http://localhost/", {}):
        assert capsys.readouterr().out.startswith("--open: ")


def test_what_the_device_does_is_told_in_words_once_it_is_followed(capsys):
    screen = Screen()
    line = "    4.05 NORMAL aws.connected client_id=device-1 endpoint=abc.example session_present=False"
    screen.device(line)
    assert capsys.readouterr().out == ""
    screen.follows = True
    screen.device(line)
    screen.device("application: told aws.connected is nice")
    told = capsys.readouterr().out
    assert line.strip() in told
    assert told.count("✓ online") == 1


def test_a_narrow_terminal_cuts_nothing_off_that_is_to_be_copied(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "40")
    link = "http://localhost:8765/#AAISEM2EKVTHPCEZ"
    Screen().label("awsesp-0a1b2c", "AAIS-EM2E-KVTH-PCEZ", link)
    assert f"  link        {link}\n" in capsys.readouterr().out


@pytest.mark.skipif(
    not dbus_daemon.is_installed(), reason="no dbus-daemon on this machine; on Debian: apt-get install dbus"
)
def test_the_end_of_what_is_typed_ends_it():
    with phone() as person:
        person.see("What the device does")
        person.type("\x04", end="")
        assert person.wait() == 0


def test_the_page_alone_with_the_label_of_a_real_device():
    with phone("--no-device", "--code", "aais em2e kvth pcez", "--page", "https://example.com/setup/") as person:
        person.see("▄▄▄▄▄▄▄")
        person.see("https://example.com/setup/#AAISEM2EKVTHPCEZ")
        person.see("Ctrl-C ends it")
        assert "<title>Device setup</title>" in fetched(re.search(r"http://localhost:\d+/", person.text)[0])
        person.interrupt()
        assert person.wait() == 0


def test_no_label_is_made_of_a_code_that_is_none():
    result = CliRunner().invoke(app, ["--code", "AAIS-EM2E-KVTH-PCE"])
    assert (result.exit_code, "15 characters" in result.output) == (2, True), result.output
    assert "PCE" not in result.output


def test_without_a_dbus_daemon_the_page_is_served_all_the_same(tmp_path):
    with phone(PATH=str(tmp_path)) as person:
        person.see("No simulated device here: no dbus-daemon")
        person.see("it configures real boards")
        person.interrupt()
        assert person.wait() == 0


def test_a_port_that_is_taken_is_named():
    with phone("--no-device") as person:
        person.see("Ctrl-C ends it")
        port = re.search(r"http://localhost:(\d+)/", person.text)[1]
        with phone("--no-device", "--port", port) as other:
            other.see(f"port {port} cannot be used (address already in use)")
            assert other.wait() == 1
