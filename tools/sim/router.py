"""The simulated router: every connection and datagram of a device passes here, and can be frozen or cut at any byte."""

import asyncio
import random
import socket
import struct
import time
from collections import deque

from tools.sim.board.simulated import services

_DEAD_PATHS = 64  # connections that were frozen for ever are kept so that the peer sees nothing; the oldest are let go
_RESEND_MS = 300  # what is lost comes later: the time doubles, as TCP's does, at most so often
_RESENDS = 6
_DEVICE_BUFFER = 8192  # as on the chip: little fits into a connection that nobody empties


class Path:
    """One TCP connection of a device: two ends, and what happens on the way."""

    def __init__(self, router, link, target):
        self._router = router
        self._link = link
        self._point = link.point()
        self._outages = self._point.outages if self._point else 0
        self._target = target
        self.dead = False
        self.device = _End(self)
        self.peer = _End(self)
        self.device.other, self.peer.other = self.peer, self.device

    async def open(self):
        """Reach the target, once the device's connection was accepted."""
        self.device.hold()
        try:
            await asyncio.get_running_loop().create_connection(lambda: self.peer, *self._target)
        except OSError:
            self.cut()
            return
        self.update()

    def flows(self):
        """Whether bytes pass at the moment."""
        return not self.dead and self._link.reachable()

    def update(self):
        """The radio changed."""
        if self._point is None or self._point.outages != self._outages:
            self.dead = True
        for end in (self.device, self.peer):
            if self.flows():
                end.release()
            else:
                end.hold()

    def silence(self):
        """The device lost its power: it says no farewell."""
        self.dead = True
        self.update()

    def forward(self, end, data):
        """Pass what `end` has sent, as far as a cut allows it."""
        left = self._point.cut_left
        latency_ms = self._point.latency_ms + _resent_ms(self._point.loss)
        if left is None:
            end.other.deliver(data, latency_ms)
            return
        self._point.cut_left = max(0, left - len(data)) or None
        if left > len(data):
            end.other.deliver(data, latency_ms)
            return
        end.other.deliver(data[:left], 0)
        self._router.loop.call_later(0.01, self.cut)

    def cut(self):
        """Reset both ends."""
        for end in (self.device, self.peer):
            end.reset()
        self.closed()

    def closed(self):
        self._router.forget(self)


def _resent_ms(loss):
    wait_ms = 0
    for resend in range(_RESENDS):
        if random.random() >= loss:
            break
        wait_ms += _RESEND_MS << resend
    return wait_ms


class _End(asyncio.Protocol):
    """One side of a path. What it receives goes to `other`; what waits while the path is frozen stays in order."""

    def __init__(self, path):
        self._path = path
        self.other = None
        self._transport = None
        self._waiting = deque()
        self._held = False
        self._full = False
        self._next_at = 0.0

    def connection_made(self, transport):
        self._transport = transport
        sock = transport.get_extra_info("socket")
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._set_reading()

    def data_received(self, data):
        if self._held or not self._path.flows():
            self._waiting.append(data)
        else:
            self._path.forward(self, data)

    def eof_received(self):
        # The kernel may say it for a process that was killed: then the path is dead already, and nothing is sent.
        self.other.deliver(None, 0)
        return True

    def connection_lost(self, error):
        self._transport = None
        if self._path.dead:
            return
        if error is not None:
            self.other.reset()
        else:
            self.other.close()
        self._path.closed()

    def pause_writing(self):
        self.other.fill(True)

    def resume_writing(self):
        self.other.fill(False)

    def fill(self, full):
        self._full = full
        self._set_reading()

    def hold(self):
        self._held = True
        self._set_reading()

    def release(self):
        self._held = False
        while self._waiting and not self._held:
            self._path.forward(self, self._waiting.popleft())
        self._set_reading()

    def _set_reading(self):
        if self._transport is None or self._transport.is_closing():
            return
        if self._held or self._full:
            self._transport.pause_reading()
        else:
            self._transport.resume_reading()

    def deliver(self, data, latency_ms):
        """Send `data`, or the end of file (None), after the latency and never out of order."""
        loop = asyncio.get_running_loop()
        at = max(self._next_at, loop.time() + latency_ms / 1000)
        if latency_ms or self._next_at > loop.time():
            self._next_at = at
            loop.call_at(at, self._send, data)
        else:
            self._send(data)

    def _send(self, data):
        if self._transport is None or self._transport.is_closing() or self._path.dead:
            return
        if data is not None:
            self._transport.write(data)
        else:
            self._transport.close()
            self._path.closed()

    def close(self):
        """Once the other end is closed; else this one stays half open for ever."""
        if self._transport is not None:
            self._transport.close()

    def reset(self):
        """RST instead of FIN."""
        if self._transport is None:
            return
        sock = self._transport.get_extra_info("socket")
        if sock is not None and sock.fileno() >= 0:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._transport.abort()


