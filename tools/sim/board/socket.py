"""`socket` behind the simulated access point: names are the router's to answer, and every connection goes through it.

A TCP socket is the interpreter's own, so that asyncio polls it at full speed. `getaddrinfo` hands out addresses that
lead into the simulated router; TCP `connect` takes nothing else (the chip also takes a plain tuple). Datagram sockets
take and give ("1.2.3.4", port) as on the chip. 127.0.0.1 is the desk itself.
"""

import errno
import io

import micropython
import simulation
import usocket
import utime
from simulated.sockaddr import local_address
from usocket import *  # noqa: F403

_POLL = micropython.const(3)
_CLOSE = micropython.const(4)
_READABLE = micropython.const(1)
_WRITABLE = micropython.const(4)

for _name in (
    "AF_UNIX",
    "IP_DROP_MEMBERSHIP",
    "MSG_DONTROUTE",
    "SO_ERROR",
    "SO_KEEPALIVE",
    "SO_LINGER",
    "inet_ntop",
    "inet_pton",
    "sockaddr",
):  # the chip has none of them: a program that needs one has to fail here, too
    globals().pop(_name, None)

SO_BINDTODEVICE = 0x100B
IPPROTO_TCP = 6
IPPROTO_UDP = 17
IPPROTO_IP = 0
TCP_NODELAY = 1

_GIVEN = 8
_given = []  # (what `getaddrinfo` gave for TCP, address, port): a datagram may go there, too, as that of ntptime

_EAI_FAIL = -202  # lwIP: the name could not be resolved, for whatever reason


def getaddrinfo(host, port, family=0, type=0, proto=0, flags=0):
    """Blocks while the name server is asked. Raises OSError(-202) when there is none, or the name is not known."""
    type = type or usocket.SOCK_STREAM
    address = _address(host or "0.0.0.0")
    port = int(port)
    if type == usocket.SOCK_DGRAM:
        target = (address, port)
    else:
        target = local_address(_route(address, port))
        _remember(target, address, port)
    return [(usocket.AF_INET, type, proto, host, target)]


def _remember(target, address, port):
    _given.append((target, address, port))
    if len(_given) > _GIVEN:
        _given.pop(0)


def _address(host):
    if _is_dotted(host):
        return host
    address, wait_ms = simulation.world.resolve(host)
    utime.sleep_ms(wait_ms)
    if address is None and host == "localhost":
        return "127.0.0.1"
    if address is None:
        raise OSError(_EAI_FAIL)
    return address


def _is_dotted(host):
    parts = host.split(".")
    return len(parts) == 4 and all(part.isdigit() and int(part) < 256 for part in parts)


def _route(address, port):
    if address.startswith("127.") or address == "0.0.0.0":
        return port
    return simulation.world.route(address, port)


def socket(family=usocket.AF_INET, type=usocket.SOCK_STREAM, proto=0):
    """A socket; datagrams get a class of their own."""
    if type == usocket.SOCK_DGRAM:
        return _DatagramSocket()
    return usocket.socket(family, type, proto)


class _DatagramSocket(io.IOBase):
    def __init__(self):
        self._endpoint = simulation.world.datagrams()
        self._timeout_ms = -1
        self._peer = None

    def setblocking(self, on):
        self._timeout_ms = -1 if on else 0

    def settimeout(self, seconds):
        self._timeout_ms = -1 if seconds is None else int(seconds * 1000)

    def setsockopt(self, level, option, value):
        pass

    def bind(self, address):
        pass

    def connect(self, address):
        host, port = _pair(address)
        self._peer = _address(host), port

    def send(self, data):
        if self._peer is None:
            raise OSError(errno.EINVAL)
        return self.sendto(data, self._peer)

    def sendto(self, data, address):
        host, port = _target(address)
        if not host.startswith("127."):
            _require_network()
        self._endpoint.send(bytes(data), host, port)
        return len(data)

    def recvfrom(self, limit, flags=0):
        return self._receive(limit)

    def recv(self, limit, flags=0):
        return self._receive(limit)[0]

    def readinto(self, buffer):
        data = self.recv(len(buffer))
        buffer[: len(data)] = data
        return len(data)

    def write(self, data):
        return self.send(data)

    def _receive(self, limit):
        started = utime.ticks_ms()
        while not self._endpoint.ready():
            if self._timeout_ms == 0:
                raise OSError(errno.EAGAIN)
            if 0 < self._timeout_ms <= utime.ticks_diff(utime.ticks_ms(), started):
                raise OSError(errno.ETIMEDOUT)
            utime.sleep_ms(1)
        return self._endpoint.receive(limit)

    def ioctl(self, request, argument):
        if request == _POLL:
            return argument & (_WRITABLE | (_READABLE if self._endpoint.ready() else 0))
        if request == _CLOSE:
            self._endpoint.close()
            return 0
        return -1

    def close(self):
        self._endpoint.close()


def _require_network():
    from simulated.wlan import _station  # not sooner: there are programs that never send

    if not _station.is_connected:
        raise OSError(errno.EHOSTUNREACH)  # lwIP finds no interface for it


def _pair(address):
    for target, host, port in reversed(_given):
        if target == address:
            return host, port
    if len(address) != 2:
        raise ValueError("requested length 2 but object has length %d" % len(address))
    return address


def _target(address):
    host, port = _pair(address)
    if not _is_dotted(host):
        raise ValueError("invalid arguments")
    return host, port
