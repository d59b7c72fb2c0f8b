"""Flash in memory, for tests of single modules: erased to 1, programmed to 0, its writes counted and cut."""

from simulated.faults import PowerCut

_BLOCK = 4096


class Memory:
    """A piece of flash as one bytearray, `bytes`."""

    def __init__(self, size, meter):
        self.bytes = bytearray(b"\xff" * size)
        self._meter = meter

    def read(self, offset, buffer):
        buffer[:] = memoryview(self.bytes)[offset : offset + len(buffer)]

    def program(self, offset, data):
        cut = self._meter.count_write()
        for i in range(len(data) // 2 if cut == "torn" else 0 if cut else len(data)):
            self.bytes[offset + i] &= data[i]
        if cut:
            raise PowerCut("at write %d" % self._meter.writes)

    def erase(self, offset, size):
        cut = self._meter.count_write()
        half = size // 2 if cut == "torn" else 0 if cut else size
        self.bytes[offset : offset + half] = b"\xff" * half
        if cut:
            raise PowerCut("at write %d" % self._meter.writes)


class Sparse:
    """A partition that holds only the blocks that were written: a slot is larger than a test's heap."""

    def __init__(self, meter):
        self._blocks = {}
        self._meter = meter

    def read(self, offset, buffer):
        view, n = memoryview(buffer), 0
        while n < len(view):
            block, at = divmod(offset + n, _BLOCK)
            step = min(_BLOCK - at, len(view) - n)
            data = self._blocks.get(block)
            view[n : n + step] = memoryview(data)[at : at + step] if data else b"\xff" * step
            n += step

    def program(self, offset, data):
        cut = self._meter.count_write()
        for i in range(len(data) // 2 if cut == "torn" else 0 if cut else len(data)):
            block, at = divmod(offset + i, _BLOCK)
            if block not in self._blocks:
                self._blocks[block] = bytearray(b"\xff" * _BLOCK)
            self._blocks[block][at] &= data[i]
        if cut:
            raise PowerCut("at write %d" % self._meter.writes)

    def erase(self, offset, size):
        for block in range(offset // _BLOCK, (offset + size) // _BLOCK):
            cut = self._meter.count_write()
            if cut == "torn" and block in self._blocks:
                self._blocks[block][: _BLOCK // 2] = b"\xff" * (_BLOCK // 2)
            elif not cut:
                self._blocks.pop(block, None)
            if cut:
                raise PowerCut("at write %d" % self._meter.writes)


class Meter:
    """Counts flash writes; says when the power goes."""

    def __init__(self):
        self.writes = 0
        self._left = None
        self._torn = False

    def cut_at(self, n, torn=False):
        """Cut the power at the n-th write from now (1 is the next); `torn` programs half of it first. None: never."""
        self._left = n
        self._torn = torn

    def count_write(self):
        """One more write. Returns False, "cut" or "torn"."""
        self.writes += 1
        if self._left is None:
            return False
        self._left -= 1
        if self._left > 0:
            return False
        self._left = None
        return "torn" if self._torn else "cut"
