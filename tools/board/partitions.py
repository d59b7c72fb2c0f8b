"""Partition tables as ESP-IDF writes them, and what is wrong with one."""

import csv
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

_SECTOR = 0x1000
_APP_ALIGNMENT = 0x10000
_FIRST = 0x9000  # bootloader and the table itself are before


@dataclass(frozen=True)
class Partition:
    """One row; `offset` and `size` in bytes."""

    name: str
    type: str
    subtype: str
    offset: int
    size: int

    @property
    def end(self):
        return self.offset + self.size


def read(path):
    """The rows of a table. Every offset must be written there: none is computed."""
    rows = csv.reader(line for line in Path(path).read_text().splitlines() if not line.lstrip().startswith("#"))
    return [_partition([cell.strip() for cell in row]) for row in rows if row]


def _partition(cells):
    name, kind, subtype, offset, size = cells[:5]
    return Partition(name, kind, subtype, int(offset, 0), int(size, 0))


def complaints(table, flash_bytes):
    """What a bootloader, the port or this firmware would refuse, in sentences."""
    ordered = sorted(table, key=lambda each: each.offset)
    for before, after in pairwise(ordered):
        if before.end > after.offset:
            yield f"{before.name} and {after.name} overlap"
    for each in table:
        if each.offset < _FIRST:
            yield f"{each.name} begins before 0x{_FIRST:x}"
        if each.offset % (_APP_ALIGNMENT if each.type == "app" else _SECTOR):
            yield f"{each.name} is not aligned"
        if each.size % _SECTOR or not each.size:
            yield f"{each.name} has no whole sectors"
        if each.end > flash_bytes:
            yield f"{each.name} ends behind the flash"
    yield from _missing(table)


def _missing(table):
    names = [each.name for each in table]
    if len(set(names)) < len(names):
        yield "a name is there twice"
    for wanted in ("nvs", "otadata", "ota_0", "ota_1", "vfs"):
        if wanted not in names:
            yield f"{wanted} is missing"
    slots = {each.size for each in table if each.subtype in ("ota_0", "ota_1")}
    if len(slots) > 1:
        yield "the two slots differ in size"
    if any(each.subtype == "ota" and each.size != 2 * _SECTOR for each in table):
        yield "otadata needs two sectors"
