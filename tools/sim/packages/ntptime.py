"""Stand-in for micropython-lib's `ntptime`, which stock boards have frozen: the time of `host`, asked once."""

import socket
import struct
from time import gmtime

host = "pool.ntp.org"
timeout = 1  # seconds

_UNTIL_1970 = 2208988800  # seconds since 1900
_UNTIL_2000 = 3155673600
_UNTIL_2024 = 3913056000  # earlier than that is the era after 2036
_ERA = 0x100000000


def time():
    """Seconds since the port's epoch. Raises OSError."""
    endpoint = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    try:
        endpoint.settimeout(timeout)
        endpoint.sendto(b"\x23" + bytes(47), socket.getaddrinfo(host, 123)[0][-1])
        seconds = struct.unpack("!I", endpoint.recv(48)[40:44])[0]
    finally:
        endpoint.close()
    if seconds < _UNTIL_2024:
        seconds += _ERA
    return seconds - (_UNTIL_2000 if gmtime(0)[0] == 2000 else _UNTIL_1970)


def settime():
    """Set the chip's clock to it."""
    import machine

    now = gmtime(time())
    machine.RTC().datetime((now[0], now[1], now[2], now[6] + 1, now[3], now[4], now[5], 0))
