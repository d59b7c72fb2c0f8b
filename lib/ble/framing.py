"""The byte streams of BLE: frames out of messages, and messages out of whatever arrives.

    A5 | type u8 | length u16 | crc u16 | payload        big-endian; CRC-16/CCITT-FALSE of the payload

Where a write or a notification ends means nothing. Bytes that are no frame are skipped: the search goes on behind the
false A5, so that a message which began inside rubbish is still found (specification, "BLE protocol").
"""

from ble import codes, ticks

CLEAR = 1  # type: JSON as it is
SEALED = 2  # type: counter, ciphertext, tag

LARGEST = 6144  # bytes of payload
HEADER = 6  # bytes
GAP_MS = 5000

# What `Parser.next` answers beside a type and None.
BAD_CRC = 3
LATE = 4
SEARCHING = 5
NO_MEMORY = 6

CRC_START = 0xFFFF

_MARK = 0xA5
_NOT_YET = -1
_RUBBISH = -2
# Bytes looked at in one step: a few milliseconds on the slowest chip. Frames made to be searched again and again
# (a false header every six bytes) would otherwise stop the loop for long enough to wake the watchdog.
_STEP = 1024
# Bytes of the buffer while nothing larger is on its way: all messages but certificates fit.
_SMALL = 512


def crc16(data, crc=CRC_START):
    """CRC-16/CCITT-FALSE of `data`, going on from `crc`."""
    # Without a table: it is a third faster than one of 16 entries and a third slower than one of 256, for no memory.
    for byte in data:
        mixed = (crc >> 8) ^ byte
        mixed ^= mixed >> 4
        crc = ((crc << 8) ^ (mixed << 12) ^ (mixed << 5) ^ mixed) & 0xFFFF
    return crc


def write_header(buffer, kind, length, crc=None):
    """Make a frame of `buffer`, whose payload of `length` bytes stands at HEADER. Raises Refusal 13 when too long.

    `crc`: the payload's, where it is known already.
    """
    if length > LARGEST:
        raise codes.refuse(codes.TOO_LARGE, "%d bytes, at most %d" % (length, LARGEST))
    if crc is None:
        crc = crc16(memoryview(buffer)[HEADER : HEADER + length])
    buffer[0] = _MARK
    buffer[1] = kind
    buffer[2] = length >> 8
    buffer[3] = length & 0xFF
    buffer[4] = crc >> 8
    buffer[5] = crc & 0xFF


def frame(kind, payload):
    """A whole frame, a new bytearray."""
    buffer = bytearray(HEADER + len(payload))
    buffer[HEADER:] = payload
    write_header(buffer, kind, len(payload))
    return buffer


def chunks(buffer, size):
    """`buffer` in views of at most `size` bytes, in order: what one notification carries."""
    view = memoryview(buffer)
    for start in range(0, len(buffer), size):
        yield view[start : start + size]


