"""Opens the TCP connection of a `Link`. Loaded when it is needed, and let go of before TLS begins."""

import asyncio
import errno
import socket

import errors

from .link import explain, writable


async def connect(link, address, timeout_ms):
    """Connect `link` to the IP address. Errors: `port_blocked`, `refused`, `unreachable`, `no_memory`."""
    try:
        link.raw = link.stream = raw = socket.socket()
        raw.setblocking(False)
        # Small packets must not wait for the acknowledgement of the packet before (Nagle's algorithm).
        raw.setsockopt(6, 1, 1)  # IPPROTO_TCP, TCP_NODELAY: ports do not agree on naming them
        try:
            raw.connect(socket.getaddrinfo(address, link.port)[0][-1])
        except OSError as failure:
            if failure.errno != errno.EINPROGRESS:
                raise
        await asyncio.wait_for_ms(writable(raw), timeout_ms)
        # Writable means decided, not connected. There is no SO_ERROR to ask in MicroPython: a read tells the error,
        # or that it would block. Nobody speaks before the client in TLS or MQTT.
        if raw.readinto(bytearray(1)) is not None:
            raise errors.error("connection_lost", "closed as soon as it was accepted")
    except asyncio.TimeoutError:
        raise errors.error("port_blocked", link.host, link.port)
    except (OSError, MemoryError) as failure:
        raise explain("connect_failure", failure, link.host, link.port)
