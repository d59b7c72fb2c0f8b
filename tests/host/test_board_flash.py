"""`make flash` on simulated boards, over the real raw REPL: what is there afterwards, whatever comes in between."""

import json
import os
import pty
import re
import subprocess
import sys
import tty
from hashlib import sha256

import pytest

from tests.host.board_desk import (
    bare_board,
    checkout,
    contents,
    expected,
    install,
    install_until_its_power_is_cut,
    until,
    verb,
)
from tools import interpreter
from tools.board import bundle
from tools.board.files import Files
from tools.board.serial_board import BoardError, SerialBoard

SECRET = "correct horse battery"


@pytest.fixture(scope="module")
def packages(tmp_path_factory):
    return checkout(tmp_path_factory.mktemp("micropython-lib"))


@pytest.fixture
def board(tmp_path):
    with bare_board(tmp_path / "board") as board:
        yield board


def flash(board, packages, *arguments):
    return verb("flash", "--port", board.port, *arguments, packages=packages)


def boots(board):
    return [line for line in board.lines if line.startswith("boot: start")]


def test_a_new_board_gets_the_firmware_and_says_its_mode(board, packages, tmp_path, monkeypatch):
    wanted = expected(packages, monkeypatch)
    code, said = flash(board, packages)
    assert code == 0, said
    assert "umqtt.simple is in its image" in said
    assert "(flashed)" in said  # no crash
    assert "done: CONFIG (settings_incomplete)" in said
    found = contents(board)
    assert {path: found.get(path) for path in wanted} == wanted
    assert not [path for path in found if path.startswith("/lib/umqtt") or path.endswith((".new", ".off"))]

    # Again: nothing to do.
    code, said = flash(board, packages)
    assert code == 0
    assert f"all {len(wanted) + 1} files are right already" in said
    # What fails while it looks leaves no restart behind that counts as one of a crash loop.
    before = len(boots(board))
    assert flash(board, str(board.flash.folder))[0] == 1
    until(lambda: len(boots(board)) > before)
    assert "(flashed)" in boots(board)[-1]

    # Another application.
    (tmp_path / "mine.py").write_bytes(b"print('my ow\xf1 program')\n")
    code, said = flash(board, packages, "--main", tmp_path / "mine.py")
    assert code == 1 and "mine.py is no text in UTF-8" in said and "Traceback" not in said
    (tmp_path / "mine.py").write_text("print('my own program')\n")
    code, said = flash(board, packages, "--main", tmp_path / "mine.py", "--no-ble", "--no-watch")
    assert code == 0, said
    assert "2 files to write" in said  # aioble is in the archive
    assert re.search(r"\n[1-4] KB of /awsesp.arc changed, the rest of it is copied there\n", said)
    assert "to remove" not in said
    without = bundle.archived(bundle.firmware(main=tmp_path / "mine.py"))
    assert board.read_file("/awsesp.arc") == without[-1].data
    board.wait_for("my own program")


def test_dry_run_changes_nothing(board, packages):
    board.power_cut()
    board.write_file("/main.py", "print('at work')\n")
    board.power_on()
    board.wait_for("at work")
    code, said = flash(board, packages, "--dry-run")
    assert code == 0 and "files to write" in said
    assert sorted(path for path in board.list_files() if path != "/boot.py") == ["/main.py"]
    board.wait_for("at work", 10)  # the program that was stopped for the look runs again
    code, said = flash(board, str(board.flash.folder), "--dry-run")
    assert code == 1
    assert "is no checkout of micropython-lib" in said
    assert "Traceback" not in said
    board.wait_for("at work", 10)


def test_settings_are_checked_before_and_their_secrets_stay_out_of_sight(board, packages, tmp_path):
    document = {"schema": 1, "networks": [{"ssid": "home", "password": "short"}]}
    path = tmp_path / "settings.json"
    path.write_text(json.dumps(document))
    starts = len(board.starts)
    code, said = flash(board, packages, "--settings", path)
    assert code == 1
    assert "networks[0].password" in said
    assert len(board.starts) == starts  # not touched

    document["networks"][0]["password"] = SECRET
    path.write_text(json.dumps(document, indent=4))
    code, said = flash(board, packages, "--settings", path)
    assert code == 0, said
    assert "not there yet, the phone must give it: the address of the cloud" in said
    assert SECRET not in said
    assert json.loads(board.read_file("/settings.json")) == document


def test_a_full_board_is_told_and_left_as_it_was(tmp_path, packages):
    with bare_board(tmp_path / "board") as board:
        board.power_cut()
        for n in range(4):
            board.write_file(f"/photo{n}.jpg", os.urandom(490000))
        board.write_file("/main.py", "print('the old program')")
        board.power_on()
        board.wait_for("the old program")
        code, said = flash(board, packages)
        assert code == 1
        assert "KB free" in said
        assert "use --erase" in said
        # Without the room, nothing was begun; the old program waits aside only while there is something to copy.
        assert board.read_file("/main.py") == b"print('the old program')"


