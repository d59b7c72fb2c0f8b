"""Which slot of the flash the running firmware came from, and whether it is on trial. Tiny: every boot imports it."""

NEW = b"\0\0\0\0"  # states in otadata: chosen for the next start ...
_PENDING = b"\1\0\0\0"  # ... started, and not confirmed: the bootloader goes back at the next start


def name():
    """The label of the running partition: "ota_0", "ota_1", or "factory" where there are no slots."""
    try:
        from esp32 import Partition

        return Partition(Partition.RUNNING).info()[4]
    except (ImportError, AttributeError, OSError):  # a build without partitions
        return "factory"


def is_on_trial():
    """Whether the bootloader will go back to the other slot, unless this one is confirmed before the next start."""
    return has(_PENDING)


def switch():
    """The module switch.py, for the moment in which it is needed."""
    from . import switch

    unload("switch", "slot")
    return switch


def unload(*names):
    """Unload files of this package, as far as they are loaded."""
    import sys

    for name in names:
        if sys.modules.pop("ota." + name, None):
            delattr(sys.modules["ota"], name)


def has(state):
    """Whether an entry of otadata is in this state. Only the entry of the running slot can be pending."""
    try:
        from esp32 import Partition

        entry = bytearray(4)
        for otadata in Partition.find(Partition.TYPE_DATA, subtype=0):
            for block in range(2):
                otadata.readblocks(block, entry, 24)
                if entry == state:
                    return True
    except (ImportError, AttributeError, OSError):
        pass
    return False
