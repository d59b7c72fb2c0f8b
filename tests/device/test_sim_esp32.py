"""The simulated `esp32` beside NVS: heap figures, and the partitions of a stock image."""

import esp32
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
