"""Flash that outlives the process: one file for each partition in the board's folder, written through at once.

In CPython, too: the host's bootloader reads and writes the same files.
"""

_BLOCK = 4096
_ERASED = b"\xff" * _BLOCK
_ERASED_VIEW = memoryview(_ERASED)  # a piece of it is no copy: a chip's flash takes nothing of the heap


def _opened(path, mode):
    return open(path, mode, 0)


class PartitionFile:
    """Reads what was never written as erased. `meter` counts the writes and says when the power goes.

    `opened(path, mode)` opens a file without a buffer.
    """

    def __init__(self, path, size, meter, opened=_opened):
        try:
            self._file = opened(path, "r+b")
        except OSError:
            self._file = opened(path, "w+b")
        self.size = size
        self._meter = meter

    def read(self, offset, buffer):
        self._file.seek(offset)
        n = self._file.readinto(buffer) or 0
        while n < len(buffer):
            step = min(_BLOCK, len(buffer) - n)
            buffer[n : n + step] = _ERASED_VIEW[:step]
            n += step

    def program(self, offset, data):
        """Bits only go from 1 to 0."""
        self._pad_to(offset + len(data))
        old = bytearray(len(data))
        self.read(offset, old)
        self._write(offset, data if _is_erased(old) else _both(old, data))

    def erase(self, offset, size):
        self._pad_to(offset)
        for block in range(offset, offset + size, _BLOCK):
            self._write(block, _ERASED)

    def close(self):
        self._file.close()

    def _write(self, offset, data):
        torn = self._meter.count_write()
        self._file.seek(offset)
        self._file.write(memoryview(data)[: len(data) // 2] if torn else data)
        if torn:
            self._meter.power_lost()

    def _pad_to(self, offset):
        end = self._file.seek(0, 2)
        while end < offset:
            step = min(_BLOCK, offset - end)
            self._file.write(_ERASED_VIEW[:step])
            end += step


class VfsFile(PartitionFile):
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
            self.erase(argument * _BLOCK, _BLOCK)
        return 0


def _is_erased(data):
    return all(data[at : at + _BLOCK] == _ERASED[: len(data) - at] for at in range(0, len(data), _BLOCK))


def _both(old, new):
    both = int.from_bytes(old, "little") & int.from_bytes(bytes(new), "little")
    return both.to_bytes(len(old), "little")
