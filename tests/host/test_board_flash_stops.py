"""`make flash` that is cut short, or comes when a board is busy: what is there afterwards, what the next run does."""

import os
import signal
import subprocess
import sys

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
from tools.interpreter import ROOT

CHATTY = "while True:\n    print('busy ' * 20)\n"
# Cleans up for a while before it ends, as a program with motors would; then it is deaf to a second Ctrl-C, too.
SLOW = """
import time
print('busy')
for n in range(2):
    try:
        while True:
            time.sleep_ms(10)
    except KeyboardInterrupt:
        time.sleep_ms(1500)
"""


@pytest.fixture(scope="module")
def packages(tmp_path_factory):
    return checkout(tmp_path_factory.mktemp("micropython-lib"))


@pytest.fixture
def board(tmp_path):
    with bare_board(tmp_path / "board") as board:
        yield board


@pytest.mark.parametrize("write", [3, 60, 250, 420])
def test_a_power_cut_at_any_write_leaves_whole_files_and_the_next_run_completes_them(
    board, packages, write, monkeypatch
):
    wanted = expected(packages, monkeypatch)
    board.cut_at_write(write, torn=True)
    install_until_its_power_is_cut(board)
    for path, data in contents(board).items():
        if not path.endswith(".new"):
            assert wanted.get(path, data) == data, path
    board.power_on()
    board.wait_for("REPL")
    install(board)
    found = contents(board)
    assert {path: found.get(path) for path in wanted} == wanted
    assert not [path for path in found if path.endswith((".new", ".off"))]


@pytest.mark.parametrize("program", [CHATTY, SLOW], ids=["chatty", "slow"])
def test_a_board_that_is_busy_is_stopped(tmp_path, packages, program):
    with bare_board(tmp_path / "board") as board:
        board.power_cut()
        board.write_file("/main.py", program)
        board.power_on()
        board.wait_for("busy")
        code, said = verb("flash", "--port", board.port, "--no-ble", packages=packages)
    assert code == 0, said
    assert "done: CONFIG" in said


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_board_that_is_looked_at_gets_its_program_back_when_that_is_stopped(board, packages, number, code):
    board.power_cut()
    board.write_file("/main.py", "print('at work')\n")
    board.power_on()
    board.wait_for("at work")
    words = [sys.executable, "-m", "tools", "flash", "--port", board.port]
    environment = dict(os.environ, MICROPYTHON_LIB=packages)
    with subprocess.Popen(words, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True) as process:
        while "MicroPython 1." not in process.stdout.readline():
            assert process.poll() is None
        process.send_signal(number)
        assert "run it again" in process.stdout.read()
    assert process.returncode == code
    until(lambda: board.starts[-1] == "machine.reset()")
    board.wait_for("at work", 10)
    assert "/main.py.off" not in board.list_files()
