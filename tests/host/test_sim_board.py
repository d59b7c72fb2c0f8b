"""The power cord: what a simulated chip keeps over restarts and power cuts, and what ends its life."""

import gc
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

from tests.host.sim_desk import desk
from tools.interpreter import ROOT
from tools.sim import Board

CLOCK = """
import machine, time
print("year", time.gmtime()[0], "cause", machine.reset_cause(), "memory", machine.RTC().memory())
if machine.reset_cause() == machine.PWRON_RESET:
    machine.RTC().datetime((2030, 1, 2, 0, 3, 4, 5, 0))
    machine.RTC().memory(b"kept")
    machine.reset()
"""


def test_clock_and_rtc_memory_outlive_a_reset_and_not_a_power_cut(tmp_path):
    with desk(tmp_path, CLOCK) as (_, board):
        board.power_on()
        board.wait_for("year 2000 cause 1 memory b''")
        board.wait_for("year 2030 cause 2 memory b'kept'")
        board.power_cut()
        board.power_on()
        board.wait_for("year 2000 cause 1 memory b''")


def test_boot_and_main_run_in_the_same_namespace_as_main(tmp_path):
    with desk(tmp_path, "print(__name__, from_boot)", boot="from_boot = 7") as (_, board):
        board.power_on()
        board.wait_for("^__main__ 7$")


def test_exception_in_boot_skips_main_and_leaves_the_repl(tmp_path):
    with desk(tmp_path, "print('main ran')", boot="raise ValueError('broken')") as (_, board):
        board.power_on()
        board.wait_for("^sim: REPL: boot.py failed$")
        assert "ValueError: broken" in board.lines
        assert "main ran" not in board.lines


def test_waiting_for_a_line_ends_at_once_when_the_device_sits_in_its_repl(tmp_path):
    with desk(tmp_path, "print('the end')") as (_, board):
        board.power_on()
        started = time.monotonic()
        with pytest.raises(TimeoutError, match=r"(?s)REPL, main.py ended.*\n    the end"):
            board.wait_for("never printed", timeout_s=60)
        assert time.monotonic() - started < 30


def test_watchdog_kills_a_loop_that_blocks(tmp_path):
    program = """
    import machine
    if machine.reset_cause() == machine.WDT_RESET:
        print("bitten")
    else:
        machine.WDT(timeout=150)
        while True:
            pass
    """
    with desk(tmp_path, program) as (_, board):
        board.power_on()
        board.wait_for("^bitten$")
        assert board.starts == ["power on", "watchdog"]


def test_watchdog_that_is_fed_does_not_bite_and_cannot_be_stopped(tmp_path):
    program = """
    import machine, time
    if machine.reset_cause() == machine.WDT_RESET:
        print("bitten")
    else:
        watchdog = machine.WDT(timeout=400)
        for _ in range(10):
            time.sleep_ms(80)
            watchdog.feed()
        del watchdog
        print("fed")
    """
    with desk(tmp_path, program) as (_, board):
        board.power_on()
        board.wait_for("^fed$")
        board.wait_for("^bitten$")


def test_soft_reset_deep_sleep_and_reset_button_are_told_apart(tmp_path):
    program = """
    import machine, sys, time
    print("cause", machine.reset_cause(), "wake", machine.wake_reason())
    if machine.reset_cause() == 1:
        sys.exit()
    if machine.reset_cause() == 5:
        machine.deepsleep(50)
    """
    with desk(tmp_path, program) as (_, board):
        board.power_on()
        board.wait_for("cause 1 wake 0")
        board.wait_for("cause 5 wake 0")
        board.wait_for("cause 4 wake 4")
        board.reset()
        board.wait_for("cause 2 wake 0")
        assert board.starts == ["power on", "sys.exit()", "machine.deepsleep() 50 ms", "reset button"]


def test_deep_sleep_for_ever_ends_by_the_button_or_the_power_cord(tmp_path):
    program = """
    import machine
    print("cause", machine.reset_cause())
    machine.deepsleep()
    """
    with desk(tmp_path, program) as (_, board):
        board.power_on()
        board.wait_for("^sim: machine.deepsleep")
        board.reset()
        board.wait_for("cause 2")
        board.wait_for("^sim: machine.deepsleep")
        assert board.is_on
        board.power_cut()
        assert not board.is_on
        assert board.lines[-1] == "sim: off: power cut"
        assert board.starts == ["power on", "reset button"]


def test_power_cut_strikes_also_between_two_lives(tmp_path):
    with desk(tmp_path, "import machine; machine.reset()") as (_, board):
        for _ in range(10):
            board.power_on()
            board.wait_for(r"start \d+: machine.reset")
            board.power_cut()
            assert not board.is_on


def test_forgotten_board_is_switched_off(tmp_path):
    with desk(tmp_path, "import time\nwhile True: time.sleep_ms(5)") as (world, _):
        forgotten = Board(tmp_path / "other", world, main=tmp_path / "program.py", boot=tmp_path / "boot.py")
        forgotten.power_on()
        forgotten.wait_for("start 1")
        runner = forgotten._runner
        del forgotten
        gc.collect()
        assert runner.off.wait(10)


