"""boot.py on the chip's file system: the line it prints, the start it counts, what hides what, and that it never fails.

As on the chip, "/" is the device's own; the repository stands in for the firmware image, at "/rom".
"""

import os
import sys

import esp32
import machine
import simulation
from simulated import firmware

import archives
import board
import errors  # noqa: F401  (loaded, as it is on a running device)
from boot_desk import forget_starts, power_on, read
from harness import equal

COMPANIONS = ["repository"]


def test_one_line_says_start_slot_and_cause():
    forget_starts()
    simulation.board.reset_cause = machine.PWRON_RESET
    equal(power_on().lines, ["boot: start 1, slot factory, reset power_on"])
    simulation.board.reset_cause = machine.WDT_RESET
    equal(power_on().lines, ["boot: start 2, slot factory, reset watchdog"])


def test_reason_of_a_wanted_restart_is_told():
    forget_starts()
    simulation.board.reset_cause = machine.HARD_RESET
    power_on()
    board.start_record().mark_clean("settings changed")
    equal(power_on().lines, ["boot: start 1, slot factory, reset hard (settings changed)"])


def test_file_that_hides_a_module_of_the_firmware_is_told():
    equal("boot: /ntp hides the firmware's ntp" in power_on(["/ntp.py"]), True)


def test_copy_that_is_hidden_by_the_firmware_is_told():
    equal("boot: the firmware's backoff hides /lib/backoff" in power_on(["/lib/backoff.mpy"]), True)


def test_frozen_package_is_told():
    equal("boot: /asyncio hides the firmware's asyncio" in power_on(["/asyncio/core.py"]), True)


def test_copy_at_the_top_hides_the_library():
    output = power_on(["/sensor.py", "/lib/sensor.py", "/lib/other.py"])
    equal(output.lines[1:], ["boot: /sensor hides /lib/sensor"])


def test_files_of_the_application_are_no_shadow():
    output = power_on(["/boot.py", "/main.py", "/settings.json", "/sensor.py", "/secure/", "/lib/driver.py"])
    equal(len(output.lines), 1)


def test_frozen_main_is_not_started_by_looking_for_it():
    equal(len(power_on(["/main.py", "/image/main.py", "/lib/_boot.py", "/image/_boot.py"]).lines), 1)


def test_looking_leaves_the_modules_as_they_are():
    power_on()
    before, loaded = sys.modules["errors"], sorted(sys.modules)
    power_on(["/errors.py", "/lib/errors.py", "/backoff.py"])
    equal(sys.modules["errors"] is before, True)
    equal(sorted(sys.modules), loaded)


def with_archive(data, *others):
    source = read(os.getenv("REPOSITORY") + "/lib/archive.py")
    return power_on(dict.fromkeys(others, "raise SystemExit") | {"/lib/archive.py": source, "/awsesp.arc": data}, True)


def test_the_archive_hides_copies_of_its_modules():
    seven, folder = archives.SEVEN, archives.MODULES["/arc_pack/__init__.mpy"]
    good = archives.packed({"/ntp.mpy": seven, "/sensor.mpy": seven, "/arc_pack/__init__.mpy": folder})
    output = with_archive(good, "/ntp.py", "/lib/sensor.mpy", "/arc_pack/other.py", "/lib/mine.py")
    for name, path in (("arc_pack", "/arc_pack"), ("ntp", "/ntp"), ("sensor", "/lib/sensor")):
        equal("boot: the firmware's %s hides %s" % (name, path) in output, True)
    equal("mine" in output, False)


def test_an_archive_that_is_not_whole_is_told_and_survived():
    output = with_archive(archives.packed()[:-1])
    equal(output.lines[0], "boot: /awsesp.arc is not usable (damaged): make flash puts it there anew")
    equal("boot: start " in output, True)


def test_an_archive_that_was_left_on_a_board_with_the_firmware_in_its_image_is_not_used():
    equal(len(power_on({"/awsesp.arc": archives.packed()[:-1]}).lines), 1)


def test_modules_of_the_interpreter_are_noted_as_loaded_unless_there_is_a_file_of_that_name():
    for name in ("errno", "select"):
        sys.modules.pop(name, None)
    with_archive(archives.packed(), "/errno.py", "/lib/select.mpy")
    equal([name in sys.modules for name in ("errno", "select", "struct")], [False, False, True])
    with_archive(archives.packed())
    equal([name in sys.modules for name in ("errno", "select")], [True, True])


def test_flash_that_refuses_does_not_stop_the_start():
    def refuse(namespace):
        raise OSError(-4353, "ESP_ERR_NVS_NOT_INITIALIZED")

    board._nvs.clear()
    real, esp32.NVS = esp32.NVS, refuse
    try:
        output = power_on()
    finally:
        esp32.NVS = real
    equal("boot: start unknown, slot factory" in output, True)


def test_broken_board_module_is_told_and_survived():
    good = sys.modules.pop("board")
    try:
        output = power_on({"/board.py": "import a_module_that_is_missing"})
    finally:
        sys.modules["board"] = good
    equal(len(output.lines), 1)
    equal("boot: ImportError: " in output and "a_module_that_is_missing" in output, True)


class SecondSlot:
    """What `esp32.Partition` answers while the second slot runs."""

    RUNNING = 1

    def __init__(self, which):
        equal(which, self.RUNNING)

    def info(self):
        return 0, 17, 0x190000, 0x180000, "ota_1", False


def test_slot_is_the_running_partition():
    real, esp32.Partition = esp32.Partition, SecondSlot
    try:
        output = power_on()
    finally:
        esp32.Partition = real
    equal("slot ota_1," in output, True)


def test_a_new_image_on_trial_is_watched_from_its_first_moment():
    """One whose main.py ends at the REPL would stay there for ever otherwise, and never go back."""
    forget_starts()
    power_on()
    equal(simulation.board.watchdog_ms, None)
    simulation.board.use_slots(0x10000, "1.0.0")
    image = firmware.build("1.1.0")
    other = esp32.Partition("ota_1")
    other.writeblocks(0, image + bytes(-len(image) % 4096))
    other.set_boot()
    simulation.board.boot()
    equal(power_on().lines[0].split(",")[1], " slot ota_1")
    equal(simulation.board.watchdog_ms, 30000)
    simulation.board.reset_cause, simulation.board.watchdog_ms = machine.SOFT_RESET, None
    power_on()
    simulation.board.reset_cause = machine.HARD_RESET
    equal(simulation.board.watchdog_ms, None)  # somebody is at the console


def test_a_new_image_that_has_nothing_of_this_firmware_goes_back_too():
    """MicroPython's own image, published by mistake."""
    simulation.board.use_slots(0x10000, "1.0.0")
    simulation.board.watchdog_ms = None
    for is_new, watchdog_ms in ((False, None), (True, 30000)):
        if is_new:
            other = esp32.Partition("ota_1")
            image = firmware.build("1.1.0")
            other.writeblocks(0, image + bytes(-len(image) % 4096))
            other.set_boot()
        simulation.board.boot()
        good = sys.modules.pop("board")
        try:
            power_on({"/board.py": "import a_module_that_is_missing"})
        finally:
            sys.modules["board"] = good
        equal(simulation.board.watchdog_ms, watchdog_ms)


def test_files_are_found_though_the_image_lacks_what_others_have_built_in():
    import import_path

    path, names = list(sys.path), import_path._BUILT_IN
    import_path._BUILT_IN = "json no_such_module"
    try:
        import_path.note_built_in()
        equal("it was there", "no_such_module")
    except ImportError:
        equal(sys.path, path)
    finally:
        import_path._BUILT_IN = names
        sys.path[:] = path
