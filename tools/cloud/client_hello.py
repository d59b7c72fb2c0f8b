"""Which protocols a TLS client offers (ALPN, RFC 7301), seen before anything is answered.

It decides whether a certificate is asked for: Python's ssl module says what was offered only when that is settled, and
a browser that is asked for one opens no WebSocket.
"""

from __future__ import annotations

import asyncio
import socket

from tools.cloud.fields import Fields, PacketError

_HEAD = 5  # of a record: kind, version, length
_HANDSHAKE, _CLIENT_HELLO, _ALPN = 22, 1, 16
_LONGEST = _HEAD + 16384
_PAUSE_S = 0.01  # until more has come: what is there is left there, so that "readable" says nothing


async def offered(peer: socket.socket) -> list[str]:
    """What the client at this socket offers, in its order; all that it has sent is still to be read.

    Nothing when it does not speak of it, or does not speak TLS. Raises OSError. Needs a time-out around it.
    """
    while True:
        await _readable(peer)
        seen = peer.recv(_LONGEST, socket.MSG_PEEK)
        if not seen or seen[0] != _HANDSHAKE:
            return []
        if len(seen) >= _HEAD and len(seen) >= _HEAD + int.from_bytes(seen[3:_HEAD], "big"):
            return read(seen)
        await asyncio.sleep(_PAUSE_S)


async def _readable(peer: socket.socket) -> None:
    loop, came = asyncio.get_running_loop(), asyncio.Event()
    loop.add_reader(peer, came.set)
    try:
        await came.wait()
    finally:
        loop.remove_reader(peer)


def read(record: bytes) -> list[str]:
    """The same of a record, head and all; nothing when it is no ClientHello, or not a whole one."""
    try:
        return _read(Fields(record[_HEAD:]))
    except PacketError:
        return []


def _read(hello: Fields) -> list[str]:
    if hello.byte() != _CLIENT_HELLO:
        return []
    hello.part(3 + 2 + 32)  # its length, version, random
    hello.part(hello.byte())  # session
    hello.binary()  # cipher suites
    hello.part(hello.byte())  # compression
    extensions = Fields(hello.binary())
    while extensions.more():
        kind, content = extensions.u16(), Fields(extensions.binary())
        if kind == _ALPN:
            return _names(Fields(content.binary()))
    return []


def _names(names: Fields) -> list[str]:
    found = []
    while names.more():
        found.append(names.part(names.byte()).rest().decode("ascii", "replace"))
    return found
