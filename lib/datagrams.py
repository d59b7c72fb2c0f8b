"""Requests by UDP that do not block the loop: one datagram out, the first answer that fits back."""

import asyncio
import os
import select
import socket
import time

from micropython import const

_LIMIT = const(512)  # bytes of an answer: those of a name server, RFC 1035, are the longest
_POLL_MS = const(20)
_EAGAIN = const(11)
_FIRST_PORT = const(49152)  # of the dynamic ports, RFC 6335
_PORTS = const(16384)


class Datagrams:
    """Asks by UDP: one question, one answer within `timeout_s`, without blocking the loop."""

    def __init__(self, timeout_s, beat):
        self._timeout_ms = int(timeout_s * 1000)
        self._beat = beat

    async def ask(self, server, port, packet, read):
        """The first answer from this server that `read` does not turn down with None; None after the time-out.

        Raises OSError when the packet cannot be sent.
        """
        endpoint = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        try:
            endpoint.setblocking(False)
            _bind_anywhere(endpoint)
            endpoint.sendto(packet, (server, port))
            return await self._answer(endpoint, (server, port), read)
        finally:
            endpoint.close()

    async def _answer(self, endpoint, peer, read):
        deadline_ms = time.ticks_add(time.ticks_ms(), self._timeout_ms)
        poller = select.poll()
        poller.register(endpoint, select.POLLIN)
        while time.ticks_diff(deadline_ms, time.ticks_ms()) > 0:
            self._beat()
            await asyncio.sleep_ms(_POLL_MS)
            if not poller.poll(0):
                continue  # recvfrom would take the memory for an answer before it looks for one
            try:
                data, source = endpoint.recvfrom(_LIMIT)
            except OSError as error:
                if error.errno != _EAGAIN:
                    raise
                continue
            if tuple(source[:2]) == peer:  # anyone may send to our port
                result = read(data)
                if result is not None:
                    return result
        return None


def _bind_anywhere(endpoint):
    # lwIP counts its source ports up; a port that cannot be guessed makes forging an answer 16,000 times harder.
    for _ in range(3):
        try:
            endpoint.bind(("0.0.0.0", _FIRST_PORT + int.from_bytes(os.urandom(2), "big") % _PORTS))
            return
        except OSError:
            continue  # in use; after three the stack may choose
