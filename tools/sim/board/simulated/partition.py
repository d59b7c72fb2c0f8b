"""The esp32 port's `Partition` (esp32_partition.c) on what ESP-IDF does below it (esp_ota_ops.c, partition_target.c).

Flash is what `simulation.board` holds of it: `rows`, `running` (a label), `piece(label)` to read, erase and program.
"""

import errno

import simulation
from micropython import const

from . import firmware, layouts, otadata

_NATIVE = const(4096)
_HARD_RESET = const(2)
_WORD = const(0xFFFFFFFF)

_FAIL = (-1, "ESP_FAIL")
_INVALID_ARG = (0x102, "ESP_ERR_INVALID_ARG")
_INVALID_SIZE = (0x104, "ESP_ERR_INVALID_SIZE")
_NOT_FOUND = (0x105, "ESP_ERR_NOT_FOUND")
_VALIDATE_FAILED = (0x1503, "ESP_ERR_OTA_VALIDATE_FAILED")


def _fail(error):
    raise OSError(-error[0], error[1])


class Partition:
    """A part of the flash, and a block device of `block_size` bytes a block.

    Whoever writes to the application that runs gets what ESP-IDF does about it: the chip panics and restarts.
    """

    BOOT = const(0)
    RUNNING = const(1)
    TYPE_APP = const(0)
    TYPE_DATA = const(1)

    def __init__(self, which, block_size=_NATIVE):
        self._open(_row_of(which), block_size)

    def _open(self, row, block_size):
        if row is None:
            raise OSError(errno.ENOENT)
        self._info = row
        self._size = row[3]
        self._block_size = block_size & 0xFFFF
        self._flash = None

    @staticmethod
    def find(type=layouts.APP, subtype=layouts.ANY, label=None, block_size=_NATIVE):
        """All that fit, in the order of the table."""
        found = []
        for row in simulation.board.rows:
            if type in (layouts.ANY, row[0]) and subtype in (layouts.ANY, row[1]) and label in (None, row[4]):
                partition = object.__new__(Partition)
                partition._open(row, block_size)
                found.append(partition)
        return found

    def info(self):
        """(type, subtype, address, size, label, encrypted)."""
        return tuple(self._info)

    def readblocks(self, block, buffer, offset=0):
        """Fill `buffer` from there on."""
        buffer = memoryview(buffer)
        at = (block * self._block_size + offset) & _WORD
        self._check_range(at, len(buffer))
        self._piece().read(at, buffer)

    def writeblocks(self, block, data, offset=None):
        """Erase, then write. With `offset` only write, which takes bits from 1 to 0 and never back."""
        data = memoryview(data)
        at = block * self._block_size & _WORD
        if offset is not None:
            at = (at + offset) & _WORD
        elif self._block_size >= _NATIVE:
            self._erase(at, len(data))
        else:
            self._erase_around(at, len(data))
        self._program(at, data)

    def ioctl(self, operation, argument):
        """As every block device: 4 number of blocks, 5 their size, 6 erases one."""
        if operation in (1, 2, 3):
            return 0
        if operation == 4:
            return self._size // self._block_size
        if operation == 5:
            return self._block_size
        if operation == 6:
            if self._block_size != _NATIVE:
                return -errno.EINVAL
            self._erase(argument * _NATIVE & _WORD, _NATIVE)
            return 0
        return None

    def set_boot(self):
        """The next start is from here, on trial."""
        self._validate()
        data = _otadata()
        if data is None:
            _fail(_NOT_FOUND)
        if self._info[1] == layouts.FACTORY:
            for at in range(0, layouts.size_of(simulation.board.rows, "otadata"), _NATIVE):
                data.erase(at, _NATIVE)
            return
        slots = layouts.slots(simulation.board.rows)
        otadata.select(data, slots.index(self._info[4]), len(slots))

    def get_next_update(self):
        """The slot after this one; the first one after the last, or when this is no slot."""
        slots = layouts.slots(simulation.board.rows)
        if not slots:
            raise OSError(errno.ENOENT)
        label = self._info[4]
        return Partition(slots[(slots.index(label) + 1) % len(slots)] if label in slots else slots[0])

    @classmethod
    def mark_app_valid_cancel_rollback(cls):
        """The entry of otadata that rules becomes valid. After `set_boot` that is the one of the NEXT start."""
        data = _otadata()
        if data is None:
            _fail(_NOT_FOUND)
        entries = otadata.read(data)
        ruling = otadata.active(entries)
        if ruling is None:
            _fail(_FAIL)
        if otadata.state(entries[ruling]) != otadata.VALID:
            otadata.write(data, ruling, otadata.with_state(entries[ruling], otadata.VALID))

    def __repr__(self):
        return "<Partition type=%d, subtype=%d, address=%d, size=%d, label=%s, encrypted=%d>" % self.info()

    def _validate(self):
        if self._info[1] == layouts.FACTORY and self._info[0] == layouts.APP:
            return  # it runs from the checkout: the simulated flash does not hold it
        try:
            firmware.Image(self._piece(), self._size)
        except firmware.Invalid:
            _fail(_VALIDATE_FAILED)

    def _piece(self):
        if self._flash is None:
            self._flash = simulation.board.piece(self._info[4])
        return self._flash

    def _check_range(self, at, size):
        if at > self._size:
            _fail(_INVALID_ARG)
        if at + size > self._size:
            _fail(_INVALID_SIZE)

    def _check_writable(self, at, size):
        self._check_range(at, size)
        if self._info[4] == simulation.board.running:
            simulation.board.restart("panic: writes to the application that runs", _HARD_RESET)

    def _erase(self, at, size):
        self._check_range(at, size)
        if size % _NATIVE:
            _fail(_INVALID_SIZE)
        if at % _NATIVE:
            _fail(_INVALID_ARG)
        self._check_writable(at, size)
        self._piece().erase(at, size)

    def _program(self, at, data):
        self._check_writable(at, len(data))
        self._piece().program(at, data)

    def _erase_around(self, at, size):
        # Blocks smaller than the flash's own: what lies beside them in the same erased block is kept, and written back.
        end, cache = at + size, bytearray(_NATIVE)
        first = at // _NATIVE * _NATIVE
        for base in range(first, end, _NATIVE):
            before = at - base if base == first else 0
            after = base + _NATIVE - end
            if before or after > 0:
                self._check_range(base, _NATIVE)
                self._piece().read(base, cache)
            self._erase(base, _NATIVE)
            if before:
                self._program(base, memoryview(cache)[:before])
            if after > 0:
                self._program(end, memoryview(cache)[_NATIVE - after :])


def _row_of(which):
    board = simulation.board
    if isinstance(which, str):
        named = [row for row in board.rows if row[4] == which]
        apps = [row for row in named if row[0] == layouts.APP]
        return (apps or named or [None])[0]
    if which == Partition.RUNNING:
        return _row_of(board.running)
    if which == Partition.BOOT:
        return _row_of(_boot_label())
    if isinstance(which, int):
        raise ValueError
    raise TypeError("can't convert '%s' object to str implicitly" % type(which).__name__)


def _boot_label():
    # esp_ota_get_boot_partition: without otadata there is none, not even the factory's.
    data, rows = _otadata(), simulation.board.rows
    if data is None:
        return ""
    ruling, slots = otadata.active(otadata.read(data)), layouts.slots(rows)
    if ruling is None:
        return layouts.find(rows, layouts.APP, layouts.FACTORY) or slots[0]
    return slots[otadata.slot_of(otadata.read(data)[ruling], len(slots))]


def _otadata():
    label = layouts.find(simulation.board.rows, layouts.DATA, layouts.OTADATA)
    return simulation.board.piece(label) if label else None
