"""A board for the tests of flash: NVS and a littlefs in memory, whose writes are counted and cut by one meter."""

import os

import esp32
import simulation
import vfs
from simulated.memory import Memory

import events
import flash

BLOCK = 4096
ROOT = "/flash"
SECURE = ROOT + "/secure"

_current = {}


class Disk:
    """A block device on `memory`. After a power cut it takes nothing more: the collector closes what was open."""

    def __init__(self, memory):
        self._memory = memory
        self._alive = True

    def off(self):
        self._alive = False

    def readblocks(self, block, buffer, offset=0):
        self._memory.read(block * BLOCK + offset, buffer)

    def writeblocks(self, block, buffer, offset=0):
        if not self._alive:
            raise simulation.PowerCut("the power is off")
        try:
            self._memory.program(block * BLOCK + offset, buffer)
        except simulation.PowerCut:
            self._alive = False
            raise

    def ioctl(self, operation, argument):
        if operation == 4:
            return len(self._memory.bytes) // BLOCK
        if operation == 5:
            return BLOCK
        if operation == 6 and self._alive:
            try:
                self._memory.erase(argument * BLOCK, BLOCK)
            except simulation.PowerCut:
                self._alive = False
                raise
        return 0


class Chip:
    """NVS and file system of one board, as `blocks` of 4 KB; formatted and empty, power on."""

    def __init__(self, blocks=32, nvs_bytes=0x4000):
        simulation.board.flash.cut_at(None)
        self._memory = Memory(blocks * BLOCK, simulation.board.flash)
        simulation.board.nvs_flash = Memory(nvs_bytes, simulation.board.flash)
        self._disk = Disk(self._memory)
        vfs.VfsLfs2.mkfs(self._disk)
        self._mounted = False
        self.power_cycle()

    def power_cycle(self):
        """Off and on: memory is what it is, open files are not."""
        simulation.board.flash.cut_at(None)
        self.close()
        self._disk = Disk(self._memory)
        vfs.mount(vfs.VfsLfs2(self._disk), ROOT)
        self._mounted = True
        simulation.board.power_cycle()

    def close(self):
        self._disk.off()
        if self._mounted:
            vfs.umount(ROOT)
            self._mounted = False

    def snapshot(self):
        """All of the flash, to come back to."""
        return bytes(self._memory.bytes), bytes(simulation.board.nvs_flash.bytes)

    def restore(self, snapshot):
        self._memory.bytes[:], simulation.board.nvs_flash.bytes[:] = snapshot
        self.power_cycle()


async def new_board():
    """Flash of a board that was never used."""
    if "chip" in _current:
        _current["chip"].close()
    _current["chip"] = Chip()
    return await boot()


async def boot():
    """Power off and on, and what `Flash` makes of it."""
    _current["chip"].power_cycle()
    store = flash.Flash(events.Bus(), ROOT, write_interval_ms=20)
    await store.start()
    return store


def chip():
    """The `Chip` of the last `new_board`."""
    return _current["chip"]


async def is_done_before_cut(action, store, cut, torn):
    """Do it, and let the power go at write number `cut`; False when it went before the end."""
    simulation.board.flash.cut_at(cut, torn)
    try:
        await action(store)
    except simulation.PowerCut:
        return False
    return True


def erase_nvs():
    """What the port does at the next start when it finds NVS full."""
    nvs = simulation.board.nvs_flash
    nvs.bytes[:] = b"\xff" * len(nvs.bytes)


def files(name):
    """The files of a record."""
    return [file for file in sorted(os.listdir(SECURE)) if file.startswith(name + ".")]


def damage(path):
    """Flip a bit in the middle of a file."""
    with open(path, "rb") as file:
        data = bytearray(file.read())
    data[len(data) // 2] ^= 1
    with open(path, "wb") as file:
        file.write(data)


def fill_files():
    """Leave no room in the file system."""
    with open(ROOT + "/filler", "wb") as file:
        try:
            while True:
                file.write(bytes(512))
                file.flush()
        except OSError:
            pass


def fill_nvs(free_bytes=0):
    """Leave room for one blob of about so many bytes."""
    store = esp32.NVS("filler")
    if free_bytes:
        store.set_blob("reserve", bytes(free_bytes))
    for write in (lambda n: store.set_blob("b%d" % n, bytes(200)), lambda n: store.set_i32("i%d" % n, n)):
        count = 0
        try:
            while True:
                write(count)
                count += 1
        except OSError:
            pass
    if free_bytes:
        store.erase_key("reserve")


def free_nvs():
    """Make some room again."""
    for n in range(4):
        esp32.NVS("filler").erase_key("b%d" % n)
