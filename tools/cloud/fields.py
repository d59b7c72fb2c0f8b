"""Reads the fields of an MQTT packet, one after the other: every one is checked to be there.

Whatever a peer sends, this file raises nothing but `PacketError`.
"""

from __future__ import annotations

MAX_LENGTH_BYTES = 4


class PacketError(ValueError):
    """What the peer sent breaks the rules; the only answer is to close the connection.

    `code` is MQTT 5's reason code for it where that says more than "protocol error".
    """

    code: int | None = None

    def __init__(self, message: str, code: int | None = None):
        super().__init__(message)
        self.code = code or self.code


class Fields:
    """The fields of a body."""

    def __init__(self, body: bytes):
        self._body = body
        self._at = 0

    def byte(self) -> int:
        return self._take(1)[0]

    def u16(self) -> int:
        return int.from_bytes(self._take(2), "big")

    def binary(self) -> bytes:
        return self._take(self.u16())

    def text(self) -> str:
        return decode_text(self.binary())

    def u32(self) -> int:
        return int.from_bytes(self._take(4), "big")

    def variable(self) -> int:
        """A number as lengths are written, of at most four bytes."""
        value = 0
        for shift in range(0, 7 * MAX_LENGTH_BYTES, 7):
            byte = self.byte()
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                return value
        raise PacketError("a number of more than 4 bytes")

    def part(self, count: int) -> Fields:
        return Fields(self._take(count))

    def rest(self) -> bytes:
        return self._take(len(self._body) - self._at)

    def more(self) -> bool:
        return self._at < len(self._body)

    def finish(self) -> None:
        if self.more():
            raise PacketError(f"{len(self._body) - self._at} bytes too many")

    def _take(self, count: int) -> bytes:
        taken = self._body[self._at : self._at + count]
        if len(taken) < count:
            raise PacketError("packet ends in the middle of a field")
        self._at += count
        return taken


def decode_text(raw: bytes) -> str:
    """UTF-8 as MQTT wants it: well formed, without surrogates and without U+0000 [MQTT-1.5.3-1, -2]."""
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        raise PacketError("a string is not UTF-8") from None
    if "\0" in text:
        raise PacketError("a string contains U+0000")
    return text
