"""One life of a simulated chip as a process of this machine: how it is started, how it is heard, how it ends."""

import os
import signal
import subprocess
import sys
import threading
import time

import pytest

from tests.host.sim_desk import desk
from tools import interpreter
from tools.sim import Board, chip
from tools.sim.console import Console


def test_micropython_may_be_named_by_a_relative_path(tmp_path, monkeypatch):
    monkeypatch.setenv("MICROPYTHON", os.path.relpath(interpreter.micropython()))
    with desk(tmp_path, "print('runs')") as (_, board):
        board.power_on()
        board.wait_for("^runs$", timeout_s=10)


def test_a_line_is_found_once():
    console = Console()
    console.add("same")
    assert console.wait_for("same", 1) == "same"
    with pytest.raises(TimeoutError):
        console.wait_for("same", 0)
    console.add("same")
    assert console.wait_for("same", 1) == "same"


@pytest.mark.parametrize(("cause", "watches"), [(chip.SOFT, True), (chip.HARD, False), (chip.DEEPSLEEP, False)])
def test_only_a_soft_reset_leaves_the_watchdog_running(cause, watches):
    made = chip.Chip()
    made.watch(1000)
    made.restart(cause)
    assert (made.starves_in_s() is not None) == watches


def test_a_line_that_never_ends_becomes_many():
    """It was kept as one, and looked through again with each of its pieces."""
    console = Console()
    for _ in range(100):
        console.received(b"x" * 10_000)
    console.received(b"\nnext\n")
    *pieces, last = console.lines()
    assert last == "next"
    assert "".join(pieces) == "x" * 1_000_000
    assert max(map(len, pieces)) < 100_000


ASKING = """
import machine
print("runs")
while True:
    machine.Pin(0).value()
"""


def test_a_device_that_is_killed_while_it_waits_for_an_answer_starts_again(tmp_path):
    with desk(tmp_path, ASKING) as (_, board):
        killed = []

        def kill(_pin):
            if not killed:
                killed.append(board._runner._life.process)
                killed[0].kill()
                killed[0].wait(10)

        board._runner.chip.pin = kill
        board.power_on()
        board.wait_for_start("crash .signal 9", timeout_s=10)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_mistake_of_the_simulator_is_told_on_the_console(tmp_path):
    with desk(tmp_path, ASKING) as (_, board):
        board._runner.chip.pin = None
        board.power_on()
        board.wait_for("^sim: off: the simulator itself has failed: TypeError", timeout_s=10)
        board.wait_until_off()
        board._runner._thread.join(10)  # what it dies of would be told as another test's


