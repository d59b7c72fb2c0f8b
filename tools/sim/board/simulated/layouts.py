"""The partition tables of images for 4 MB of flash: the port's own two (partitions-4MiB.csv, partitions-4MiB-ota.csv)
and the one of `make firmware` (firmware/partitions/4MiB.csv).

A row is what `esp32.Partition.info()` gives: type, subtype, address, size, label, encrypted. Pure; CPython, too.
"""

APP, DATA, ANY = 0, 1, 0xFF
FACTORY, OTA_0, OTADATA = 0x00, 0x10, 0x00

SLOT_BYTES = 0x180000
BLOCK = 4096

_APPS_AT = 0x10000


def table(image, slot_bytes=SLOT_BYTES):
    """The rows of image "stock" (one factory application), "ota" or "awsesp" (two slots of `slot_bytes`; more NVS)."""
    if image == "stock":
        return [
            (DATA, 2, 0x9000, 0x6000, "nvs", False),
            (DATA, 1, 0xF000, 0x1000, "phy_init", False),
            (APP, FACTORY, _APPS_AT, 0x1F0000, "factory", False),
            (DATA, 129, 0x200000, 0x200000, "vfs", False),
        ]
    if image not in ("ota", "awsesp"):
        raise ValueError("image %r: say stock, ota or awsesp" % image)
    if slot_bytes <= 0 or slot_bytes % BLOCK:
        raise ValueError("a slot of %d bytes: say a multiple of %d" % (slot_bytes, BLOCK))
    end = _APPS_AT + 2 * slot_bytes
    slots = [
        (DATA, OTADATA, 0xD000, 0x2000, "otadata", False),
        (DATA, 1, 0xF000, 0x1000, "phy_init", False),
        (APP, OTA_0, _APPS_AT, slot_bytes, "ota_0", False),
        (APP, OTA_0 + 1, _APPS_AT + slot_bytes, slot_bytes, "ota_1", False),
    ]
    if image == "ota":
        return [(DATA, 2, 0x9000, 0x4000, "nvs", False)] + slots + [(DATA, 129, end, 0xF0000, "vfs", False)]
    return slots + [(DATA, 2, end, 0x10000, "nvs", False), (DATA, 129, end + 0x10000, 0xE0000, "vfs", False)]


def size_of(rows, label):
    """Bytes of a partition."""
    return next(row[3] for row in rows if row[4] == label)


def find(rows, kind, subtype):
    """Label of the first partition of that type and subtype, or None."""
    for row in rows:
        if row[0] == kind and row[1] == subtype:
            return row[4]
    return None


def slots(rows):
    """The labels of the slots, in their order: "ota_0", "ota_1"."""
    found = []
    while True:
        label = find(rows, APP, OTA_0 + len(found))
        if label is None:
            return found
        found.append(label)
