"""Which slot of the flash the running firmware came from. Tiny, because every boot imports it."""


def name():
    """The label of the running partition: "ota_0", "ota_1", or "factory" where there are no slots."""
    try:
        from esp32 import Partition

        return Partition(Partition.RUNNING).info()[4]
    except (ImportError, AttributeError, OSError):  # a build without partitions
        return "factory"
