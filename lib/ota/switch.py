"""Chooses the slot of the next start, and confirms the one that runs. Loaded for moments."""

from esp32 import Partition

import errors

from . import slot


def next_slot():
    """The `Partition` that an update goes into. Raises `no_slots` on a board that has one application only."""
    try:
        return Partition(Partition.RUNNING).get_next_update()
    except OSError:
        raise errors.error("no_slots")


def try_out(label):
    """Let the slot with this label start next, on trial. Not for a start that is on trial itself.

    Errors: `image_broken`; `no_rollback` where the running image was built without it: its ESP-IDF has not marked the
    slot as new. (What the bootloader was built with cannot be asked.) After one the running slot starts next, and is
    not on trial.
    """
    confirm()  # first: it marks the entry of the next start, which after set_boot is the new slot's
    running = Partition(Partition.RUNNING)  # after set_boot there may be no memory for it
    try:
        Partition(label).set_boot()
    except OSError as problem:
        raise errors.error("image_broken", problem.args[-1])
    try:
        goes_back = slot.has(slot.NEW)
    except MemoryError:
        _stay(running)
        raise
    if not goes_back:
        _stay(running)
        raise errors.error("no_rollback")


def _stay(running):
    """Take set_boot of the other slot back."""
    running.set_boot()
    confirm()  # else it would be the running slot that is on trial


def confirm():
    """The running slot is good: it starts from now on. Raises `flash_failed`: then it is still on trial."""
    try:
        Partition.mark_app_valid_cancel_rollback()
    except OSError as problem:
        # Flashed by cable, otadata is still empty, and there is nothing to confirm.
        if slot.is_on_trial():
            raise errors.error("flash_failed", "confirming the image", problem.args[-1])
