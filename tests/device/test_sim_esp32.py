"""The simulated `esp32` beside NVS: heap figures, and the partitions of a stock image."""

import os

import esp32
import machine
import simulation
from esp32 import Partition

from harness import equal, raises

FRESH = True


def test_heap_figures_have_the_ports_shape():
    simulation.board.idf_heap = (100, 40000)
    areas = esp32.idf_heap_info(esp32.HEAP_DATA)
    equal([len(area) for area in areas], [4, 4])
    equal(sum([area[1] for area in areas]), 40100)
    for total, free, largest, least in areas:
        equal(total >= free >= largest > 0 and free >= least, True)


def test_stock_image_has_no_slot_to_update():
    running = Partition(Partition.RUNNING)
    equal(running.info(), (0, 0, 0x10000, 0x1F0000, "factory", False))
    equal(raises(OSError, running.get_next_update).args, (2,))
    equal(raises(OSError, running.set_boot).args, (-261, "ESP_ERR_NOT_FOUND"))
    equal(raises(OSError, Partition.mark_app_valid_cancel_rollback).args, (-261, "ESP_ERR_NOT_FOUND"))


def test_partitions_are_found_by_type_and_label():
    equal([p.info()[4] for p in Partition.find(Partition.TYPE_DATA)], ["nvs", "phy_init", "vfs"])
    equal([p.info()[4] for p in Partition.find(Partition.TYPE_DATA, label="vfs")], ["vfs"])
    equal(Partition.find(Partition.TYPE_DATA, subtype=0), [])
    equal(raises(OSError, lambda: Partition("ota_0")).args, (2,))


def test_what_the_chip_wakes_by_is_checked_as_by_the_port():
    esp32.wake_on_ext1((machine.Pin(32), machine.Pin(33)), esp32.WAKEUP_ANY_HIGH)
    equal(raises(ValueError, lambda: esp32.wake_on_ext1((machine.Pin(5),))).args, ("invalid pin",))
    equal(raises(ValueError, lambda: esp32.wake_on_ext0(pin=16)).args, ("invalid pin",))
    esp32.wake_on_ext0(pin=machine.Pin(0), level=esp32.WAKEUP_ALL_LOW)
    equal(raises(ValueError, lambda: esp32.wake_on_touch(True)).args, ("no resources",))
    esp32.wake_on_ext0(pin=None)
    esp32.wake_on_touch(True)
    equal(raises(ValueError, lambda: esp32.wake_on_ext0(pin=0)).args, ("no resources",))
    esp32.gpio_deep_sleep_hold(True)


def test_what_another_chip_has_is_not_there():
    equal(type(esp32.raw_temperature()), int)
    equal(hasattr(esp32, "mcu_temperature"), False)
    equal(raises(NotImplementedError, lambda: esp32.RMT).args, ("esp32.RMT is not simulated",))


def test_the_system_says_that_it_is_an_esp32():
    system = os.uname()
    equal((system.sysname, system[1], system.machine), ("esp32", "esp32", "Generic ESP32 module with ESP32"))
    equal(system.version.startswith("v%s on " % system.release), True)
    os.sync()
    equal(os.dupterm(None), None)
