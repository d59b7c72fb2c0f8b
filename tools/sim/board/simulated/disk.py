"""A littlefs in memory at "/", for tests of single modules: the power can be cut at each of its writes, too."""

import os
import sys

import vfs

from simulated.faults import PowerCut

_BLOCK = 4096
_HOST = "/host"


class _Device:
    """One power-on's view of the flash: after a power cut nothing that it still holds can write."""

    def __init__(self, data, meter):
        self._data = data
        self._meter = meter
        self._dead = False

    def readblocks(self, block, buffer, offset=0):
        start = block * _BLOCK + offset
        buffer[:] = memoryview(self._data)[start : start + len(buffer)]

    def writeblocks(self, block, buffer, offset=0):
        self._write(block * _BLOCK + offset, buffer)

    def ioctl(self, operation, argument):
        if operation == 4:
            return len(self._data) // _BLOCK
        if operation == 5:
            return _BLOCK
        if operation == 6:
            self._write(argument * _BLOCK, b"\xff" * _BLOCK)
        return 0

    def _write(self, start, data):
        if self._dead:
            raise PowerCut("already")  # a `with` that closes its file on the way out
        cut = self._meter.count_write()
        size = len(data) // 2 if cut == "torn" else 0 if cut else len(data)
        self._data[start : start + size] = memoryview(data)[:size]
        if cut:
            self._dead = True
            raise PowerCut("at write %d" % self._meter.writes)


class Disk:
    """`mount` puts it at "/" and the desk's own files at "/host"; `power_cycle` mounts what a power cut has left."""

    def __init__(self, meter, blocks=32):
        self._meter = meter
        self._data = bytearray(b"\xff" * _BLOCK * blocks)
        self._path = None

    def mount(self):
        host = vfs.VfsPosix("/")
        self._folder = os.getcwd()
        self._path = list(sys.path)
        vfs.VfsLfs2.mkfs(_Device(self._data, self._meter))
        vfs.umount("/")
        vfs.mount(vfs.VfsLfs2(_Device(self._data, self._meter)), "/")
        vfs.mount(host, _HOST)
        sys.path[:] = [_HOST + folder if folder.startswith("/") else folder for folder in self._path]

    def power_cycle(self):
        vfs.umount("/")
        vfs.mount(vfs.VfsLfs2(_Device(self._data, self._meter)), "/")

    def unmount(self):
        """The desk's own files are at "/" again."""
        vfs.umount("/")
        vfs.umount(_HOST)
        vfs.mount(vfs.VfsPosix("/"), "/")
        os.chdir(self._folder)
        sys.path[:] = self._path
