"""`python -m tools sim`: the simulated board as a person uses it."""

import contextlib
import errno
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tools.cloud import LocalCloud
from tools.cloud.hooks import AllowList
from tools.cloud.kit import make_kit
from tools.interpreter import ROOT
from tools.sim import Board, World, cli, factory, folder, storage
from tools.sim.commands import Commands
from tools.sim.storage import Flash


@contextlib.contextmanager
def running(*options):
    """The process, and a function that reads its output up to a line with a text. It looks for no cloud by itself."""
    if "--cloud" not in options:
        options = ("--cloud", "none", *options)
    with subprocess.Popen(
        [sys.executable, "-m", "tools", "sim", *map(str, options)],
        cwd=ROOT,
        env=dict(os.environ, PYTHONUNBUFFERED="1"),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        lines = []

        def read_to(text):
            for line in process.stdout:
                lines.append(line.rstrip())
                if text in line:
                    return line.rstrip()
            raise AssertionError(f"no {text!r} in\n" + "\n".join(lines))

        try:
            yield process, read_to
        finally:
            process.kill()


def say(process, line):
    process.stdin.write(line + "\n")
    process.stdin.flush()


def test_typed_lines_play_with_the_world_and_quit_ends(tmp_path):
    settings = tmp_path / "settings.json"
    settings.write_text(json.dumps({"networks": [{"ssid": "cafe", "password": "12345678"}]}), encoding="utf-8")
    with running("--folder", tmp_path / "flash", "--settings", settings) as (process, read_to):
        read_to("access point 'cafe' is on")
        read_to("start 1: power on")
        say(process, "help")
        read_to("wifi on|off")
        say(process, "wifi sideways")
        read_to("sim: say wifi on|off")
        say(process, "cut")
        read_to("sim: say cut N [torn]")
        say(process, "sing")
        read_to("unknown command 'sing'")
        say(process, "cat /settings.json")
        read_to('"ssid": "cafe"')
        say(process, "power")
        read_to("off: power cut")
        read_to("power on")
        say(process, "cut 1000")
        read_to("the power goes 1000 later")
        say(process, "power off")
        read_to("off: power cut")
        say(process, "reset")
        read_to("sim: it has no power: type power")
        say(process, "quit")
        assert process.wait(20) == 0


def test_the_name_of_the_serial_port_ends_with_the_board(tmp_path):
    with running("--folder", tmp_path / "flash", "--bare") as (process, read_to):
        read_to("its serial port is")
        read_to("start 1: power on")
        assert (tmp_path / "flash" / "serial").is_char_device()
        say(process, "quit")
        assert process.wait(timeout=30) == 0
    assert not (tmp_path / "flash" / "serial").is_symlink()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_interrupt_leaves_no_process_behind(tmp_path, number):
    with running("--folder", tmp_path / "flash") as (process, read_to):
        read_to("start 1: power on")
        read_to("boot")
        assert _devices(tmp_path)
        process.send_signal(number)
        assert process.wait(20) == 0
    deadline = time.monotonic() + 10
    while _devices(tmp_path):
        assert time.monotonic() < deadline
        time.sleep(0.02)


def _devices(folder):
    """Processes that run in the board's folder."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if folder in (process / "cwd").resolve().parents:
                found.append(process.name)
    return found


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        (["--heap", "lots"], "heap 'lots' is no size; say 98304 or 96k"),
        (["--heap", "5"], "--heap 5: say 48k to 64m"),
        (["--heap", "99999999999"], "--heap 99999999999: say 48k to 64m"),
        (["--wifi", ""], '--wifi: say "network:password"'),
        (["--wifi", "home:short"], "--wifi: a password has 8 to 63 characters, that of 'home' has 5"),
        (["--wifi", "n" * 33], "--wifi: 33 bytes in UTF-8; allowed: 1 to 32 bytes"),
        (["--cloud", "bogus"], "--cloud 'bogus': say the control URL that `make cloud` prints, http://127.0.0.1:4585"),
        (["--cloud", "http://[::1"], "--cloud 'http://[::1': say the control URL"),
        (["--ca", "/nowhere.pem"], "--ca /nowhere.pem: No such file"),
        (["--ca", __file__], f"--ca: {__file__} is not a certificate"),
        (["--bare", "--main", __file__], "--bare has only MicroPython on it: leave out --main or EXAMPLE here"),
        (["--endpoint", "nonsense"], "--endpoint 'nonsense': say NAME=PORT"),
        (["--endpoint", "name=65536"], "--endpoint 'name=65536': say NAME=PORT"),
        (["--folder", __file__], f"sim: {__file__}: File exists"),
        (["--settings", "/nowhere.json"], "--settings /nowhere.json: No such file"),
        (["--cloud", "http://127.0.0.1:1"], "--cloud: the cloud at http://127.0.0.1:1: Could not connect"),
        (["--image", "huge"], "image 'huge': say stock, ota or awsesp"),
    ],
)
def test_options_that_cannot_be_used_are_told(tmp_path, options, complaint):
    with running("--folder", tmp_path / "flash", *options) as (process, read_to):
        assert read_to(complaint).startswith("sim: ")
        assert process.wait(20) == 1


def test_a_mistyped_option_erases_nothing(tmp_path):
    note = tmp_path / "nvs.bin"
    note.write_bytes(b"a life's work")
    for option in (["--settings", "/nowhere.json"], ["--wifi", ""], ["--endpoint", "x"], ["--ca", "/nowhere.pem"]):
        with running("--folder", tmp_path, "--erase", *option) as (process, _):
            assert process.wait(20) == 1
        assert note.read_bytes() == b"a life's work"


def test_a_network_of_the_settings_is_in_range_whatever_its_name(tmp_path):
    settings = tmp_path / "settings.json"
    settings.write_text(json.dumps({"networks": [{"ssid": "a:b", "password": "c:d:e:f:g"}]}), encoding="utf-8")
    with running("--folder", tmp_path / "flash", "--settings", settings) as (_, read_to):
        read_to("access point 'a:b' is on")


def test_factory_new_board_enrols_itself_with_a_running_cloud(tmp_path):
    with LocalCloud(tmp_path / "cloud") as cloud:
        options = ("--folder", tmp_path / "flash", "--cloud", cloud.control_url, "--ca", cloud.ca_file)
        with running(*options) as (process, read_to):
            read_to("the device has a factory's settings now")
            read_to("aws.provisioned")
            read_to("aws.connected")
            say(process, "quit")
            assert process.wait(20) == 0
        with running(*options) as (process, read_to):
            assert "start 1: power on" in read_to("start 1")
            read_to("aws.connected")


def test_second_board_on_the_same_flash_is_refused(tmp_path):
    with running("--folder", tmp_path / "flash") as (process, read_to):
        read_to("the device has no settings: run `make cloud`")
        read_to("start 1: power on")
        with running("--folder", tmp_path / "flash") as (second, read_second_to):
            read_second_to("sim: another simulated board runs from")
            assert second.wait(20) == 1
        say(process, "quit")
        assert process.wait(20) == 0
    with running("--folder", tmp_path / "flash") as (process, read_to):
        read_to("start 1: power on")


def test_another_image_on_a_flash_that_is_in_use_wants_it_erased(tmp_path):
    (tmp_path / "image").write_text("ota")
    with running("--folder", tmp_path) as (process, read_to):
        read_to(f"sim: the flash in {tmp_path} is laid out for --image ota: add --erase, or say --folder OTHER")
        assert process.wait(20) == 1
    with running("--folder", tmp_path, "--erase") as (process, read_to):
        read_to("boot: start 1, slot factory")


def test_a_full_disk_leaves_no_half_a_file_that_the_next_start_trips_over(tmp_path, monkeypatch):
    def half(path, text, encoding):
        path.write_bytes(text[: len(text) // 2].encode())
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as full:
        full.setattr(Path, "write_text", half)
        for write in (Flash(tmp_path).mac, lambda: folder.lay_out(tmp_path, "ota", False)):
            with pytest.raises(OSError, match="No space"):
                write()
    assert len(Flash(tmp_path).mac()) == 12
    folder.lay_out(tmp_path, "ota", False)


def test_a_file_system_that_gives_no_answer_is_told_as_such(tmp_path, monkeypatch):
    monkeypatch.setattr(storage, "_TIMEOUT_S", 0.0001)
    told = []
    with World() as world, Board(tmp_path, world) as board:
        assert Commands(board, world, told.append).obey("files")
    assert told == ["sim: the board's file system gave no answer in 0.0001 s"]


def test_each_kind_of_board_and_each_application_has_a_folder_of_its_own():
    shadow, jobs = (ROOT / "examples" / name / "main.py" for name in ("shadow", "jobs"))
    boards = [("stock", False), ("ota", False), ("stock", True), ("stock", False, shadow), ("stock", False, jobs)]
    assert len({folder.default(*board) for board in boards}) == len(boards)


def test_application_that_is_left_out_is_told(tmp_path):
    with LocalCloud(tmp_path / "cloud") as cloud:
        options = ("--folder", tmp_path / "flash", "--cloud", cloud.control_url, "--ca", cloud.ca_file)
        with running(*options) as (process, read_to):
            for _ in range(5):
                read_to("INIT --ready--> NORMAL")
                say(process, "power")
            read_to("INIT --crash_loop--> NORMAL")
            read_to("sim: main.py's application is left out")


def test_a_board_enrols_into_the_fleet_of_the_running_cloud_whose_hook_decides(tmp_path, monkeypatch):
    monkeypatch.setattr(factory, "URL_FILE", tmp_path / "control-url")
    monkeypatch.setattr(factory, "DEVICE_FILE", tmp_path / "cloud" / "device.json")
    hooks = {"enrol": AllowList(serials=["0a1b2c3d4e5f"])}
    with (
        LocalCloud(tmp_path / "cloud", hooks=hooks, fast_keys=True) as cloud,
        World() as world,
        Board(tmp_path / "flash", world, mac="0a1b2c3d4e60") as board,
    ):
        make_kit(cloud, "fleet")
        hook = {"targetArn": cloud.hook_arn("enrol")}
        cloud.iot().update_provisioning_template(templateName="fleet", preProvisioningHook=hook)
        factory.URL_FILE.write_text(f"{cloud.control_url}\n", encoding="ascii")
        world.access_point("home", "password")
        cli._connect_cloud(world, board, None, cloud.ca_file, ("home", "password"))
        board.power_on()
        board.wait_for("code=claim_refused")
        assert [each["templateName"] for each in cloud.iot().list_provisioning_templates()["templates"]] == ["fleet"]


def test_running_cloud_is_found_and_one_that_was_killed_is_ignored(tmp_path, monkeypatch):
    monkeypatch.setattr(factory, "URL_FILE", tmp_path / "control-url")
    monkeypatch.setattr(factory, "DEVICE_FILE", tmp_path / "none")
    with World() as world, Board(tmp_path / "flash", world) as board:
        with LocalCloud(tmp_path / "cloud") as cloud:
            factory.URL_FILE.write_text(f"{cloud.control_url}\n", encoding="ascii")
            cli._connect_cloud(world, board, None, cloud.ca_file, ("home", "password"))
        assert json.loads(board.read_file("/settings.json"))["aws"]["endpoint"] == cloud.endpoint
        board.remove_file("/settings.json")
        cli._connect_cloud(world, board, None, cloud.ca_file, ("home", "password"))
        assert "/settings.json" not in board.list_files()
