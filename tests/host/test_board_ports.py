"""`make flash` and `make monitor` without their board, `make deps` without the index: what the person is told."""

import http.server
import os
import pty
import threading
from types import SimpleNamespace

import pytest

from tests.host.board_desk import verb
from tools.board import ports
from tools.verbs import deps

USB = [SimpleNamespace(device="/dev/ttyACM3", vid=0x303A), SimpleNamespace(device="/dev/ttyS0", vid=None)]


@pytest.fixture
def plugged(monkeypatch):
    """Tell which ports there are, as pyserial lists them."""
    from serial.tools import list_ports

    return lambda found: monkeypatch.setattr(list_ports, "comports", lambda: found)


@pytest.mark.parametrize(
    ("found", "port", "complaint"),
    [
        ([], "auto", "flash: No board is seen on USB: check cable and driver. Or name its port: PORT="),
        ([], "/dev/tty-none", "flash: there is no /dev/tty-none. No board is seen on USB"),
        (USB, "/dev/tty-none", "flash: there is no /dev/tty-none. Ports on USB: /dev/ttyACM3."),
        (USB, "ttyACM3", "flash: there is no ttyACM3. Ports on USB: /dev/ttyACM3."),
        (USB, __file__, f"flash: {__file__} is no serial port. Ports on USB: /dev/ttyACM3."),
    ],
)
def test_port_that_is_not_there_is_told_with_those_that_are(plugged, found, port, complaint):
    plugged(found)
    with pytest.raises(SystemExit) as end:
        ports.resolved("flash", [port])
    assert str(end.value).startswith(complaint)


def test_port_that_is_there_passes(plugged):
    master, slave = pty.openpty()
    try:
        plugged(USB)
        assert ports.resolved("flash", [os.ttyname(slave)]) == [os.ttyname(slave)]
    finally:
        os.close(master)
        os.close(slave)


def test_port_of_another_group_of_users_is_told_with_the_way_into_it(plugged, monkeypatch):
    plugged(USB)
    monkeypatch.setattr(os, "access", lambda *_: False)
    with pytest.raises(SystemExit, match="flash: /dev/null may not be opened by you; on Linux: sudo usermod"):
        ports.resolved("flash", [os.devnull])


def test_without_a_port_it_is_the_only_one_and_of_several_none_is_guessed(plugged):
    plugged([SimpleNamespace(device="COM3", vid=1)])
    assert ports.resolved("flash", None) == ["COM3"]
    plugged([SimpleNamespace(device="COM3", vid=1), SimpleNamespace(device="COM4", vid=1)])
    assert ports.resolved("flash", ["COM3 COM4"]) == ["COM3", "COM4"]
    with pytest.raises(SystemExit, match='several boards are there: say PORT=COM3, or PORT="COM3 COM4"'):
        ports.resolved("flash", None)


def test_a_port_that_is_named_twice_is_one_board(plugged):
    assert ports.resolved("flash", ["COM3 COM4", "COM3"]) == ["COM3", "COM4"]


@pytest.mark.parametrize("option", ["--source", "--files", "--lines", "--no-lines"])
def test_how_lib_comes_there_is_not_asked_for_when_lib_stays_as_it_is(option):
    code, said = verb("flash", "--port", os.devnull, "--programs-only", option, packages="")
    assert (code, said.startswith("flash: --programs-only leaves lib alone: ")) == (2, True), said


def test_index_that_cannot_be_reached_is_told(tmp_path, monkeypatch):
    monkeypatch.setattr(deps.interpreter, "DEPS", tmp_path / "deps")
    monkeypatch.setattr(deps.interpreter, "ROOT", tmp_path)
    with pytest.raises(SystemExit) as end:
        deps.main(index="http://127.0.0.1:1")
    assert "the package index cannot be reached" in str(end.value)
    assert "--index URL" in str(end.value)


def test_index_without_the_package_is_told(tmp_path, monkeypatch):
    monkeypatch.setattr(deps.interpreter, "DEPS", tmp_path / "deps")
    monkeypatch.setattr(deps.interpreter, "ROOT", tmp_path)

    class Empty(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_error(404)

        def log_message(self, *_):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Empty) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        with pytest.raises(SystemExit) as end:
            deps.main(index=f"http://127.0.0.1:{server.server_port}")
        server.shutdown()
    assert "not found" in str(end.value)
    assert not (tmp_path / "deps").exists()


def test_packages_are_there_as_a_whole_or_as_they_were(tmp_path, monkeypatch):
    monkeypatch.setattr(deps.interpreter, "DEPS", tmp_path / ".deps")
    monkeypatch.setattr(deps.interpreter, "ROOT", tmp_path)
    (tmp_path / ".deps").mkdir()
    (tmp_path / ".deps" / "old.mpy").touch()

    def install_one(package, target, _index):
        if package.startswith("aioble-core") and breaks:
            raise deps.NotInstalled("no answer")
        target.mkdir(exist_ok=True)
        (target / package).touch()

    monkeypatch.setattr(deps, "_install", install_one)
    breaks = True
    with pytest.raises(deps.NotInstalled):
        deps.install()
    assert [path.name for path in tmp_path.rglob("*")] == [".deps", "old.mpy"]
    breaks = False
    deps.install()
    assert {path.name for path in (tmp_path / ".deps").iterdir()} == {
        f"{package}@{version}" for package, version in deps.VERSIONS.items()
    }
    assert [path.name for path in tmp_path.iterdir()] == [".deps"]
