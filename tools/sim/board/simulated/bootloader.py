"""ESP-IDF's second-stage bootloader, with rollback, as MicroPython's images have it (bootloader_utility.c).

At every start but a wake from deep sleep: what was pending is aborted; the entry of otadata that rules says which slot,
and becomes pending when it was new; the first partition with a good image starts, that slot first, then those below it
down to the factory application, then those above. Pure; CPython, too.
"""

from . import firmware, layouts, otadata


class NothingBootable(Exception):
    """No partition has an image that starts: the chip would restart for ever. The message says why."""


def start(rows, pieces, log=None):
    """The label of the partition that starts, and its `firmware.Image`.

    `pieces(label)` reads and writes a partition; `log(line)` hears of images that do not start.
    """
    chosen, fresh = _selected(rows, pieces)
    names = layouts.slots(rows)
    factory = layouts.find(rows, layouts.APP, layouts.FACTORY)
    why = []
    for index in list(range(chosen, -2, -1)) + list(range(chosen + 1, len(names))):
        label = factory if index < 0 else names[index]
        if label is None:
            continue
        try:
            image = firmware.Image(pieces(label), layouts.size_of(rows, label))
        except firmware.Invalid as error:
            why.append("%s is not bootable: %s" % (label, error))
            if log:
                log("bootloader: " + why[-1])
            continue
        if fresh and index >= 0:
            otadata.write(pieces("otadata"), 0, otadata.entry(index + 1, otadata.VALID))
        return label, image
    raise NothingBootable("; ".join(why))


def _selected(rows, pieces):
    """Number of the slot to be tried first, -1 for the factory application; and whether otadata says nothing at all."""
    if layouts.find(rows, layouts.DATA, layouts.OTADATA) is None:
        return -1, False
    flash = pieces("otadata")
    entries = otadata.read(flash)
    for index in range(2):
        if otadata.state(entries[index]) == otadata.PENDING:
            entries[index] = otadata.with_state(entries[index], otadata.ABORTED)
            otadata.write(flash, index, entries[index])
    has_factory = layouts.find(rows, layouts.APP, layouts.FACTORY) is not None
    if otadata.is_refused(entries[0]) and otadata.is_refused(entries[1]):
        empty = [otadata.sequence(raw) == otadata.NONE or not otadata.has_crc(raw) for raw in entries]
        return (-1, False) if has_factory else (0, all(empty))
    ruling = otadata.active(entries)
    if ruling is None:
        return -1, False
    if otadata.state(entries[ruling]) == otadata.NEW:
        otadata.write(flash, ruling, otadata.with_state(entries[ruling], otadata.PENDING))
    return otadata.slot_of(entries[ruling], len(layouts.slots(rows))), False
