"""A reader of DER (X.690), the binary form of certificates and keys: it walks in place, by offsets, and copies nothing.

It never reads outside the bytes it was given: whatever is not well-formed raises `Malformed` with a few words.
"""

INTEGER = 0x02
BIT_STRING = 0x03
OCTET_STRING = 0x04
OBJECT = 0x06
UTC_TIME = 0x17
GENERALIZED_TIME = 0x18
SEQUENCE = 0x30

_NAMES = {
    INTEGER: "a number",
    BIT_STRING: "a bit string",
    OCTET_STRING: "a byte string",
    OBJECT: "an object identifier",
    SEQUENCE: "a sequence",
}


class Malformed(Exception):
    """The bytes are not the DER that was expected; says where and what was."""


def explicit(number):
    """The tag of the constructed, context-specific element `[number]`."""
    return 0xA0 | number


class Reader:
    """The elements between the offsets `start` and `end` of `data` (bytes), read from the first to the last."""

    __slots__ = ("_at", "data", "end", "start")

    def __init__(self, data, start=0, end=None):
        self.data = data
        self.start = self._at = start
        self.end = len(data) if end is None else end

    def __len__(self):
        return self.end - self.start

    def any(self):
        """True while elements are left."""
        return self._at < self.end

    def position(self):
        """The offset in `data` of the next element."""
        return self._at

    def next_is(self, tag):
        """True when the next element has this tag."""
        return self._at < self.end and self.data[self._at] == tag

    def enter(self, tag):
        """A `Reader` over what is inside the next element, which must have this tag; here it counts as read."""
        if not self.next_is(tag):
            expected = _NAMES.get(tag) or "tag 0x%02x" % tag
            raise Malformed("%s was expected at byte %d" % (expected, self._at))
        return self._step()

    def skip(self, tag):
        """Pass the next element when it has this tag; say whether it had."""
        if not self.next_is(tag):
            return False
        self._step()
        return True

    def finish(self):
        """Raise `Malformed` unless everything was read."""
        if self._at != self.end:
            raise Malformed("%d bytes too many at byte %d" % (self.end - self._at, self._at))

    def contents(self):
        """A copy of all the bytes, as they are."""
        return self.data[self.start : self.end]

    def same_as(self, other):
        """True when both hold the same bytes."""
        return self.contents() == other.contents()

    def unsigned(self):
        """All the bytes as those of a number that is not negative, without leading zeros."""
        if self.start == self.end or self.data[self.start] & 0x80:
            raise Malformed("the number at byte %d is empty or negative" % self.start)
        start = self.start
        while start < self.end and not self.data[start]:
            start += 1
        return self.data[start : self.end]

    def bits(self):
        """The bytes of a bit string of whole bytes: a `Reader` behind the counter of unused bits."""
        if self.start == self.end or self.data[self.start]:
            raise Malformed("the bit string at byte %d is empty or has a broken byte" % self.start)
        return Reader(self.data, self.start + 1, self.end)

    def _step(self):
        length, start = self._length(self._at + 1)
        if length > self.end - start:
            raise Malformed("cut off: the element at byte %d wants %d bytes" % (self._at, length))
        self._at = start + length
        return Reader(self.data, start, self._at)

    def _length(self, at):
        if at >= self.end:
            raise Malformed("cut off at byte %d" % at)
        first = self.data[at]
        at += 1
        if first < 0x80:
            return first, at
        # 0x80 alone is the indefinite form, which DER does not have; no certificate needs more than three bytes.
        count = first & 0x7F
        if not 1 <= count <= 3 or count > self.end - at:
            raise Malformed("the length at byte %d is not one of DER" % (at - 1))
        length = 0
        for offset in range(count):
            length = length << 8 | self.data[at + offset]
        return length, at + count