def test_erase_takes_everything_that_was_there(tmp_path, packages):
    with bare_board(tmp_path / "board") as board:
        board.power_cut()
        board.write_file("/lib/old/module.py", "x = 1")
        board.write_file("/secure/thing.bin", b"key")
        board.write_file("/über 'mich'\n(alt).txt", "x")
        board.power_on()
        board.wait_for("REPL")
        code, said = flash(board, packages, "--erase", "--no-ble")
        assert code == 0, said
        assert "everything is erased first" in said
        assert "NVS could not be erased" not in said
        assert not [path for path in board.list_files() if re.search("old|thing.bin|alt", path)]


def test_a_file_that_was_not_stored_as_it_was_sent_does_not_get_its_name(board):
    with SerialBoard(board.port) as serial:
        serial.interrupt()
        files = Files(serial)
        files.start()
        files.write("/folder/a file", [b"abc"], sha256(b"abc").hexdigest())
        with pytest.raises(BoardError, match="/folder/a file was not stored as it was sent"):
            files.write("/folder/a file", [b"def"], sha256(b"worn").hexdigest())
    assert board.read_file("/folder/a file") == b"abc"


def test_a_board_with_frozen_lib_gets_the_programs_alone(board, packages):
    code, said = flash(board, packages, "--programs-only", "--no-watch")
    assert code == 0, said
    assert {"/boot.py", "/main.py"} <= set(board.list_files())
    assert not [path for path in board.list_files() if path.startswith("/lib/")]


def test_single_files_give_way_to_the_archive_and_come_back(board, packages, monkeypatch):
    monkeypatch.setenv("MICROPYTHON_LIB", packages)
    install(board, files=True)
    singles = {path for path in board.list_files() if path.startswith("/lib/") and path.endswith(".mpy")}
    assert {"/lib/system.mpy", "/lib/aws/client.mpy"} <= singles
    assert "/awsesp.arc" not in board.list_files()

    board.cut_at_write(150)
    install_until_its_power_is_cut(board)
    board.power_on()
    board.wait_for("REPL")
    code, said = flash(board, packages)
    assert code == 0, said
    assert "an earlier run was interrupted" in said
    assert "done: CONFIG" in said
    assert "hides" not in said  # no empty folder of a package either
    assert singles & set(board.list_files()) == {"/lib/archive.mpy"}

    code, said = flash(board, packages, "--files", "--no-ble")
    assert code == 0, said
    assert "to remove: /awsesp.arc" in said
    assert "(flashed)" in said
    assert "done: CONFIG" in said
    assert "/lib/aws/client.mpy" in board.list_files()


def test_source_takes_the_place_of_what_was_compiled(board, packages):
    code, said = flash(board, packages, "--no-ble", "--no-watch")
    assert code == 0, said
    code, said = flash(board, packages, "--no-ble", "--source")
    assert code == 0, said
    assert "done: CONFIG" in said
    files = board.list_files()
    assert "/lib/system.py" in files
    assert not [path for path in files if path.endswith(".mpy")]


def test_several_boards_at_once_each_for_itself(tmp_path, packages):
    with bare_board(tmp_path / "one") as one, bare_board(tmp_path / "two") as two:
        ports = f"{one.port} {two.port} {os.devnull}"
        code, said = verb("flash", "--port", ports, "--no-ble", packages=packages)
        assert code == 1, said
        assert f"{os.devnull}: flash: {os.devnull} cannot be opened" in said
        for board in one, two:
            assert f"{board.port}: done: CONFIG" in said, said
            assert "/main.py" in board.list_files()


def test_a_board_that_is_no_esp32_is_refused(packages):
    ours, theirs = pty.openpty()
    tty.setraw(theirs)
    process = subprocess.Popen([interpreter.micropython(), "-i"], stdin=theirs, stdout=theirs, stderr=theirs)
    relay = Relay(ours)
    try:
        code, said = verb("flash", "--port", relay.port, packages=packages)
    finally:
        process.kill()
        process.wait()
        relay.close()
        os.close(theirs)
    assert code == 1
    assert "this is no ESP32 but linux" in said


class Relay:
    """Joins the terminal of a process to a port that can be opened."""

    def __init__(self, ours):
        self._outer, self._held = pty.openpty()
        tty.setraw(self._held)
        self.port = os.ttyname(self._held)
        self._process = subprocess.Popen([sys.executable, "-c", _RELAY, str(ours), str(self._outer)],
                                         pass_fds=(ours, self._outer))  # fmt: skip
        os.close(ours)

    def close(self):
        self._process.kill()
        self._process.wait()
        os.close(self._outer)
        os.close(self._held)


_RELAY = """
import os, select, sys
pairs = int(sys.argv[1]), int(sys.argv[2])
while True:
    for ready in select.select(pairs, [], [])[0]:
        os.write(pairs[1] if ready == pairs[0] else pairs[0], os.read(ready, 4096))
"""