def test_restart_leaves_nothing_of_the_program_to_run(tmp_path):
    program = """
    import machine
    try:
        if machine.reset_cause() == 1:
            machine.reset()
    finally:
        print("finally", machine.reset_cause())
    """
    with desk(tmp_path, program) as (_, board):
        board.power_on()
        board.wait_for("finally 2")
        assert "finally 1" not in board.lines


def test_button_is_seen_at_once_and_its_interrupt_with_the_next_feed(tmp_path):
    program = """
    import machine, time
    pin = machine.Pin(0, machine.Pin.IN, machine.Pin.PULL_UP)
    pin.irq(lambda pin: print("interrupt", pin.value()), machine.Pin.IRQ_FALLING)
    print("level", pin.value())
    watchdog = machine.WDT(timeout=5000)
    while pin.value():
        time.sleep_ms(5)
        watchdog.feed()
    watchdog.feed()
    time.sleep_ms(1)
    print("level", pin.value())
    """
    with desk(tmp_path, program) as (_, board):
        board.power_on()
        board.wait_for("level 1")
        board.hold_button(0)
        board.wait_for("level 0")
        assert "interrupt 0" in board.lines


def test_files_written_while_off_are_on_the_device_and_back(tmp_path):
    program = """
    print(open("/settings.json").read(), open("/secure/key", "rb").read())
    with open("/answer.txt", "w") as file:
        file.write("from the device")
    print("done")
    """
    with desk(tmp_path, program) as (_, board):
        board.write_file("/settings.json", '{"a": "ü"}')
        board.write_file("/secure/key", b"\0\xff")
        board.power_on()
        board.wait_for('{"a": "ü"} .*x00.*xff')
        board.wait_for("^done$")
        assert board.read_file("/answer.txt") == b"from the device"
        with pytest.raises(RuntimeError, match="switch the board off"):
            board.write_file("/settings.json", "{}")
        board.power_cut()
        assert board.list_files() == ["/answer.txt", "/secure/key", "/settings.json"]
        with pytest.raises(FileNotFoundError, match="/absent"):
            board.read_file("/absent")


def test_heap_is_what_the_firmware_has_for_itself(tmp_path):
    """By what is free, and by what there is in all, which tells a chip with PSRAM from one without."""
    program = "import gc; gc.collect(); print('free', gc.mem_free() // 1024, gc.mem_alloc() + gc.mem_free())"
    with desk(tmp_path, program, heap="64k") as (_, board):
        board.power_on()
        free_kb, total = map(int, board.wait_for("^free ").split()[1:])
        assert 56 <= free_kb <= 64
        assert 60 * 1024 <= total <= 64 * 1024
    with pytest.raises(ValueError, match="say 98304 or 96k"):
        Board(tmp_path / "other", heap="lots")


def test_deployed_firmware_runs_from_the_file_system(tmp_path):
    repository = tmp_path / "repository"
    (repository / "lib" / "deep").mkdir(parents=True)
    (repository / "main.py").write_text("import sensor, deep.er; print('deployed', sensor.VALUE)", encoding="utf-8")
    (repository / "lib" / "sensor.py").write_text("VALUE = 5", encoding="utf-8")
    (repository / "lib" / "deep" / "er.py").write_text("", encoding="utf-8")
    with desk(tmp_path, "print('from the image')") as (_, board):
        board.deploy(repository)
        board.power_on()
        board.wait_for("^deployed 5$")


def test_own_address_is_kept_with_the_flash_and_differs_between_boards(tmp_path):
    program = "import machine, binascii; print('id', binascii.hexlify(machine.unique_id()).decode())"
    with desk(tmp_path, program) as (world, board), Board(tmp_path / "second", world) as second:
        board.power_on()
        board.wait_for(f"^id {board.unique_id}$")
        assert second.unique_id != board.unique_id
        assert Board(tmp_path / "second", world).unique_id == second.unique_id


def test_interpreter_that_dies_restarts_as_a_panic_would_and_not_for_ever(tmp_path):
    program = "from simulated.channel import uos; uos.system('kill -9 $PPID')"
    with desk(tmp_path, program) as (_, board):
        board.power_on()
        board.wait_until_off()
        assert board.starts == ["power on"] + ["crash (signal 9)"] * 4
        assert board.lines[-1] == "sim: off: crash (signal 9), 5 times in a row"


def test_device_does_not_outlive_a_host_that_was_killed(tmp_path):
    stubborn = """
    import machine
    watchdog = machine.WDT()
    print("looping")
    while True:
        try:
            watchdog.feed()
        except BaseException:
            pass
    """
    (tmp_path / "main.py").write_text(textwrap.dedent(stubborn))
    (tmp_path / "boot.py").write_text("")
    script = (
        "import os, sys; from tools.sim import Board\n"
        f"board = Board({str(tmp_path / 'flash')!r}, boot={str(tmp_path / 'boot.py')!r}, "
        f"main={str(tmp_path / 'main.py')!r})\n"
        "board.power_on(); board.wait_for('^looping$')\n"
        "print(board._runner._life.process.pid, flush=True); os.kill(os.getpid(), 9)"
    )
    host = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, timeout=60)
    _wait_until_gone(int(host.stdout))


def _wait_until_gone(pid):
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        try:
            state = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").split()[2]
        except OSError:
            return
        if state == "Z":
            return
        time.sleep(0.02)
    raise AssertionError(f"the device's process {pid} is still there")
