"""The simulated board's serial port, used by mpremote as it is."""

import contextlib
import os
import select
import signal
import subprocess
import sys
import threading
import time
import tty

import pytest

from tools import interpreter
from tools.sim import Board, serial_port
from tools.sim.life import Life
from tools.sim.serial_port import SerialPort, Terminal

COUNTING = """
import time
print("counting")
while True:
    time.sleep_ms(10)
"""


@pytest.fixture
def board(tmp_path):
    (tmp_path / "lib").mkdir()
    nothing = tmp_path / "nothing.py"
    with Board(tmp_path / "flash", boot=nothing, main=nothing, lib=tmp_path / "lib", serial=True) as board:
        yield board


def mpremote(board, *words):
    command = [sys.executable, "-m", "mpremote", "connect", board.port, *words]
    answer = subprocess.run(command, capture_output=True, text=True, timeout=40)
    assert answer.returncode == 0, answer.stdout + answer.stderr
    return answer.stdout


def test_mpremote_finds_the_board_s_own_modules_and_file_system(board, tmp_path):
    board.power_on()
    board.wait_for("REPL: main.py ended")
    (tmp_path / "hello.txt").write_text("hello")
    mpremote(board, "resume", "fs", "cp", str(tmp_path / "hello.txt"), ":hello.txt")
    seen = mpremote(board, "resume", "exec", "import machine, os; print(machine.unique_id().hex(), os.listdir())")
    assert seen.startswith(board.unique_id)
    assert "'hello.txt'" in seen
    assert board.read_file("/hello.txt") == b"hello"


def test_ctrl_c_interrupts_the_program(board):
    board.write_file("/main.py", COUNTING)
    board.power_on()
    board.wait_for("counting")
    port = os.open(board.port, os.O_RDWR | os.O_NOCTTY)
    try:
        tty.setraw(port)
        os.write(port, b"\x03")
        board.wait_for("KeyboardInterrupt")
        board.wait_for("REPL: main.py failed")
    finally:
        os.close(port)


def test_ctrl_c_on_the_way_into_the_repl_waits_for_its_prompt():
    terminal = Terminal()
    program = "import time\nprint('on its way')\ntime.sleep_ms(300)"
    with terminal.start([interpreter.micropython(), "-c", program], start_new_session=True) as process:
        try:
            assert heard(terminal, b"on its way") == b"on its way"
            terminal.await_prompt()
            terminal.write(b"\x03")
            terminal.write(b"print(6 * 7)\r")
            answer = heard(terminal, b"\n42")
            assert b"KeyboardInterrupt" not in answer
            assert b"\n42" in answer
        finally:
            process.kill()
    terminal.close()


def heard(terminal, wanted):
    """All that it prints, until `wanted` is there or nothing comes any more."""
    said = b""
    while wanted not in said and select.select([terminal], [], [], 5)[0]:
        said += terminal.read()
    return said[: said.index(wanted) + len(wanted)] if wanted in said else said


def test_a_soft_reset_in_the_raw_repl_runs_boot_but_not_main(board):
    board.write_file("/boot.py", "print('booted')")
    board.write_file("/main.py", "print('mained')")
    board.power_on()
    board.wait_for("mained")
    assert mpremote(board, "exec", "import machine; print(machine.reset_cause())").strip() == "5"
    assert board.starts == ["power on", "soft reset"]
    assert [line for line in board.lines if line in ("booted", "mained")] == ["booted", "mained", "booted"]


def test_a_thread_that_prints_without_end_keeps_nobody_from_the_repl(board):
    board.write_file("/main.py", """
import _thread, time
def chat():
    while True:
        print("chat")
        time.sleep_ms(5)
_thread.start_new_thread(chat, ())
""")
    board.power_on()
    board.wait_for("REPL: main.py ended")


def test_the_port_stays_over_a_restart(board):
    board.power_on()
    board.wait_for("REPL")
    mpremote(board, "resume", "exec", "--no-follow", "import machine; machine.reset()")
    board.wait_for_start("machine.reset")
    board.wait_for("REPL: main.py ended")
    assert mpremote(board, "resume", "exec", "print(6 * 7)").strip() == "42"


def test_what_is_typed_before_the_chip_is_there_is_lost(board):
    """`make flash` types Ctrl-C until it is heard: in the midst of the start, it left a REPL on the desk's files."""
    port = os.open(board.port, os.O_RDWR | os.O_NOCTTY)
    try:
        tty.setraw(port)
        board.power_on()
        type_until_it_is_in_its_repl(board, port, b"\x03")
    finally:
        os.close(port)
    assert mpremote(board, "resume", "exec", "import os; print(os.listdir('/'))").strip() == "['rom']"


