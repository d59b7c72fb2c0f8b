"""The esp32 port's `esp32`: NVS, the heap figures, and the partitions of the flash (esp32_nvs.c, modesp32.c)."""

import simulation
from micropython import const
from simulated.nvs import INVALID_LENGTH, NvsError, Storage
from simulated.partition import Partition  # noqa: F401  (the port has it here)

HEAP_DATA = const(4)
HEAP_EXEC = const(1)
WAKEUP_ALL_LOW = False
WAKEUP_ANY_HIGH = True
_WORD = const(0x80000000)

_state = {}


def _start():
    """What the port does before boot.py (main.c): a full NVS, or one of a newer version, is erased whole."""
    flash = simulation.board.nvs_flash
    size = len(flash.bytes) if hasattr(flash, "bytes") else flash.size
    try:
        _state["nvs"] = Storage(flash, size)
    except NvsError:
        flash.erase(0, size)
        _state["nvs"] = Storage(flash, size)
    _calibrate(_state["nvs"])


def _calibrate(storage):
    """The radio keeps its calibration in the same partition; ESP-IDF writes it when Wi-Fi is first used."""
    namespace = storage.namespace("phy")
    try:
        storage.get_i32(namespace, "cal_version")
    except NvsError:
        storage.set_blob(namespace, "cal_mac", simulation.board.unique_id)
        storage.set_blob(namespace, "cal_data", b"\xa5" * 1904)
        storage.set_i32(namespace, "cal_version", 0x11A)


def _check(call, *args):
    try:
        return call(*args)
    except NvsError as error:
        number, name = error.args
        raise OSError(-number, name)


class NVS:
    """One namespace. What is set can be read at once, and outlives a power cut, with or without `commit`."""

    def __init__(self, namespace):
        self._name = namespace
        self._open()

    def _open(self):
        self._opened = _state["nvs"]
        self._namespace = _check(self._opened.namespace, self._name)

    @property
    def _storage(self):
        # A test may restart the chip and go on with what it has, which no program of a real one can.
        if self._opened is not _state["nvs"]:
            self._open()
        return self._opened

    def set_i32(self, key, value):
        if not -_WORD < value < _WORD:  # the interpreter on the chip takes not even the least of an i32
            raise OverflowError("overflow converting long int to machine word")
        _check(self._storage.set_i32, self._namespace, key, value)

    def get_i32(self, key):
        return _check(self._storage.get_i32, self._namespace, key)

    def set_blob(self, key, value):
        _check(self._storage.set_blob, self._namespace, key, memoryview(value))

    def get_blob(self, key, buffer):
        """Fills `buffer`, returns the length; a buffer that is too small is an error."""
        size = _check(self._storage.read_blob, self._namespace, key, buffer)
        if size > len(buffer):
            raise OSError(-INVALID_LENGTH[0], INVALID_LENGTH[1])
        return size

    def erase_key(self, key):
        _check(self._storage.erase, self._namespace, key)

    def commit(self):
        """Nothing is left to do: the port's `set` has written already."""

    def __repr__(self):
        return "<NVS namespace>"


def idf_heap_info(capabilities):
    """[(total, free, largest free block, least free so far)] of the areas outside Python's heap."""
    small, large = simulation.board.idf_heap
    if capabilities == HEAP_EXEC:
        return [(small, small, small, small)]
    return [(8248, small, small, small), (180224, large, large * 3 // 4, large)]


def raw_temperature():
    """In Fahrenheit; `mcu_temperature` is of later chips."""
    return 128


def gpio_deep_sleep_hold(enable):
    """The pins keep their levels in deep sleep, or not; nobody looks."""


def __getattr__(name):
    # Seldom used: names take heap that the chip has in its flash.
    if name[:8] == "wake_on_":
        from simulated import wake

        return getattr(wake, name)
    if name in ("PCNT", "RMT", "ULP", "idf_task_info"):
        raise NotImplementedError("esp32.%s is not simulated" % name)
    raise AttributeError("'module' object has no attribute '%s'" % name)


_start()
