"""`make monitor` on a simulated board: what is shown, over restarts, and what is typed."""

import contextlib
import os
import pty
import socket
import subprocess
import sys
import termios
import threading
import time
from pathlib import Path

import pytest

from tests.host.board_desk import bare_board
from tools.board import levels, monitor
from tools.board.monitor import Screen
from tools.board.serial_board import BoardError, SerialBoard
from tools.interpreter import ROOT

PROGRAM = """
import sys, time
print('\\xfcber')
print('   0.01 INIT --ready--> NORMAL')
print('   0.02 NORMAL publish.done qos=1 topic=t')
print('   0.03 NORMAL wifi.disconnected code=wrong_password')
"""


class Monitor:
    """The verb as a process; `wait_for(text)` reads on."""

    def __init__(self, board, *arguments, stdin=subprocess.DEVNULL):
        command = [sys.executable, "-m", "tools", "monitor", "--port", board.port, *map(str, arguments)]
        self._process = subprocess.Popen(
            command, cwd=ROOT, env=dict(os.environ, COLUMNS="200", PYTHONIOENCODING="ascii"), stdin=stdin,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )  # fmt: skip
        self.seen = ""
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        for line in self._process.stdout:
            self.seen += line

    def wait_for(self, text, times=1):
        deadline = time.monotonic() + 20
        while self.seen.count(text) < times:
            assert time.monotonic() < deadline, self.seen
            time.sleep(0.02)

    def wait(self):
        return self._process.wait(10)

    def close(self):
        self._process.terminate()
        self._process.wait(10)


class Nowhere:
    """A port with no board on it."""

    def __init__(self, port):
        self.port = port


@pytest.fixture
def board(tmp_path):
    with bare_board(tmp_path / "board") as board:
        board.power_cut()
        board.write_file("/main.py", PROGRAM)
        yield board


def test_it_stays_over_restarts_and_keeps_a_log(board, tmp_path):
    monitor = Monitor(board, "--log", tmp_path / "log.txt")
    try:
        monitor.wait_for("Ctrl-] ends")
        board.power_on()
        monitor.wait_for("wifi.disconnected")  # the last line
        board.reset()
        monitor.wait_for("wifi.disconnected", times=2)
    finally:
        monitor.close()
    assert "publish.done" in monitor.seen
    assert "?ber" in monitor.seen  # where the terminal has no UTF-8
    assert (tmp_path / "log.txt").read_text().count("wifi.disconnected") == 2


def test_a_port_that_cannot_be_opened_is_told():
    monitor = Monitor(Nowhere(os.devnull))
    try:
        monitor.wait_for("waiting for it")
    finally:
        monitor.close()
    assert "cannot be opened" in monitor.seen


def test_levels_leave_out_what_matters_less(board):
    monitor = Monitor(board, "--level", "warning")
    try:
        monitor.wait_for("Ctrl-] ends")
        board.power_on()
        monitor.wait_for("wifi.disconnected")
    finally:
        monitor.close()
    assert "publish.done" not in monitor.seen
    assert "--ready-->" not in monitor.seen


def test_what_is_typed_reaches_the_repl(board):
    board.power_on()
    board.wait_for("REPL")
    with SerialBoard(board.port) as serial:
        console = serial.console(timeout_s=20)
        serial.write(b"\r\nprint(6 * 7)\r\n")
        assert any(text == "42\n" for text in console)


def test_a_board_that_says_nothing_is_given_up_in_time(board):
    with SerialBoard(board.port) as serial, pytest.raises(BoardError, match="press its reset button"):
        serial.interrupt(timeout_s=1)


def test_a_row_of_dots_that_never_ends_is_shown():
    ended = threading.Event()

    def dots(server):
        line, _ = server.accept()
        with contextlib.suppress(OSError):
            while not ended.wait(0.05):
                line.sendall(b".")

    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=dots, args=(server,), daemon=True).start()
        with SerialBoard(f"socket://127.0.0.1:{server.getsockname()[1]}") as serial:
            shown = next(filter(None, serial.console(timeout_s=15)), None)
        ended.set()
    assert shown and not shown.strip(".")


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no /dev/full, as only Linux has it")
def test_a_log_on_a_full_disk_is_given_up_and_the_board_still_shown(capsys):
    with monitor._log(Path("/dev/full")) as file:
        screen = Screen(levels.DEBUG, False, file)
        for text in ("first\n", "second\n"):
            screen.show(text)
    told = "/dev/full: No space left on device: from here on nothing is kept"
    assert capsys.readouterr().out == f"{told}\nfirst\nsecond\n"


def test_a_word_that_is_corrected_at_the_prompt_is_shown_so(capsys):
    screen = Screen(levels.DEBUG, False, None)
    for text in (">>> pr", "x", "\b\x1b[K", "int(1)\n", "1\n"):
        screen.show(text)
    assert capsys.readouterr().out == ">>> prx\b\x1b[Kint(1)\n1\n"


@pytest.mark.parametrize("key", [b"\x1d", None], ids=["ctrl-]", "a signal"])
def test_the_terminal_is_left_as_it_was(key):
    ours, theirs = pty.openpty()
    before = termios.tcgetattr(theirs)
    monitor = Monitor(Nowhere(os.devnull), stdin=theirs)
    try:
        monitor.wait_for("waiting for it")
        assert termios.tcgetattr(theirs) != before
        if key:
            os.write(ours, key)
            assert monitor.wait() == 0
    finally:
        monitor.close()
    assert termios.tcgetattr(theirs) == before
    os.close(ours)
    os.close(theirs)


def test_a_board_that_leaves_and_comes_back_is_told_of_once(capsys):
    screen = Screen(levels.DEBUG, False, None)
    for trouble in (None, "gone", "gone", None, None):
        screen.follow(trouble)
    assert capsys.readouterr().out == "waiting for it: gone\nit is back\n"
