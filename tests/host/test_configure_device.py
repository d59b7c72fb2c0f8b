"""`python -m tools configure` without a terminal, through bleak and the simulated radio: every way it can end."""

import asyncio
import json

import pytest

from tests.host import pki
from tools.configure import link, radio, watch
from tools.configure.trouble import Exit
from tools.sim import Board
from tools.sim.radio import dbus_daemon

if not dbus_daemon.is_installed():
    pytest.skip("no dbus-daemon on this machine; on Debian: apt-get install dbus", allow_module_level=True)

from tests.host.configure_desk import CODE_TEXT, NAME, configure_desk

HOME = {"ssid": "home", "password": "a secret password"}
AWS = {"endpoint": "abc123-ats.iot.eu-west-1.amazonaws.com", "template": "fleet"}
THIS_ONE = ("--device", NAME, "--code", CODE_TEXT)


@pytest.fixture(scope="module")
def desk(tmp_path_factory):
    with configure_desk(tmp_path_factory.mktemp("desk")) as made:
        yield made


@pytest.fixture(autouse=True)
def hurry(monkeypatch):
    monkeypatch.setattr(watch, "_FIRST_S", 0.1)
    monkeypatch.setattr(watch, "_BETWEEN_S", 0.1)
    monkeypatch.setattr(radio, "_OPEN_S", 1)


def settings_file(folder, **changes):
    path = folder / "settings.json"
    path.write_text(json.dumps({"networks": [HOME], "aws": AWS, "limits": {"ring": 4}, **changes}), encoding="utf-8")
    return path


def ended(result, code):
    """The output, for more to be asserted of."""
    assert result.exit_code == code, result.output
    assert HOME["password"] not in result.output
    assert CODE_TEXT.replace("-", "") not in result.output.replace("-", "")
    return result.output


def test_a_settings_file_is_sent_whole(desk, tmp_path):
    certs = [
        {"role": "claim", "cert": pki.EC_PEM.decode(), "key": pki.key_bytes(pki.EC_KEY, pki.PEM).decode()},
        {"role": "ca", "cert": pki.certificate_of(pki.OTHER_EC_KEY).public_bytes(pki.PEM).decode()},
    ]
    desk.start()
    output = ended(desk.run(*THIS_ONE, "--file", settings_file(tmp_path, certs=certs), "--wait", 1), Exit.DONE)
    assert "not sent: limits" in output
    assert "It did not come back within 1 s: no failure so far." in output
    (_, cfg), (_, roots), (_, claim), (last, _) = desk.told
    assert cfg == {"networks": [HOME], "aws": AWS}
    assert (roots["role"], claim["role"], last) == ("ca", "claim", "APPLY")
    assert claim["cert"] == certs[0]["cert"]


def test_the_file_may_come_from_a_pipe_and_the_code_from_the_environment(desk, tmp_path):
    desk.start({"TIME": [["invalid_setting", "time", "1970", "today"]]})  # the clock of this machine is wrong
    text = settings_file(tmp_path).read_text()
    link = f"https://example.com/#{CODE_TEXT.replace('-', '')}"
    result = desk.run("--device", "123456", "--file", "-", "--wait", 0, stdin=text, environment={"SETUP_CODE": link})
    ended(result, Exit.DONE)
    assert desk.told[0][1]["networks"] == [HOME]


@pytest.mark.parametrize(
    ("orders", "end", "words"),
    [
        ({"CFG": [["invalid_setting", "aws.endpoint", "17", "a name"]]}, Exit.REFUSED, "aws.endpoint"),
        ({"APPLY": [["wrong_password", "home"]]}, Exit.WIFI, "Wrong Wi-Fi password"),
        ({"returns": {"code": 15, "message": "The policy is missing."}}, Exit.CLOUD, "The policy is missing."),
    ],
)
def test_a_failure_is_told_in_plain_words(desk, tmp_path, orders, end, words):
    desk.start(orders)
    assert words in ended(desk.run(*THIS_ONE, "--file", settings_file(tmp_path), "--wait", 20), end)


@pytest.mark.parametrize("typ", ["CFG", "APPLY"])
def test_a_connection_that_breaks_is_made_again(desk, tmp_path, typ):
    desk.start({"hangs_up": typ})
    output = ended(desk.run(*THIS_ONE, "--file", settings_file(tmp_path), "--wait", 0), Exit.DONE)
    assert ("once more, from the beginning" in output) == (typ == "CFG")
    assert desk.told[-1][0] == "APPLY"


