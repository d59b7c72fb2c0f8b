"""Flash that outlives the process: two files in the board's folder, written through at once."""

_BLOCK = 4096


class _FlashFile:
    """Reads what was never written as erased. `meter` counts the writes and says when the power goes."""

    def __init__(self, path, size, meter):
        try:
            self._file = open(path, "r+b", 0)
        except OSError:
            self._file = open(path, "w+b", 0)
        self.size = size
        self._meter = meter

    def read(self, offset, buffer):
        self._file.seek(offset)
        n = self._file.readinto(buffer) or 0
        for i in range(n, len(buffer)):
            buffer[i] = 0xFF

    def _write(self, offset, data):
        torn = self._meter.count()
        self._file.seek(offset)
        self._file.write(memoryview(data)[: len(data) // 2] if torn else data)
        if torn:
            self._meter.dead()

    def _pad_to(self, offset):
        end = self._file.seek(0, 2)
        while end < offset:
            step = min(_BLOCK, offset - end)
            self._file.write(b"\xff" * step)
            end += step


class NvsFile(_FlashFile):
    """The NVS partition."""

    def program(self, offset, data):
        """Bits only go from 1 to 0."""
        self._pad_to(offset + len(data))
        old = bytearray(len(data))
        self.read(offset, old)
        for i in range(len(old)):
            old[i] &= data[i]
        self._write(offset, old)

    def erase(self, offset, size):
        self._pad_to(offset)
        for block in range(offset, offset + size, _BLOCK):
            self._write(block, b"\xff" * _BLOCK)


class VfsFile(_FlashFile):
    """The file system's partition, as the block device that littlefs wants."""

    def readblocks(self, block, buffer, offset=0):
        self.read(block * _BLOCK + offset, buffer)

    def writeblocks(self, block, buffer, offset=None):
        if offset is None:
            self.ioctl(6, block)
            offset = 0
        self._pad_to(block * _BLOCK)
        self._write(block * _BLOCK + offset, buffer)

    def ioctl(self, operation, argument):
        if operation == 4:
            return self.size // _BLOCK
        if operation == 5:
            return _BLOCK
        if operation == 6:
            self._pad_to(argument * _BLOCK)
            self._write(argument * _BLOCK, b"\xff" * _BLOCK)
        return 0
