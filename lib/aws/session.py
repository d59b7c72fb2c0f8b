"""Stays connected: connects, notices the end, waits with full-jitter back-off, connects again.

The back-off forgets only after a connection has been stable for a while, so that it grows across short connections.
The MQTT session is a persistent one. `subscribe_all` is started as a task whenever a connection stands.
"""

import asyncio
import gc
import random
import time

import errors
import events
from backoff import Backoff

from . import failures, tls, topics
from .mqtt import MQTTClient, MQTTException, Timing

_TICK_MS = 200
_MARGIN_S = 30  # asking several name servers, blocking handshakes
_FLOOR_MS = 1000  # AWS takes one CONNECT a second for a client id


def make_client(settings, resolve):
    """The MQTTClient, made once: its buffers must not be looked for again on a worn heap."""
    limits, timeouts = settings.limits, settings.timeouts
    return MQTTClient(
        "",
        settings.aws.endpoint,
        settings.aws.port,
        keepalive=timeouts.keepalive_s,
        receive_buffer=limits.receive_buffer,
        window=min(limits.window, topics.IN_FLIGHT_LIMIT),
        timing=Timing(
            connect_ms=timeouts.connect_s * 1000,
            handshake_ms=timeouts.connect_s * 1000,
            connack_ms=timeouts.connack_s * 1000,
            ack_ms=timeouts.ack_s * 1000,
        ),
        resolve=resolve,
        survive=True,
    )


class Session:
    """Keeps `client` connected. `lost()` is called when the cloud does not know our session, `tick()` now and then."""

    def __init__(self, bus, settings, client, clock_is_set, subscribe_all, lost, tick, backoff):
        timeouts = settings.timeouts
        self.first_wait_ms = timeouts.backoff_s * 1000
        self.up = asyncio.Event()  # connected
        self._bus = bus
        self._settings = settings
        self._client = client
        self._clock_is_set = clock_is_set
        self._subscribe_all = subscribe_all
        self._lost = lost
        self._tick = tick
        self._credentials = None
        self._context = None
        self._backoff = backoff or Backoff(timeouts.backoff_s * 1000, timeouts.backoff_cap_s * 1000, _FLOOR_MS)
        self._one = asyncio.Lock()  # one TLS session at a time: two need more memory than there is for sure
        self._wifi = bus.listen(events.WIFI_CONNECTED, events.WIFI_DISCONNECTED, limit=4)
        self._stopped = False

    def use(self, name, cert, key):
        """Connect with these from now on."""
        topics.check_client_id(name)
        self._credentials = (name, cert, key)
        self._context = None

    async def run(self, beat):
        """Connect, serve, connect again; never returns."""
        await self._pause(random.randint(0, self.first_wait_ms), beat)
        while True:
            failure = await self._attempt(beat)
            wait_ms = self._backoff.next_ms()
            if not self._stopped:
                self._bus.emit(events.AWS_DISCONNECTED, code=failure.code, message=failure.message, wait_ms=wait_ms)
            await self._pause(wait_ms, beat)

    async def _pause(self, wait_ms, beat):
        until_ms = time.ticks_add(time.ticks_ms(), wait_ms)
        left_ms = wait_ms
        while self._stopped or left_ms > 0:
            beat()
            self._client.expire()
            self._tick()
            await asyncio.sleep_ms(min(_TICK_MS, left_ms) if left_ms > 0 else _TICK_MS)
            left_ms = time.ticks_diff(until_ms, time.ticks_ms())
            if await self._wifi_news() == events.WIFI_CONNECTED:
                # What the last attempts met was the missing Wi-Fi. Jitter remains, for the devices beside us.
                left_ms = min(left_ms, random.randint(0, self.first_wait_ms))
                until_ms = time.ticks_add(time.ticks_ms(), left_ms)

    async def _wifi_news(self):
        """The last event of the Wi-Fi since the last call, or None."""
        last = None
        while self._wifi.any():
            last = (await self._wifi.get()).name
        return last

    async def _attempt(self, beat):
        """One connection from its beginning to its end; returns the error that ended it."""
        async with self._one:
            try:
                return await self._serve(await self._connect(beat), beat)
            except errors.DeviceError as failure:
                return failure
            finally:
                self.up.clear()

    async def _connect(self, beat):
        if self._credentials is None:
            raise errors.error("settings_missing", "no thing certificate")
        self._check_clock()
        name, cert, key = self._credentials
        if self._context is None:
            self._context = tls.make_context(self._settings.roots, cert, key)
        return await self._open(name, self._context, False, beat)

    def _check_clock(self):
        if not self._clock_is_set():
            raise errors.error("clock_not_set")

    async def _open(self, client_id, context, clean_session, beat):
        self._client.client_id = client_id
        self._client.ssl = context
        gc.collect()
        # Every wait in there has its own timeout; if it takes longer than all of them together, the silence shall tell.
        timeouts = self._settings.timeouts
        longest_s = timeouts.dns_s + 2 * timeouts.connect_s + timeouts.connack_s + _MARGIN_S
        beating = asyncio.create_task(_beat_for(longest_s, beat))
        try:
            return await self._client.connect(clean_session)
        except MQTTException as refusal:
            raise failures.connack_failure(refusal.args[0])
        finally:
            beating.cancel()

    async def _serve(self, session_present, beat):
        client = self._client
        if not session_present:
            self._lost()
        self._bus.emit(
            events.AWS_CONNECTED,
            endpoint=client.server,
            client_id=client.client_id,
            session_present=bool(session_present),
        )
        self.up.set()
        subscribing = asyncio.create_task(self._subscribe_all())
        since_ms = time.ticks_ms()
        stable_ms = self._settings.timeouts.stable_s * 1000
        try:
            while client.is_connected:
                beat()
                self._tick()
                if stable_ms and time.ticks_diff(time.ticks_ms(), since_ms) >= stable_ms:
                    self._backoff.stable()
                    stable_ms = 0
                if await self._wifi_news() == events.WIFI_DISCONNECTED:
                    # Waiting for the keepalive to notice would only cost time.
                    await client.disconnect("connection_lost", "Wi-Fi was lost")
                await asyncio.sleep_ms(_TICK_MS)
        finally:
            subscribing.cancel()
        return client.error

    async def with_claim(self, claim, client_id, beat, work):
        """Connect with the claim (cert, key), await `work()`, close; returns its result. Errors: `claim_refused`."""
        client = self._client
        async with self._one:
            client.survive = False
            try:
                self._check_clock()
                await self._open_with_claim(claim, client_id, beat)
                return await work()
            finally:
                await client.disconnect()
                client.survive = True
                client.ssl = None  # the claim's context is not needed any more, its memory is

    async def _open_with_claim(self, claim, client_id, beat):
        context = tls.make_context(self._settings.roots, claim[0], claim[1])
        try:
            await self._open(client_id, context, True, beat)
        except errors.CloudError as failure:
            if failure.code in ("cert_refused", "not_authorised"):
                raise errors.error("claim_refused", failure.code)
            raise  # it is the server's own certificate that is wrong

    async def stop(self):
        """Send what waits, within `drain_s`; then DISCONNECT and close. `run` does not connect again."""
        self._stopped = True
        if self._client.is_connected:
            await self._client.drain(self._settings.timeouts.drain_s * 1000)
        await self._client.disconnect()


async def _beat_for(seconds, beat):
    for _ in range(seconds):
        beat()
        await asyncio.sleep(1)