def test_what_was_told_before_the_connection_broke_is_told_again(desk, tmp_path):
    """The device forgets what was staged: all of it comes again, though the link broke between two messages."""
    desk.start()
    asked, lost = link.Link.ask, []

    async def ask_and_lose(self, typ, *details, **more):
        answer = await asked(self, typ, *details, **more)
        if typ == "CFG" and not lost:
            lost.append(typ)
            desk.world.radio.cut()
            while self.is_ready:
                await asyncio.sleep(0.01)
        return answer

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(link.Link, "ask", ask_and_lose)
        output = ended(desk.run(*THIS_ONE, "--file", settings_file(tmp_path), "--wait", 0), Exit.DONE)
    assert "once more, from the beginning" in output
    assert [typ for typ, _ in desk.told] == ["CFG", "CFG", "APPLY"]


def test_a_device_that_went_off_is_no_answer(desk):
    desk.start()

    def pull_the_plug(connection):
        desk.board.power_cut()
        return original(connection)

    original = radio.Connection.open
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(radio.Connection, "open", pull_the_plug)
        ended(desk.run(*THIS_ONE, "--status"), Exit.LINK)


def test_status_is_shown_and_readable_by_a_program(desk):
    desk.start({"last": {"code": 14, "message": "The cloud cannot be reached."}, "thing": "pump-7"})
    output = ended(desk.run(*THIS_ONE, "--status"), Exit.DONE)
    assert "pump-7" in output
    rows = [line.split() for line in output[output.index("  name ") :].splitlines() if line.strip()]
    assert len({row[0] for row in rows}) == len(rows), "each is told once"
    document = json.loads(ended(desk.run(*THIS_ONE, "--status", "--json"), Exit.DONE))
    assert document["info"]["name"] == NAME
    assert document["state"]["last"]["code"] == 14
    assert document["status"]["thing"] == "pump-7"


def test_devices_are_listed(desk):
    desk.start()
    assert NAME in ended(desk.run("--list", "--seconds", 0.5), Exit.DONE)
    (device,) = json.loads(ended(desk.run("--list", "--json", "--seconds", 0.5), Exit.DONE))
    assert (device["name"], device["rssi"]) == (NAME, -50)


def test_a_device_is_reset(desk):
    desk.start()
    ended(desk.run(*THIS_ONE, "--reset", "settings", "--yes"), Exit.DONE)
    assert desk.told == [("RESET", {"what": "settings"})]


def test_a_wrong_code_or_none(desk):
    desk.start()
    assert "--code" in ended(desk.run("--device", NAME, "--status"), Exit.USAGE)
    output = ended(desk.run("--device", NAME, "--code", "AAIS-EM2E-KVTH-PCEA", "--status"), Exit.CODE)
    assert "Wrong setup code" in output
    assert ended(desk.run(*THIS_ONE, "--status"), Exit.DONE), "a code that was wrong costs nothing"


def test_a_device_that_is_not_there_is_told(desk):
    desk.start()
    output = ended(desk.run("--device", "esp-999999", "--status", "--seconds", 0.5), Exit.DEVICE)
    assert "esp-999999" in output
    desk.board.power_cut()
    assert "waits for settings" in ended(desk.run("--list", "--seconds", 0.5), Exit.DEVICE)


def test_several_devices_are_not_guessed_between(desk, tmp_path):
    desk.start()
    program = tmp_path / "other.py"
    program.write_text(desk.board.image.main.read_text().replace(NAME, "esp-abcdef"))
    with Board(tmp_path / "second", desk.world, main=program, boot=desk.board.image.boot) as second:
        second.power_on()
        output = ended(desk.run("--code", CODE_TEXT, "--status", "--seconds", 1.5), Exit.DEVICE)
        assert NAME in output and "esp-abcdef" in output


def test_an_open_device_is_refused_unless_it_is_meant(tmp_path):
    with configure_desk(tmp_path, "open") as desk:
        desk.start()
        output = ended(desk.run("--device", NAME, "--file", settings_file(tmp_path), "--wait", 0), Exit.UNSAFE)
        assert "does not encrypt" in output
        assert desk.told == []
        options = ("--device", NAME, "--file", settings_file(tmp_path), "--wait", 0, "--allow-open")
        ended(desk.run(*options), Exit.DONE)
        assert desk.told[0][1]["networks"] == [HOME]


def test_without_bluetooth_it_is_said_what_is_missing(desk, tmp_path):
    nowhere = {"DBUS_SYSTEM_BUS_ADDRESS": f"unix:path={tmp_path / 'nothing'}"}
    output = ended(desk.run("--list", environment=nowhere), Exit.BLUETOOTH)
    assert "No Bluetooth" in output
    assert "details: the system's D-Bus, by which Bluetooth is reached: No such file or directory\n" in output
    desk.bluez.switch(False)
    try:
        assert "switched off" in ended(desk.run("--list"), Exit.BLUETOOTH)
    finally:
        desk.bluez.switch(True)
