"""A board for the tests of flash: NVS and a littlefs in memory, whose writes are counted and cut by one meter."""

import simulation
import vfs
from simulated.alone import Memory

BLOCK = 4096
ROOT = "/flash"


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
