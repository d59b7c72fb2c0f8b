"""An application that crashes, hangs or restarts: the device recovers, and tells why it started."""

from tests.stories.conftest import QUICK, eventually, is_settled, put_application
from tools.interpreter import ROOT


def test_a_crashing_application_is_left_out_until_it_is_replaced(desk, device):
    put_application(desk, "crashing")
    desk.leave_factory(**{**QUICK, "limits": {"starts": 4}})
    device.power_on()
    for _ in range(4):
        device.wait_for(r"INIT --ready--> NORMAL")
        device.wait_for(r"task\.failed .*RuntimeError: the sensor is not there")
        device.wait_for(r"NORMAL --task_failed--> restart")
    device.wait_for("4 starts in a row did not last, the next one is in 2 s")
    device.wait_for(r"INIT --crash_loop--> NORMAL \(4 starts in a row did not last")
    device.wait_for(r"aws\.connected")
    device.wait_for("starts: this one has lasted")
    assert len(device.starts) == 5
    eventually(lambda: is_settled(desk))
    device.power_cut()
    device.image.main = ROOT / "main.py"
    device.power_on()
    device.wait_for("application: start 1")
    device.wait_for(r"publish\.done")


def test_starts_cut_short_from_outside_lead_into_recovery_too(desk, device):
    put_application(desk, "quiet")
    for _ in range(5):
        device.power_on()
        device.wait_for(r"INIT --ready--> NORMAL")
        device.power_cut()
    device.power_on()
    device.wait_for(r"INIT --crash_loop--> NORMAL")
    device.wait_for(r"aws\.connected")


def test_starts_that_the_radio_ends_leave_time_for_a_cable(desk, device):
    desk.leave_factory(**{**QUICK, "networks": []})
    for _ in range(5):
        device.power_on()
        device.wait_for("can be configured over Bluetooth")
        device.power_cut()
    device.power_on()
    device.wait_for("CONFIG: 5 starts in a row did not last: Bluetooth waits 10 s")
    device.wait_for("can be configured over Bluetooth")


def test_a_task_that_hangs_is_told_and_ends_in_a_restart(desk, device):
    put_application(desk, "hanging")
    device.power_on()
    device.wait_for(r"task\.failed code=task_stuck .*task=application")
    device.wait_for(r"NORMAL --task_failed--> restart \(task_stuck: ")
    device.wait_for("application: alive")
    assert device.starts == ["power on", "machine.reset()"]


def test_a_wanted_restart_keeps_data_and_reason(desk, device):
    put_application(desk, "restarting")
    device.power_on()
    device.wait_for(r"aws\.connected")
    device.wait_for(r"NORMAL --restart_requested--> restart \(a new day\)")
    device.wait_for(r"boot: start 1, .* \(a new day\)")
    device.wait_for("application: data b'hello', restarted for a new day")
    assert device.starts == ["power on", "machine.reset()"]
    device.power_cut()
    device.power_on()
    device.wait_for("application: data b'hello', restarted for None")


def test_wanted_restarts_are_no_crash_loop(desk):
    desk.leave_factory(**{**QUICK, "limits": {"starts": 1}})
    put_application(desk, "restarting")
    device = desk.device
    device.power_on()
    device.wait_for("restarted for a new day")
    assert not any("crash_loop" in line for line in device.lines)


def test_a_full_file_system_is_told_and_wastes_no_certificates(desk, device, certificates):
    put_application(desk, "filling")
    # Each of thousands of writes asks the power cord: on a busy machine that takes longer than the watchdog waits.
    desk.leave_factory(**{**QUICK, "timeouts": {**QUICK["timeouts"], "watchdog_s": 150}})
    device.power_on()
    device.wait_for("application: the file system is full", 120)
    for _ in range(3):
        device.wait_for(r"aws\.disconnected code=flash_full")
    assert certificates.created <= 2, "one for each try that began with room for it"
    device.power_cut()
    device.power_on()
    device.wait_for("application: removed its log")
    device.wait_for(r"aws\.connected")
    assert certificates.created <= 3
