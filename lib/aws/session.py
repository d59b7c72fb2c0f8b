"""Stays connected: connects, notices the end, waits with full-jitter back-off, connects again.

The back-off forgets only after a connection has been stable for a while, so that it grows across short connections.
The MQTT session is a persistent one.
"""

import asyncio
import random
import time

from micropython import const

import errors
import events
from backoff import Backoff

from .link import borrow

_TICK_MS = const(200)
_FLOOR_MS = const(1000)  # AWS takes one CONNECT a second for a client id
_LEFTOVERS_MS = const(1500)  # by then what the handshake had taken is given back
_FRAME = const(1600)  # bytes that Wi-Fi takes in one block for what it receives
_WIFI_LOST = ("connection_lost", "Wi-Fi was lost")


class Session:
    """Keeps an `Engine` connected: the base of `Aws`, which supplies the hooks `_lost`, `_tick` and `_begin`.

    `settings` are those of lib/settings.py, `resolve(host, beat)` is a coroutine function to an IP address,
    `clock_is_set` replaces the look at the clock, `backoff` (a `Backoff`) the usual one; both may be None.
    """

    def __init__(self, bus, settings, resolve, clock_is_set, backoff):
        timeouts = settings.timeouts
        self._bus = bus
        self._settings = settings
        self._client = borrow("opening").make_client(settings, resolve)
        self._clock_is_set = clock_is_set
        self._backoff = backoff or Backoff(timeouts.backoff_s * 1000, timeouts.backoff_cap_s * 1000, _FLOOR_MS)
        self._first_wait_ms = timeouts.backoff_s * 1000
        self._up = asyncio.Event()  # connected
        self._name = None  # the thing's, once there are credentials
        self._pair = None  # certificate and key, until the TLS context has its copies
        self._context = None
        # Which servers are asked for: True, those with an EC key, see tls.py; False, all, for lack of such a server;
        # None, all, because no root has such a key.
        self.only_ec = True
        self.reload = None  # has `use` called again, for the other kind of server; with None there is no way to it
        self.subscribing = asyncio.Lock()  # while the cloud is asked for it: granting.py is in memory once
        self._tls_lock = asyncio.Lock()  # one TLS session at a time: for two there may be no memory
        self._wifi = bus.listen(events.WIFI_CONNECTED, events.WIFI_DISCONNECTED, limit=4)
        self.has_network = None  # whether there is one to connect over; with None there is
        self._stopped = False
        self.connections = 0  # so far
        self.make_room = None  # makes memory for what a connection brings; what it returns is kept while that stands
        self.network = None  # tells the network's memory: (bytes of the largest block, bytes of all)

    def use(self, name, cert, key):
        """Connect with these from now on: thing name (the client id), certificate and private key as DER."""
        borrow("topics").check_client_id(name)
        self._name = name
        self._pair = cert, key
        self._context = None
        try:
            borrow("opening").make_context(self)  # early: certificate and key need the largest pieces of memory
        except (errors.DeviceError, MemoryError):
            pass  # every attempt to connect will tell

    def first_wait(self, wait_ms):
        """Let the first connection after power-on wait for a random part of `wait_ms`; else of `timeouts.backoff_s`."""
        self._first_wait_ms = wait_ms

    async def provision(self, template, parameters, claim, pending, keep, beat):
        """Enrol by a claim, before `run`: returns (name, cert, key) of the new thing, after `keep` has kept them.

        `template`: name of the provisioning template; `parameters`: dict of str; `claim`: (cert, key) in DER, or None
        to renew the thing's own credentials over the connection that stands; `pending`: what an earlier try kept, or
        None; `keep`: a coroutine function, see provision.py. Errors: `claim_refused` (only the cloud's owner can
        change it), `claim_failed`, those of a connection.
        """
        found = await borrow("provision").provision(self, template, parameters, claim, pending, keep, beat)
        self._bus.emit(events.AWS_PROVISIONED, thing=found[0])
        return found

    @property
    def is_connected(self):
        return self._up.is_set()

    async def connected(self):
        """Wait until connected."""
        await self._up.wait()

    async def run(self, beat):
        """Connect, serve, connect again; never returns. Calls `beat()` at least every 20 s while it is well."""
        await self._pause(random.randint(0, self._first_wait_ms), beat)
        while True:
            failure = await self._attempt(beat)
            wait_ms = self._backoff.next_ms()
            try:
                if not self._stopped:
                    self._bus.emit(events.AWS_DISCONNECTED, code=failure.code, message=failure.message, wait_ms=wait_ms)
            except MemoryError:
                pass  # it connects again all the same
            await self._pause(wait_ms, beat)

    async def _pause(self, wait_ms, beat):
        until_ms = time.ticks_add(time.ticks_ms(), wait_ms)
        left_ms = wait_ms
        while self._stopped or left_ms or self._is_cut_off():
            beat()
            self._client.expire()
            self._tick()
            await asyncio.sleep_ms(min(_TICK_MS, left_ms or _TICK_MS))
            left_ms = left_ms and max(0, time.ticks_diff(until_ms, time.ticks_ms()))
            if await self._wifi_news() == events.WIFI_CONNECTED:
                # The last attempt failed for want of Wi-Fi: no long wait. With jitter, for all devices of this Wi-Fi.
                jitter_ms = random.randint(0, self._first_wait_ms)
                left_ms = min(left_ms or jitter_ms, jitter_ms)
                until_ms = time.ticks_add(time.ticks_ms(), left_ms)

    def _is_cut_off(self):
        # No attempt without Wi-Fi: its failure ("no_dns") would hide the one that matters, that of the Wi-Fi.
        return self.has_network is not None and not self.has_network()

    async def _wifi_news(self):
        """The last event of the Wi-Fi since the last call, or None."""
        last = None
        while self._wifi.any():
            last = (await self._wifi.get()).name
        return last

    async def _attempt(self, beat):
        """One connection from its beginning to its end; returns the error that ended it."""
        await self._tls_lock.acquire()
        try:
            try:
                if self._context is not None:
                    await self._look_up(beat)
                # Two steps: awaited as an argument, `by_thing` would stay in memory for as long as `_serve` runs.
                session_present = await borrow("opening").by_thing(self, beat)
                return await self._serve(session_present, beat)
            except errors.DeviceError as failure:
                if self._is_cut_off() or (failure.code == "not_authorised" and await self._wifi_news()):
                    return errors.error(*_WIFI_LOST)
                return failure
            except MemoryError:  # closing frees the connection's own buffers
                await self._client.disconnect("no_memory")
                return errors.error("no_memory")
            finally:
                self._gone()
        finally:
            self._tls_lock.release()

    async def _look_up(self, beat):
        # First: beside what opens a connection it would be the most that is ever in memory.
        def waits():
            beat()
            client.expire()

        client = self._client
        client.address = await client.resolve(client.server, waits)

    def _gone(self):
        self._up.clear()
        self._client.lw_topic = None  # the will is the thing's: none for a connection by the claim

    async def _tell_status(self, state):
        if self._settings.aws.status is not None and self._name is not None:
            await borrow("presence").tell(self, state)

    async def _serve(self, session_present, beat):
        client = self._client
        if not session_present:
            self._lost()
        room = self.make_room and self.make_room()
        self._bus.emit(
            events.AWS_CONNECTED,
            endpoint=client.server,
            client_id=client.client_id,
            session_present=bool(session_present),
        )
        self.connections += 1
        self._up.set()
        beginning = asyncio.create_task(self._begin())
        since_ms = time.ticks_ms()
        stable_ms = self._settings.timeouts.stable_s * 1000
        is_room_made = room is not None or self.make_room is None
        try:
            while client.is_connected:
                beat()
                self._tick()
                lasted_ms = time.ticks_diff(time.ticks_ms(), since_ms)
                if not is_room_made and lasted_ms >= _LEFTOVERS_MS:
                    room = self.make_room()
                    is_room_made = True
                if stable_ms and lasted_ms >= stable_ms:
                    self._backoff.stable()
                    stable_ms = 0
                if await self._wifi_news() == events.WIFI_DISCONNECTED:
                    # No need to wait until the keepalive notices.
                    await client.disconnect(*_WIFI_LOST)
                # With less in one block nothing is received, and nothing that is awaited comes.
                if self.network is not None and client.is_unheard() and self.network()[0] < _FRAME:
                    await client.disconnect("no_memory")
                await asyncio.sleep_ms(_TICK_MS)
        finally:
            beginning.cancel()
        return client.error

    async def pause(self, drain_ms):
        """Send what waits, for so long at most; then DISCONNECT and close. `run` does not connect again."""
        self._stopped = True
        try:
            if self._client.is_connected:
                await self._client.drain(drain_ms)
                await self._tell_status("disconnected")
        finally:  # without memory to tell it, or the time: what follows may want the connection's memory
            self._wifi.close()
            await self._client.disconnect()