class Datagrams(asyncio.DatagramProtocol):
    """The router's port for the datagrams of one device to one address."""

    def __init__(self, air, link, address, port):
        self._air, self._link, self._address, self._port = air, link, address, port
        self._transport = None

    def connection_made(self, transport):
        self._transport = transport

    def datagram_received(self, data, source):
        if not self._link.reachable() or random.random() < self._link.point().loss:
            return
        latency_s = self._link.point().latency_ms / 1000
        for answer in services.answers(self._air, self._address, self._port, data, time.time_ns()):
            asyncio.get_running_loop().call_later(latency_s, self._answer, answer, source)

    def _answer(self, answer, source):
        if self._link.reachable() and not self._transport.is_closing():
            self._transport.sendto(answer, source)


class Router:
    """Runs in the event loop of the `World`. Everything here is called from that loop."""

    def __init__(self, loop, air):
        self.loop = loop
        self._air = air
        self._paths = []
        self._listeners = {}
        self._datagrams = {}

    async def listen(self, link, address, port):
        """The port of this machine that leads a device to `address`:`port`."""
        key = (link, address, port)
        if key not in self._listeners:
            listener = socket.socket()
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _DEVICE_BUFFER)
            listener.bind(("127.0.0.1", 0))
            self._listeners[key] = await self.loop.create_server(
                lambda: self._accept(link, address, port), sock=listener, backlog=8
            )
        return self._listeners[key].sockets[0].getsockname()[1]

    def _accept(self, link, address, port):
        path = Path(self, link, self._air.target(address, port))
        self._paths.append(path)
        dead = [path for path in self._paths if path.dead]
        for path_to_drop in dead[:-_DEAD_PATHS]:
            path_to_drop.cut()
            self._paths.remove(path_to_drop)
        self.loop.create_task(path.open())
        return path.device

    async def datagrams(self, link, address, port):
        """The port of this machine for datagrams to `address`:`port`."""
        key = (link, address, port)
        if key not in self._datagrams:
            transport, _ = await self.loop.create_datagram_endpoint(
                lambda: Datagrams(self._air, link, address, port), local_addr=("127.0.0.1", 0)
            )
            self._datagrams[key] = transport
        return self._datagrams[key].get_extra_info("sockname")[1]

    def update(self):
        """Something became of an access point or of a link."""
        for path in list(self._paths):
            path.update()

    def silence(self, link):
        """Whatever this device had open stays open for the peers, and mute."""
        for path in self._paths:
            if path._link is link:
                path.silence()

    def forget(self, path):
        if path in self._paths and not path.dead:
            self._paths.remove(path)

    async def close(self):
        for path in self._paths:
            path.device.reset()
            path.peer.reset()
        self._paths.clear()
        for server in self._listeners.values():
            server.close()
        for transport in self._datagrams.values():
            transport.close()
        await asyncio.sleep(0)
