"""Names to addresses, asked of the network's own name servers; the chip's resolver, which blocks, as a last resort."""

import random
import socket

import network

import dns
import errors
from datagrams import Datagrams


async def resolve(host, wlan, timeout_s, beat):
    """An address of `host` ("1.2.3.4"); one of several by chance, so that a dead one is not met every time.

    Raises `unknown_name` or `no_dns`.
    """
    if dns.is_address(host):
        return host
    if not wlan.isconnected():
        raise errors.error("no_dns", host)
    if "." not in host.rstrip(".") or host.endswith(".local"):
        return _ask_chip(host, "unknown_name")  # a name of this network: the chip's resolver speaks mDNS
    addresses = await dns.resolve(host, _servers(wlan), Datagrams(timeout_s, beat).ask)
    if addresses is None:
        # The port shows one name server, its resolver may know a second one. That call blocks the loop (7 s for
        # each silent server), so it is only for when nobody else answered.
        return _ask_chip(host, "no_dns")
    return random.choice(addresses)


def _servers(wlan):
    """Addresses of the network's name servers; the port knows one, or two with the resolver's own."""
    found = [wlan.ifconfig()[3]]
    if hasattr(network, "ipconfig"):
        found.append(network.ipconfig("dns"))
    return [
        server
        for at, server in enumerate(found)
        if server != "0.0.0.0" and server not in found[:at] and dns.is_address(server)
    ]


def _ask_chip(host, code):
    try:
        return socket.getaddrinfo(host, 0, socket.AF_INET, socket.SOCK_DGRAM)[0][-1][0]
    except OSError:
        raise errors.error(code, host)
