"""Slots: which one runs, which one starts next, on trial or for good, as the chip's bootloader has it."""

import simulation
from esp32 import Partition
from simulated import firmware

import errors
from harness import equal, raises
from ota import slot, switch

FRESH = True

SLOT = 0x10000


def board():
    simulation.board.use_slots(SLOT)


def flash(partition, image):
    image += bytes(-len(image) % 4096)
    partition.writeblocks(0, image)


def other():
    """The label of the other slot, with a good image in it."""
    partition = switch.next_slot()
    flash(partition, firmware.build("1.1.0"))
    return partition.info()[4]


def restart():
    simulation.board.boot()
    return slot.name()


def test_a_board_without_slots():
    equal(slot.name(), "factory")
    equal(slot.is_on_trial(), False)
    equal(raises(errors.PersonError, switch.next_slot).code, "no_slots")
    switch.confirm()


def test_an_image_flashed_by_cable_is_not_on_trial():
    board()
    equal((slot.name(), slot.is_on_trial(), switch.next_slot().info()[4]), ("ota_0", False, "ota_1"))
    switch.confirm()
    equal((restart(), slot.is_on_trial()), ("ota_0", False))


def test_a_slot_that_is_tried_out_and_not_confirmed_is_left_again():
    board()
    switch.try_out(other())
    equal(slot.is_on_trial(), False)  # it is the other one that will be
    equal((restart(), slot.is_on_trial()), ("ota_1", True))
    equal((restart(), slot.is_on_trial()), ("ota_0", False))


def test_a_slot_that_was_confirmed_stays():
    board()
    switch.try_out(other())
    restart()
    switch.confirm()
    equal(slot.is_on_trial(), False)
    equal((restart(), restart(), slot.is_on_trial()), ("ota_1", "ota_1", False))


def test_update_after_update_and_a_failure_between():
    board()
    for good in (True, False, True, True, False, False, True):
        before = slot.name()
        switch.try_out(other())
        tried = restart()
        equal((tried != before, slot.is_on_trial()), (True, True))
        if good:
            switch.confirm()
        equal(restart(), tried if good else before)


def test_a_slot_that_was_not_confirmed_is_good_when_it_tries_the_other_one_out():
    board()
    switch.try_out(other())
    restart()
    switch.try_out(other())
    equal((restart(), restart(), slot.is_on_trial()), ("ota_0", "ota_1", False))


def test_what_is_no_image_is_not_tried_out():
    board()
    partition = switch.next_slot()
    for image in (bytes(4096), firmware.build("1.1.0")[:-1] + b"?"):
        flash(partition, image)
        equal(raises(errors.CloudError, lambda: switch.try_out("ota_1")).code, "image_broken")
        equal(restart(), "ota_0")


def test_firmware_that_was_built_without_rollback_takes_no_update():
    board()
    label = other()
    has = slot.has
    slot.has = lambda state: False  # without rollback ESP-IDF leaves the state undefined
    try:
        equal(raises(errors.PersonError, lambda: switch.try_out(label)).code, "no_rollback")
    finally:
        slot.has = has
    equal((restart(), slot.is_on_trial()), ("ota_0", False))


def test_a_slot_for_whose_trial_there_is_no_memory_does_not_start():
    board()
    label = other()
    has = slot.has

    def starved(state):
        raise MemoryError

    slot.has = starved  # just after set_boot
    try:
        raises(MemoryError, lambda: switch.try_out(label))
    finally:
        slot.has = has
    equal((restart(), restart(), slot.is_on_trial()), ("ota_0", "ota_0", False))
    switch.try_out(label)
    equal((restart(), slot.is_on_trial()), ("ota_1", True))


def test_a_confirmation_that_the_flash_does_not_take_is_told():
    board()
    switch.try_out(other())
    restart()
    good = Partition.mark_app_valid_cancel_rollback

    def refuse():
        raise OSError(-261, "ESP_ERR_NOT_FOUND")

    Partition.mark_app_valid_cancel_rollback = refuse
    try:
        equal(raises(errors.StorageError, switch.confirm).code, "flash_failed")
    finally:
        Partition.mark_app_valid_cancel_rollback = good
