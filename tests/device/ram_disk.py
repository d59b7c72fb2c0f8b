"""A block device in memory, for a file system of a test's own."""


class Ram:
    """A block device for one littlefs."""

    def __init__(self, blocks=64):
        self._data = bytearray(blocks * 512)

    def readblocks(self, block, buffer, offset=0):
        start = block * 512 + offset
        buffer[:] = self._data[start : start + len(buffer)]

    def writeblocks(self, block, buffer, offset=0):
        start = block * 512 + offset
        self._data[start : start + len(buffer)] = buffer

    def ioctl(self, operation, argument):
        return {4: 64, 5: 512, 6: 0}.get(operation)