class Parser:
    """Messages out of a stream, in one buffer, which is as large as the message that comes.

        rest = memoryview(chunk)
        while rest:
            rest = rest[parser.feed(rest, now_ms) :]
            while (found := parser.next()) is not None:
                ...                  # CLEAR or SEALED: parser.payload; SEARCHING: let others run; others: say so
        parser.free()

    Counters: `rubbish` (bytes skipped), `bad_crc` and `late` (messages dropped).
    """

    def __init__(self):
        self.rubbish = 0
        self.bad_crc = 0
        self.late = 0
        self.payload = None
        self._small = memoryview(bytearray(_SMALL))
        self.clear()

    def clear(self):
        """Forget what arrived: the connection is new."""
        self.payload = None
        self._view = self._small
        self._start = 0  # the first byte not yet judged
        self._end = 0  # behind the last byte that arrived
        self._suspect = 0  # behind the damaged message that is being searched
        self._last_ms = 0
        self._tell_late = False
        self._begin(0)

    def feed(self, data, now_ms):
        """Take bytes that arrived at `now_ms` (`time.ticks_ms`), as many as there is room for; returns how many.

        The last payload is overwritten. With `next` called to its end before, at least one byte is taken.
        """
        self.expire(now_ms)
        self._last_ms = now_ms
        self._make_room(len(data))
        taken = min(len(data), len(self._view) - self._end)
        self._view[self._end : self._end + taken] = data if taken == len(data) else memoryview(data)[:taken]
        self._end += taken
        return taken

    def expire(self, now_ms):
        """Drop a message whose next byte did not come within 5 s; `next` then answers LATE, once."""
        if self._start < self._end and ticks.elapsed_ms(now_ms, self._last_ms) >= GAP_MS:
            self.clear()
            self.late += 1
            self._tell_late = True

    @property
    def waiting(self):
        """True while a message has begun and is not whole."""
        return self._start < self._end

    def next(self):
        """One step of the search: None when more bytes are needed, else a type, BAD_CRC, LATE, NO_MEMORY or SEARCHING.

        After a type `payload` is a memoryview into the buffer, to be changed at will, valid until the next `feed` or
        `free`. BAD_CRC comes once for a damaged message, however many false headers are inside it; so does NO_MEMORY
        for one that no buffer is found for.
        """
        if self._tell_late:
            self._tell_late = False
            return LATE
        if not self._find_mark():
            return SEARCHING if self.waiting else None
        length = self._length()
        if length == _NOT_YET:
            return None
        if length == _RUBBISH:
            return self._skip_mark()
        size = HEADER + length
        if size > len(self._view) and not self._grow(size):
            return self._give_up(self._start + size, NO_MEMORY)
        return self._check(length)

    def free(self):
        """Free the memory of `payload`, for the work on its message."""
        self.payload = None
        if not self.waiting:
            self._move_to_front(self._end)
            self._view = self._small

    def _grow(self, size):
        try:
            view = memoryview(bytearray(size))
        except MemoryError:
            return False
        kept = self._end - self._start
        view[:kept] = self._view[self._start : self._end]
        self._view = view
        self._move_to_front(self._start)
        return True

    def _find_mark(self):
        view, start = self._view, self._start
        stop = min(self._end, start + _STEP)
        while start < stop and view[start] != _MARK:
            start += 1
        if start > self._start:
            self.rubbish += start - self._start
            self._begin(start)
        return start < stop

    def _length(self):
        view, start, arrived = self._view, self._start, self._end - self._start
        if arrived > 1 and view[start + 1] not in (CLEAR, SEALED):
            return _RUBBISH
        if arrived < HEADER - 2:
            return _NOT_YET
        length = view[start + 2] << 8 | view[start + 3]
        if length > LARGEST:
            return _RUBBISH
        return length if arrived >= HEADER else _NOT_YET

    def _check(self, length):
        # The CRC grows with the message, so that its end brings no long calculation.
        body = self._start + HEADER
        stop = min(self._end, body + length, body + self._checked + _STEP)
        self._crc = crc16(self._view[body + self._checked : stop], self._crc)
        self._checked = stop - body
        if self._checked == length:
            return self._finish(body, length)
        return SEARCHING if stop < self._end else None

    def _finish(self, body, length):
        if self._crc != self._view[body - 2] << 8 | self._view[body - 1]:
            return self._give_up(body + length, BAD_CRC)
        kind = self._view[self._start + 1]
        self.payload = self._view[body : body + length]
        self._begin(body + length)
        return kind

    def _give_up(self, end, why):
        known = self._start < self._suspect
        self._suspect = max(self._suspect, end)
        self._skip_mark()
        if known:
            return SEARCHING
        if why == BAD_CRC:
            self.bad_crc += 1
        return why

    def _skip_mark(self):
        self.rubbish += 1
        self._begin(self._start + 1)
        return SEARCHING

    def _begin(self, start):
        self._start = start
        self._checked = 0
        self._crc = CRC_START

    def _make_room(self, wanted):
        shift = self._start
        if not shift or (self._start < self._end and self._end + wanted <= len(self._view)):
            return
        self._view[: self._end - shift] = self._view[shift : self._end]
        self._move_to_front(shift)

    def _move_to_front(self, shift):
        self._start = 0
        self._end -= shift
        self._suspect = max(0, self._suspect - shift)