KILLED = """
import os, pathlib, signal, sys
from tests.host.sim_desk import desk
with desk(pathlib.Path(sys.argv[1]), sys.argv[2], serial=sys.argv[3] == "serial") as (_, board):
    board.power_on()
    board.wait_for("^runs$")
    print(board._runner._life.process.pid, flush=True)
    os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.parametrize("kind", ["pipe", "serial"])
def test_a_device_that_loops_ends_with_a_simulator_that_is_killed(tmp_path, kind):
    program = "print('runs')\nwhile True:\n    pass"
    command = [sys.executable, "-c", KILLED, str(tmp_path), program, kind]
    killed = subprocess.run(command, cwd=interpreter.ROOT, capture_output=True, text=True, timeout=60)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    device = int(killed.stdout)
    deadline = time.monotonic() + 10
    while is_alive(device) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not is_alive(device)


def is_alive(pid):
    try:
        with open(f"/proc/{pid}/stat") as state:
            return state.read().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_ctrl_c_while_a_board_is_switched_on_leaves_none_that_is_on(tmp_path, monkeypatch):
    def interrupted(thread):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt), Board(tmp_path / "flash") as board:
        monkeypatch.setattr(threading.Thread, "start", interrupted)
        board.power_on()
    assert not board.is_on


def test_drivers_may_run_where_they_lie_in_a_memory_as_the_bench_wants_them(tmp_path):
    if (
        "VfsRom"
        not in subprocess.run(
            [interpreter.micropython(), "-c", "import vfs; print(dir(vfs))"], capture_output=True, text=True, timeout=10
        ).stdout
    ):
        pytest.skip("this MicroPython has no ROMFS: 1.25 or later has")
    (tmp_path / "main.py").write_text("import machine\nprint('drivers from', machine.__file__)\n")
    with Board(tmp_path / "flash", main=tmp_path / "main.py") as board:
        board.image.run_in_place(tmp_path / "rom")
        board.power_on()
        assert board.wait_for("drivers from").endswith("/in_place/fakes/machine.mpy")


def test_a_timer_that_asks_for_a_pin_disturbs_no_other_question(tmp_path):
    program = """
        import machine, time
        led, button, seen = machine.Pin(2, machine.Pin.OUT), machine.Pin(0), []
        timer = machine.Timer(0, period=1, callback=lambda timer: seen.append((led.value(), button.value())))
        clock = machine.RTC()
        for number in range(2000):
            clock.memory(b"%d" % number)
            assert button.value() == 0 and clock.memory() == b"%d" % number
        while len(seen) < 20:
            time.sleep(1)
        timer.deinit()
        print("seen", set(seen))
    """
    with desk(tmp_path, program) as (_, board):
        board.hold_button()
        board.power_on()
        board.wait_for(r"^seen \{\(0, 0\)\}$")


def test_a_button_that_was_released_before_the_next_feed_has_interrupted_all_the_same(tmp_path):
    program = """
        import machine
        button = machine.Pin(0, machine.Pin.IN, machine.Pin.PULL_UP)
        button.irq(lambda pin: print("pressed"), machine.Pin.IRQ_FALLING)
        print("ready")
        while not machine.Pin(4).value():
            pass
        machine.WDT(timeout=60000).feed()
        print("fed")
    """
    with desk(tmp_path, program) as (_, board):
        board.power_on()
        board.wait_for("^ready$")
        board.hold_button()
        board.release_button()
        board.drive_pin(4, 1)
        board.wait_for("^fed$")
        assert board.lines.count("pressed") == 1


def test_a_button_that_was_held_before_the_start_does_not_interrupt(tmp_path):
    program = """
        import machine
        button = machine.Pin(0, machine.Pin.IN, machine.Pin.PULL_UP)
        button.irq(lambda pin: print("pressed"), machine.Pin.IRQ_FALLING)
        machine.WDT(timeout=60000).feed()
        print("level", button.value())
    """
    with desk(tmp_path, program) as (_, board):
        board.hold_button()
        board.power_on()
        board.wait_for("^level 0$")
        assert "pressed" not in board.lines


def test_a_program_has_no_shell_and_no_environment_as_on_the_chip(tmp_path):
    program = """
        import os
        print("has", [name for name in ("system", "getenv", "VfsPosix", "uname", "sync") if hasattr(os, name)])
    """
    with desk(tmp_path, program) as (_, board):
        board.power_on()
        board.wait_for(r"^has \['uname', 'sync'\]$")


def test_a_program_may_begin_as_the_ports_own_tutorials_do(tmp_path):
    program = """
        import esp, micropython
        esp.osdebug(None)
        micropython.alloc_emergency_exception_buf(100)
        from micropython import const, schedule
        _ANSWER = const(42)
        import sys
        assert sys.platform == "esp32" and sys.implementation._machine.endswith("ESP32"), sys.implementation
        sys.path.append("/more")
        import machine, os, select, socket, time, umachine, uos, uselect, usocket, utime
        assert (umachine, uos, uselect, usocket, utime) == (machine, os, select, socket, time)
        print("begins", _ANSWER, esp.flash_size(), hasattr(micropython, "mem_peak"))
    """
    with desk(tmp_path, program) as (_, board):
        board.power_on()
        board.wait_for("^begins 42 4194304 False$")
