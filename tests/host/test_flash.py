"""`make flash` against MicroPython's unix port on a serial line (a pty), restarted like a chip when it resets."""

import contextlib
import os
import pty
import subprocess
import sys
import threading
import tty

import pytest

from tools import interpreter
from tools.interpreter import ROOT

# What the board's `machine` does at a reset: the process ends, and the fixture starts it again.
MACHINE = "import sys\ndef reset():\n    open('resets', 'a').write('x')\n    sys.exit(1)\n"


class SerialBoard:
    """A MicroPython prompt behind a serial port; `root` is its file system."""

    def __init__(self, folder):
        self.root = folder / "flash"
        self.root.mkdir()
        modules = folder / "chip"
        modules.mkdir()
        (modules / "machine.py").write_text(MACHINE)
        self._environment = dict(os.environ, MICROPYPATH=f"{modules}:.frozen")
        self._master, slave = pty.openpty()
        tty.setraw(slave)
        self.port = os.ttyname(slave)
        self._slave = slave
        self._off = False
        self._process = self._start()
        self._cord = threading.Thread(target=self._start_again_and_again)
        self._cord.start()

    def _start(self):
        return subprocess.Popen(
            [interpreter.micropython(), "-i"],
            cwd=self.root,
            env=self._environment,
            stdin=self._master,
            stdout=self._master,
            stderr=subprocess.STDOUT,
        )

    def _start_again_and_again(self):
        while not self._off:
            self._process.wait()
            if not self._off:
                self._process = self._start()

    def resets(self):
        """How often the board has restarted."""
        with contextlib.suppress(FileNotFoundError):
            return len((self.root / "resets").read_text())
        return 0

    def close(self):
        self._off = True
        self._process.kill()
        self._cord.join(timeout=10)
        os.close(self._slave)
        os.close(self._master)


@pytest.fixture
def board(tmp_path):
    board = SerialBoard(tmp_path)
    yield board
    board.close()


def flash(board, *options):
    command = [sys.executable, "-m", "tools", "flash", "--port", board.port, "--root", str(board.root), "--no-packages"]
    answer = subprocess.run([*command, *options], cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert answer.returncode == 0, answer.stdout + answer.stderr
    return answer.stdout


def files(folder, suffix):
    return {str(path.relative_to(folder).with_suffix("")) for path in folder.rglob(f"*{suffix}")}


def test_a_new_board_gets_everything_and_starts(board):
    flash(board)
    assert files(board.root / "lib", ".mpy") == files(ROOT / "lib", ".py")
    assert (board.root / "main.py").read_bytes() == (ROOT / "main.py").read_bytes()
    assert board.resets() == 1


def test_what_was_compiled_for_the_oldest_micropython_runs_here(board):
    flash(board)
    environment = dict(os.environ, MICROPYPATH=f"{board.root}/lib:.frozen")
    program = "import errors; print(errors.__file__, errors.error('no_connack').code)"
    answer = subprocess.run(
        [interpreter.micropython(), "-c", program], env=environment, capture_output=True, text=True, timeout=20
    )
    assert answer.stdout.split() == [f"{board.root}/lib/errors.mpy", "no_connack"]


def test_a_running_board_is_restarted_without_its_program_first(board):
    (board.root / "main.py").write_text("old")
    output = flash(board)
    assert "without its program" in output
    assert board.resets() == 2
    assert not (board.root / "main.py.off").exists()
    assert (board.root / "main.py").read_bytes() == (ROOT / "main.py").read_bytes()


def test_no_source_is_left_to_hide_what_was_compiled(board):
    (board.root / "lib").mkdir()
    (board.root / "lib/errors.py").write_text("old")
    (board.root / "lib/of_the_user.py").write_text("stays")
    flash(board)
    assert files(board.root / "lib", ".py") == {"of_the_user"}


def test_a_board_with_frozen_lib_gets_the_programs_alone(board):
    flash(board, "--programs-only")
    assert {path.name for path in board.root.iterdir()} - {"resets"} == {"boot.py", "main.py"}


def test_settings_are_copied(board, tmp_path):
    (tmp_path / "mine.json").write_text('{"schema": 1}')
    flash(board, "--settings", str(tmp_path / "mine.json"))
    assert (board.root / "settings.json").read_text() == '{"schema": 1}'


def test_a_port_that_is_not_there_is_said_in_one_line():
    command = [sys.executable, "-m", "tools", "flash", "--port", "/dev/not-there"]
    answer = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert answer.returncode == 1
    assert answer.stderr.startswith("flash: ")
    assert "/dev/not-there" in answer.stderr
    assert len(answer.stderr.splitlines()) == 1