def type_until_it_is_in_its_repl(board, port, typed):
    end = time.monotonic() + 20
    while not [line for line in board.lines if "REPL: " in line]:
        assert time.monotonic() < end, board.lines
        os.write(port, typed)
        time.sleep(0.01)


def test_a_ctrl_c_in_the_moment_from_which_it_is_heard_leads_into_the_repl(board, monkeypatch):
    """It left a REPL of which the host did not know, about once in a hundred starts of a busy desk."""
    begin = Life._on_running

    def begin_and_interrupt(life, allocated):
        begin(life, allocated)
        life.process.send_signal(signal.SIGINT)

    monkeypatch.setattr(Life, "_on_running", begin_and_interrupt)
    board.power_on()
    board.wait_for("REPL: ")
    assert mpremote(board, "resume", "exec", "import os; print(os.listdir('/'))").strip() == "['rom']"


def test_a_ctrl_c_while_another_one_is_told_leads_into_the_repl_all_the_same(board):
    """Who types it until the REPL is there meets that now and then."""
    board.write_file("/main.py", "class Late:\n def __repr__(self): raise KeyboardInterrupt\nraise ValueError(Late())")
    board.power_on()
    board.wait_for("REPL: main.py failed")
    assert mpremote(board, "resume", "exec", "print(6 * 7)").strip() == "42"


def test_what_a_program_never_reads_does_not_keep_the_board_from_its_power_cut(board):
    board.write_file("/main.py", COUNTING)
    board.power_on()
    board.wait_for("counting")
    port = os.open(board.port, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
    try:
        tty.setraw(port)
        for _ in range(100):
            with contextlib.suppress(BlockingIOError):
                os.write(port, bytes(2000))
            time.sleep(0.005)
    finally:
        os.close(port)
    board.power_cut()
    assert not board.is_on


def test_lines_end_with_cr_and_lf_wherever_the_output_is_cut(port):
    theirs = os.open(port.name, os.O_RDWR | os.O_NOCTTY)
    try:
        for piece in (b"one\n", b"two\r\nthree\r", b"\nfour\r", b"five"):
            port.write(piece)
        wanted, heard = b"one\r\ntwo\r\nthree\r\nfour\rfive", b""
        while len(heard) < len(wanted) and select.select([theirs], [], [], 5)[0]:
            heard += os.read(theirs, 100)
        assert heard == wanted
    finally:
        os.close(theirs)


@pytest.fixture
def port():
    port = SerialPort()
    yield port
    port.close()


def test_a_slow_reader_loses_nothing(port, monkeypatch):
    monkeypatch.setattr(serial_port, "_SLOW_S", 20)  # on a busy desk, too
    theirs = os.open(port.name, os.O_RDWR | os.O_NOCTTY)
    pieces = [bytes((number % 200,)) * 4000 for number in range(100)]
    writer = threading.Thread(target=lambda: [port.write(piece) for piece in pieces])
    wanted, heard = b"".join(pieces).replace(b"\n", b"\r\n"), bytearray()
    try:
        writer.start()
        while len(heard) < len(wanted) and select.select([theirs], [], [], 5)[0]:
            heard += os.read(theirs, 500)
    finally:
        os.close(theirs)
        writer.join()
    assert heard == wanted


def test_nobody_is_waited_for_once(port, monkeypatch):
    waits, send = [], port._send

    def noted(data, patience_s):
        waits.append(patience_s)
        return send(data, patience_s)

    monkeypatch.setattr(serial_port, "_SLOW_S", 0.01)
    monkeypatch.setattr(port, "_send", noted)
    for _ in range(100):
        port.write(bytes(4000))
    assert waits[0] and not any(waits[50:])
    while not waits[-1]:  # somebody reads again: there is room, and then patience
        os.read(port._theirs, 4000)
        port.write(b"x")


def test_nobody_at_the_port_changes_a_file_of_the_desk(board, tmp_path):
    kept = tmp_path / "kept.txt"
    kept.write_text("kept")
    board.power_on()
    board.wait_for("REPL: main.py ended")
    tries = (
        f"open('/rom{kept}', 'w')",
        f"open('/rom{tmp_path}/new', 'x')",
        f"os.remove('/rom{kept}')",
        f"os.rename('/rom{kept}', '/rom{tmp_path}/other')",
        f"os.mkdir('/rom{tmp_path}/new')",
        f"os.rmdir('/rom{tmp_path}/lib')",
    )
    program = "import os\n" + "".join(f"try: {each}\nexcept OSError as e: print(e.errno)\n" for each in tries)
    assert mpremote(board, "resume", "exec", program).split() == ["30"] * len(tries)
    assert mpremote(board, "resume", "exec", f"print(open('/rom{kept}').read())").strip() == "kept"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["flash", "kept.txt", "lib"]
