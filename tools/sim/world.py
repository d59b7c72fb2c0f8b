"""The world around simulated boards: access points, router, name and time servers, and all that goes wrong there."""

import asyncio
import contextlib
import socket
import threading
import time

from tools.sim.board.simulated.air import Air
from tools.sim.router import Router

_ANSWER_S = 10  # the router's loop is never busy for long


def _ticks():
    return time.monotonic_ns() // 1000000


class World(Air):
    """What `Air` describes, for devices in processes of their own.

        with World() as world:
            home = world.access_point("home", "password")
            world.name("endpoint.example", port)

    A context manager; `close` does the same as leaving it. Its methods may be called from any thread.
    """

    def __init__(self):
        self.internet = False  # True: names that are not given here are those of the real internet
        self._router = None
        self._radio = None
        self._radio_lock = threading.Lock()
        super().__init__(_ticks)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="simulated router", daemon=True)
        self._thread.start()
        self._router = Router(self._loop, self)
        self._silent = _SilentPort()
        self._refusing = _RefusingPort()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        """Cut every connection and end the router."""
        if self._loop.is_closed():
            return
        if self._radio is not None:
            self._wait(self._radio.close())
        self._wait(self._router.close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(_ANSWER_S)
        self._loop.close()
        self._silent.close()
        self._refusing.close()

    def changed(self, point):
        """Tell the router."""
        if self._router is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._router.update)

    @property
    def radio(self):
        """Bluetooth: its conditions, phones and listeners. Needs `bumble`, which is imported only now."""
        with self._radio_lock:
            if self._radio is None:
                from tools.sim.radio.radio import Radio

                self._radio = self._wait(_call(Radio, self._loop))
            return self._radio

    def attach(self):
        """A `Link`: what one board has of this world."""
        return Link(self)

    def lookup(self, host):
        """The address the device is told for a name, or None."""
        found = super().lookup(host)
        if found is None and self.internet and _exists(host):
            return self.name(host, (host, None))
        return found

    def target(self, address, port):
        """As `Air.target`; with the internet an address that nothing here has is the real one."""
        if self.internet and not self.knows(address):
            self.name(address, (address, None))
        return super().target(address, port)

    def route(self, link, address, port):
        """The port of this machine that behaves as `address`:`port` does for that device."""
        target = self.target(address, port) if link.reachable() else "blocked"
        if target == "blocked":
            return self._silent.port
        if target == "refused" or not _listens(target):
            return self._refusing.port
        return self._wait(self._router.listen(link, address, port))

    def datagram_port(self, link, address, port):
        """The port of this machine for datagrams to `address`:`port`."""
        return self._wait(self._router.datagrams(link, address, port))

    def silence(self, link):
        """The power of this device went: its connections end without a word."""
        if not self._loop.is_closed():
            self._wait(_call(self._router.silence, link))
            if self._radio is not None:
                self._radio.forget(link)

    def _wait(self, coroutine):
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(_ANSWER_S)


async def _call(function, *arguments):
    return function(*arguments)


class Link:
    """One board's view of the world: the network it has joined, and the answers to what its drivers ask."""

    def __init__(self, world):
        self._world = world
        self._joined = None
        self._told = None

    def forget(self):
        """The device has restarted: it has joined nothing, and was told nothing."""
        self._joined = None
        self._told = None
        self._world.silence(self)

    def point(self):
        """The access point it has joined, or None."""
        return self._world.point(self._joined) if self._joined else None

    def reachable(self):
        """Whether frames pass between the device and the router."""
        point = self.point()
        return point is not None and point.present and not point.stalled

    def answer(self, operation, arguments):
        """What the device's drivers ask; see `board/simulated/hosted.py`."""
        if operation == "points":
            return self._points()
        if operation == "linked":
            self._joined = arguments[0]
            return self._world.changed(None)
        if operation == "resolve":
            return self._resolve(arguments[0])
        if operation == "route":
            return self._world.route(self, *arguments)
        if operation == "bluetooth":
            return self._world.radio.answer(self, *arguments)
        if operation == "datagram":
            return self._world.datagram_port(self, *arguments)
        raise ValueError(f"the device asked for {operation!r}, which the world does not know")

    def _points(self):
        points = [_describe(point) for point in self._world.access_points()]
        state = {"radio_factor": self._world.radio_factor, "points": points}
        if state == self._told:
            return None
        self._told = state
        now_ms = self._world.ticks()
        aged = [dict(fields, changed_ago_ms=now_ms - fields["changed_ago_ms"]) for fields in points]
        return dict(state, points=aged)

    def _resolve(self, name):
        if not self.reachable():
            return None, 0
        if not self._world.dns:
            return None, self._world.dns_timeout_ms
        return self._world.lookup(name), self.point().latency_ms


def _describe(point):
    """An access point as plain values; `changed_ago_ms` is still the moment itself."""
    return {
        "name": point.name,
        "password": point.password,
        "rssi": point.rssi,
        "channel": point.channel,
        "auth": point.auth,
        "bssid": point.bssid.hex(),
        "present": point.present,
        "refusing": point.refusing,
        "gives_address": point.gives_address,
        "stalled": point.stalled,
        "kicks": point.kicks,
        "wrong_password_reasons": point.wrong_password_reasons,
        "changed_ago_ms": point.changed_ms,
    }


def _exists(host):
    try:
        return bool(socket.getaddrinfo(host, None, socket.AF_INET))
    except OSError:
        return False


def _listens(target):
    """Whether anybody listens on that port of this machine, found out without knocking. Elsewhere: assumed."""
    host, port = target
    if host != "127.0.0.1":
        return True
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return True
    return False


class _RefusingPort:
    """A port that nobody listens on, and that nobody else can take."""

    def __init__(self):
        self._socket = socket.socket()
        self._socket.bind(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]

    def close(self):
        self._socket.close()


class _SilentPort(_RefusingPort):
    """A port that never answers: its queue of connections is full, and the kernel drops what comes after."""

    def __init__(self):
        super().__init__()
        self._socket.listen(0)
        self._fillers = [socket.socket(), socket.socket()]
        for filler in self._fillers:
            filler.setblocking(False)
            with contextlib.suppress(BlockingIOError):
                filler.connect(("127.0.0.1", self.port))

    def close(self):
        for filler in self._fillers:
            filler.close()
        super().close()
