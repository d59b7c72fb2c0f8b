"""Opens the connection of a `Link`: TCP, then TLS. Loaded for one, then unloaded."""

import asyncio
import errno
import gc
import socket

from micropython import const

import errors

from .link import Link, explain, writable

# Bytes of ESP-IDF's memory: with less in one block nothing is received, and no signature verified; with less free
# before a handshake it fails, whatever error it reports (as in road_outcome).
_LEAST_BLOCK = const(2048)
_FOR_TLS = const(40960)


async def connect(link, address, timeout_ms):
    """Connect `link` to the IP address by TCP. Errors: `port_blocked`, `refused`, `unreachable`, `no_memory`."""
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
        said = raw.readinto(bytearray(1))
        if said:
            raise explain("stranger")
        if said is not None:
            raise errors.error("connection_lost", "closed as soon as it was accepted")
    except asyncio.TimeoutError:
        raise errors.error("no_memory") if _is_starved() else errors.error("port_blocked", link.host, link.port)
    except (OSError, MemoryError) as failure:
        raise explain("connect_failure", failure, link.host, link.port)


async def shake_hands(link, context, first_packet, timeout_ms):
    """Shake hands in TLS, where there is a `context` (SSLContext), and write `first_packet`, which drives it.

    Errors: those of the server's certificate, `cert_refused`, `tls_failed`, `no_memory`, `connection_lost`.
    """

    def judge(certificate, depth):  # what the server dislikes from then on is ours
        link.judged = True
        return 0

    link.begin(first_packet)
    gc.collect()
    free = _idf_heap(1, sum)
    try:
        if context is not None:
            link.stream = context.wrap_socket(link.raw, server_hostname=link.host, do_handshake_on_connect=False)
            _watch(context, judge)
        await asyncio.wait_for_ms(_write_first(link), timeout_ms)
    except asyncio.TimeoutError:
        raise errors.error("no_memory") if _is_starved() else _no_answer(link, timeout_ms)
    except (OSError, ValueError, MemoryError) as failure:
        if _is_starved():
            raise errors.error("no_memory")
        if context is None:
            raise explain("connection_failure", failure)
        error = explain("tls_failure", failure, link)
        # So Mbed TLS calls one that it could not verify for want of memory: nobody is to look for another root.
        raise errors.error("no_memory") if error.code == "server_cert_untrusted" and free < _FOR_TLS else error
    finally:
        if context is not None:
            _watch(context, None)


def _watch(context, judge):
    """Let `judge` be told of the server's certificates. micropython-lib's SSLContext hides what can be told to."""
    getattr(context, "_context", context).verify_callback = judge


async def _write_first(link):
    while not link.resume():
        # In the handshake the TLS socket itself must be polled: it knows whether it wants to read or to write.
        await writable(link.stream)


def _no_answer(link, timeout_ms):
    # AWS's TLS stack, s2n, keeps silent for 10 to 30 s before it tells that it refuses a certificate. A download's
    # link, which is no plain one, shows none.
    is_shown = link.judged and type(link) is Link
    what = " to the device's certificate: does the cloud know it?" if is_shown else ""
    return errors.error("tls_failed", "no full answer in %d s%s" % (timeout_ms // 1000, what))


def _is_starved():
    return _idf_heap(2, max) < _LEAST_BLOCK


def _idf_heap(place, of_all):
    """Bytes of ESP-IDF's memory: those free by (1, sum), of the largest block by (2, max)."""
    try:
        from esp32 import HEAP_DATA, idf_heap_info
    except ImportError:  # another port, where TLS takes its memory from elsewhere
        return _FOR_TLS
    return of_all([area[place] for area in idf_heap_info(HEAP_DATA)])
