"""Which slot the bootloader starts, and what it makes of otadata: every state of the two entries that matters.

Read from ESP-IDF's bootloader_utility.c and esp_ota_ops.c, not from ours.
"""

import pytest

from tools.sim.board.simulated import bootloader, firmware, layouts, otadata
from tools.sim.board.simulated.otadata import ABORTED, INVALID, NEW, NONE, PENDING, VALID

SLOT = 0x10000


class Flash:
    """A partition in memory, with a count of writes that may end in a power cut."""

    def __init__(self, size, meter):
        self.data = bytearray(b"\xff" * size)
        self._meter = meter

    def read(self, offset, buffer):
        buffer[:] = self.data[offset : offset + len(buffer)]

    def program(self, offset, data):
        size = self._meter(len(data))
        for i in range(size):
            self.data[offset + i] &= data[i]
        if size < len(data):
            raise PowerCut

    def erase(self, offset, size):
        done = self._meter(size)
        self.data[offset : offset + done] = b"\xff" * done
        if done < size:
            raise PowerCut


class PowerCut(Exception):
    pass


class Board:
    """`entries`: (sequence, state) or None for an empty one, or raw bytes; `images`: the slots with a good image."""

    def __init__(self, entries, images=("ota_0", "ota_1"), image="ota"):
        self.rows = layouts.table(image, SLOT)
        self.cut_at = self.torn = None
        self._flash = {}
        for index, entry in enumerate(entries):
            if entry is not None:
                raw = entry if isinstance(entry, bytes) else otadata.entry(*entry)
                self.piece("otadata").program(index * 4096, raw)
        for label in images:
            self.piece(label).program(0, firmware.build(label))

    def piece(self, label):
        if label not in self._flash:
            self._flash[label] = Flash(layouts.size_of(self.rows, label), self._write)
        return self._flash[label]

    def _write(self, size):
        if self.cut_at is None:
            return size
        self.cut_at -= 1
        return size if self.cut_at else size // 2 if self.torn else 0

    def start(self):
        return bootloader.start(self.rows, self.piece)[0]

    def entries(self):
        found = otadata.read(self.piece("otadata"))
        return [None if otadata.sequence(raw) == NONE else (otadata.sequence(raw), otadata.state(raw)) for raw in found]


SPOILT = otadata.entry(2, VALID)[:-1] + b"\0"  # its CRC does not fit
UNDEFINED = NONE  # the state that a tool without rollback leaves

# entries before, good images, the slot that starts, entries after
CASES = {
    "never written": ([None, None], "01", "ota_0", [(1, VALID), None]),
    "never written, first slot empty": ([None, None], "1", "ota_1", [(2, VALID), None]),
    "valid": ([(1, VALID), None], "01", "ota_0", [(1, VALID), None]),
    "the higher number rules": ([(1, VALID), (2, VALID)], "01", "ota_1", [(1, VALID), (2, VALID)]),
    "numbers go round": ([(7, VALID), (6, VALID)], "01", "ota_0", [(7, VALID), (6, VALID)]),
    "of equal ones the first": ([(1, VALID), (1, NEW)], "01", "ota_0", [(1, VALID), (1, NEW)]),
    "new": ([(1, VALID), (2, NEW)], "01", "ota_1", [(1, VALID), (2, PENDING)]),
    "pending": ([(1, VALID), (2, PENDING)], "01", "ota_0", [(1, VALID), (2, ABORTED)]),
    "pending, the other one never judged": (
        [(3, PENDING), (2, UNDEFINED)],
        "01",
        "ota_1",
        [(3, ABORTED), (2, UNDEFINED)],
    ),
    "pending and alone": ([(1, PENDING), None], "01", "ota_0", [(1, ABORTED), None]),
    "aborted": ([(1, VALID), (2, ABORTED)], "01", "ota_0", [(1, VALID), (2, ABORTED)]),
    "invalid": ([(1, INVALID), (2, VALID)], "01", "ota_1", [(1, INVALID), (2, VALID)]),
    "both refused": ([(1, INVALID), (2, ABORTED)], "01", "ota_0", [(1, INVALID), (2, ABORTED)]),
    "undefined counts as good": ([(1, UNDEFINED), None], "01", "ota_0", [(1, UNDEFINED), None]),
    "a wrong CRC is no entry": ([(1, VALID), SPOILT], "01", "ota_0", [(1, VALID), (2, VALID)]),
    "wrong CRCs only: all slots are tried": ([SPOILT, None], "01", "ota_0", [(2, VALID), None]),
    "new, but broken": ([(1, VALID), (2, NEW)], "0", "ota_0", [(1, VALID), (2, PENDING)]),
    "the slot that rules is broken": ([(1, VALID), None], "1", "ota_1", [(1, VALID), None]),
    "an update written in place": ([(1, VALID), (4, NEW)], "01", "ota_1", [(1, VALID), (4, PENDING)]),
}


@pytest.mark.parametrize("name", CASES)
def test_otadata_says_which_slot_starts(name):
    before, good, slot, after = CASES[name]
    board = Board(before, [f"ota_{digit}" for digit in good])
    assert board.start() == slot
    assert board.entries() == after


def test_without_a_good_image_nothing_starts():
    with pytest.raises(bootloader.NothingBootable, match=r"ota_0 is not bootable: invalid magic byte ff.*ota_1"):
        Board([(1, VALID), None], []).start()


def test_a_rollback_is_for_good():
    board = Board([(1, VALID), (2, NEW)])
    assert [board.start() for _ in range(4)] == ["ota_1", "ota_0", "ota_0", "ota_0"]


@pytest.mark.parametrize("torn", [False, True])
@pytest.mark.parametrize("cut_at", [1, 2])
@pytest.mark.parametrize("name", [name for name, case in CASES.items() if case[0] != case[3] and "CRC" not in name])
def test_power_cut_while_it_writes_leaves_a_slot_that_starts(name, cut_at, torn):
    before, good, slot, _ = CASES[name]
    board = Board(before, [f"ota_{digit}" for digit in good])
    board.cut_at, board.torn = cut_at, torn
    with pytest.raises(PowerCut):
        board.start()
    board.cut_at = None
    # A new image that was cut before it began may be lost: then the old one runs, and never a third thing.
    assert board.start() in (slot, "ota_0")


@pytest.mark.parametrize(
    ("entries", "slot", "after"),
    [
        ([None, None], 0, [(1, NEW), None]),
        ([None, None], 1, [(2, NEW), None]),
        ([(1, VALID), None], 1, [(1, VALID), (2, NEW)]),
        ([(1, VALID), None], 0, [(1, VALID), (1, NEW)]),
        ([(1, VALID), (2, VALID)], 0, [(3, NEW), (2, VALID)]),
        ([(3, VALID), (2, VALID)], 1, [(3, VALID), (4, NEW)]),
        ([(1, VALID), (2, ABORTED)], 1, [(1, VALID), (2, NEW)]),
        ([(1, ABORTED), (2, INVALID)], 1, [(2, NEW), (2, INVALID)]),
    ],
)
def test_another_slot_is_chosen(entries, slot, after):
    board = Board(entries)
    otadata.select(board.piece("otadata"), slot, 2)
    assert board.entries() == after
