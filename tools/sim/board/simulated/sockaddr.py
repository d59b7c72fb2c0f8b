"""Addresses as the unix port's sockets want them."""

import struct


def local_address(port):
    """struct sockaddr_in of 127.0.0.1."""
    return struct.pack("<H", 2) + struct.pack("!H4B8x", port, 127, 0, 0, 1)


def port_of(address):
    """The port of a struct sockaddr_in."""
    return struct.unpack_from("!H", address, 2)[0]
