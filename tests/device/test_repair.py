"""firmware/modules/repair.py: a file system that cannot be mounted is made anew, whatever moment the power goes."""

import os
import sys

import esp32
import simulation
import vfs
from simulated import firmware

from harness import equal

sys.path.append(os.getenv("REPOSITORY") + "/firmware/modules")

import repair

COMPANIONS = ["repository"]

_BLOCK = 4096
_WHERE = "/disk"


class PowerCut(Exception):
    pass


class Disk:
    """A block device in memory; `cut` is how many writes are left until the power goes."""

    def __init__(self, blocks=32):
        self.data = bytearray(b"\xff" * (blocks * _BLOCK))
        self.cut = None

    def readblocks(self, block, buffer, offset=0):
        start = block * _BLOCK + offset
        buffer[:] = self.data[start : start + len(buffer)]

    def writeblocks(self, block, buffer, offset=None):
        if self.cut is not None:
            self.cut -= 1
            if self.cut < 0:
                raise PowerCut
        start = block * _BLOCK + (offset or 0)
        self.data[start : start + len(buffer)] = buffer

    def ioctl(self, operation, argument):
        if operation == 4:
            return len(self.data) // _BLOCK
        if operation == 5:
            return _BLOCK
        if operation == 6:
            self.writeblocks(argument, b"\xff" * _BLOCK)
        return 0


def start(disk):
    """What the device finds after a start: {name: content}."""
    repair.mount(disk, _WHERE)
    found = {}
    for name in os.listdir(_WHERE):
        with open(_WHERE + "/" + name) as file:
            found[name] = file.read()
    vfs.umount(_WHERE)
    return found


def forget():
    """Also after a power cut in the middle: the chip's memory is new."""
    try:
        vfs.umount(_WHERE)
    except OSError:
        pass


def test_a_new_chip_gets_the_programs():
    found = start(Disk())
    equal(sorted(found), ["boot.py", "main.py"])
    equal("import factory_boot\n" in found["boot.py"], True)
    equal("awsesp.run(factory_main.application)" in found["main.py"], True)


def test_its_boot_py_lets_an_image_without_this_firmware_go_back():
    boot = start(Disk())["boot.py"]
    simulation.board.use_slots(0x10000, "1.0.0")
    exec(boot, {})
    equal(simulation.board.watchdog_ms, None)
    other, image = esp32.Partition("ota_1"), firmware.build("1.1.0")
    other.writeblocks(0, image + bytes(-len(image) % _BLOCK))
    other.set_boot()
    simulation.board.boot()
    exec(boot, {})
    equal(simulation.board.watchdog_ms, 30000)


def test_a_corrupt_file_system_is_made_anew():
    disk = Disk()
    start(disk)
    for block in range(2):
        disk.writeblocks(block, b"garbage " * (_BLOCK // 8))
    equal(sorted(start(disk)), ["boot.py", "main.py"])


def test_what_is_there_stays():
    disk = Disk()
    start(disk)
    repair.mount(disk, _WHERE)
    with open(_WHERE + "/main.py", "w") as file:
        file.write("mine")
    vfs.umount(_WHERE)
    equal(start(disk)["main.py"], "mine")


def test_a_program_put_aside_stays_aside():
    disk = Disk()
    vfs.VfsLfs2.mkfs(disk)
    vfs.mount(vfs.VfsLfs2(disk), _WHERE)
    with open(_WHERE + "/main.py.off", "w") as file:
        file.write("mine")
    vfs.umount(_WHERE)
    equal(sorted(start(disk)), ["boot.py", "main.py.off"])


def test_the_power_may_go_at_any_write():
    n, whole = 0, start(Disk())
    while True:
        disk = Disk()
        disk.writeblocks(0, b"garbage " * (_BLOCK // 8))
        disk.cut = n
        try:
            start(disk)
        except (PowerCut, OSError):
            pass
        done = disk.cut >= 0
        forget()
        disk.cut = None
        equal(start(disk), whole)
        if done:
            break
        n += 1
    equal(n > 3, True)
