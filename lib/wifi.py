"""Wi-Fi: joins the networks of the settings, says when it is lost, joins again; asks for names and for the time.

What the driver's codes mean is in `station`, what the packets mean in `dns` and `ntp`: here it is decided when to try
what, and how long.
"""

import asyncio
import random
import socket
import time

import machine
from micropython import const

import backoff
import dns
import errors
import events
import ntp
import release
from datagrams import Datagrams
from station import Station

# Between two rounds over all networks. The floor lets an access point breathe that has just started.
_FLOOR_MS = const(500)
_BASE_MS = const(1000)
_CAP_MS = const(60000)
_ROUNDS_TO_CYCLE = const(3)  # failed rounds until the whole radio is switched off and on: mqtt_as #63, #132

_WATCH_MS = const(500)
_STABLE_LOOKS = const(60)  # 30 s joined: the next loss starts a new series of waits
_ADDRESS_LOOKS = const(60)  # every 30 s: is the address still ours?
_BEAT_MS = const(5000)

_RESYNC_MS = const(43200000)  # 12 h: the chip's clock drifts by some seconds a day
_RESYNC_RETRY_MS = const(900000)
_DRIFT_S = const(86400)  # more than a clock that was set once can be ahead

_SCAN_LIMIT = const(20)

# Which failure of a round is told: what a person can mend before what may pass by itself.
_TELLING = ("no_network", "wifi_failed", "no_address", "wrong_password")


def _nothing():
    pass


class Wifi:
    """The device's Wi-Fi. `settings` gives networks, hostname, timeouts.join_s/address_s/dns_s/ntp_s, servers.ntp.

    Emits wifi.connected, wifi.disconnected (after each loss and each round that failed) and clock.set.
    """

    def __init__(self, bus, settings):
        self.ssid = None  # the network that is or was joined, or failed most tellingly
        self.ip = None
        self._bus = bus
        self._settings = settings
        self._station = Station()
        self._joining = asyncio.Lock()
        self._asking_time = asyncio.Lock()
        self._connected = asyncio.Event()
        self._waits = backoff.Backoff(_BASE_MS, _CAP_MS, _FLOOR_MS)
        self._known_time = release.BUILT
        self._resync_in_ms = _RESYNC_RETRY_MS
        self._asked_time_ms = time.ticks_ms()

    @property
    def is_connected(self):
        """Whether a network is joined and has given an address, right now."""
        return self._station.is_connected()

    def rssi(self):
        """Signal strength in dBm, or None."""
        return self._station.rssi()

    async def connected(self):
        """Wait until a network is joined."""
        await self._connected.wait()

    # Joining

    async def run(self, beat):
        """Join, watch, join again; never returns. `beat()` is called at least every 15 s."""
        failures = 0
        while True:
            try:
                await self._join_any(beat)
                failures = 0
                trouble = await self._watch(beat)
            except errors.DeviceError as error:
                trouble = error
                failures += 1
            self._connected.clear()
            self.ip = None
            if failures and failures % _ROUNDS_TO_CYCLE == 0:
                self._station.stop()
            await self._wait_out(trouble, beat)

    async def join_once(self, beat=_nothing):
        """One round over the networks by priority. Returns our address; raises the most telling error of the round.

        A network that was not heard gets a second round: one scan misses a beacon now and then.
        """
        try:
            return await self._join_any(beat)
        except errors.RetryError as error:
            if error.code != "no_network":
                raise
        return await self._join_any(beat)

    async def _join_any(self, beat):
        worst = None
        async with self._joining:
            self._station.start(self._settings.hostname)
            for network in self._settings.networks:
                try:
                    return await self._join(network, beat)
                except errors.DeviceError as error:
                    if worst is None or _TELLING.index(error.code) > _TELLING.index(worst.code):
                        worst, self.ssid = error, network.ssid
        raise worst or errors.error("settings_missing", "no Wi-Fi network")

    async def _join(self, network, beat):
        timeouts = self._settings.timeouts
        join_ms, address_ms = int(timeouts.join_s * 1000), int(timeouts.address_s * 1000)
        await self._station.join(network.ssid, network.password, join_ms, address_ms, beat)
        self.ssid = network.ssid
        self.ip = self._station.address()
        self._connected.set()
        self._bus.emit(events.WIFI_CONNECTED, ssid=self.ssid, ip=self.ip, rssi=self.rssi())
        return self.ip

    async def _watch(self, beat):
        # Returns why the network is lost. Looks, instead of trusting an event that the port does not have.
        looks = 0
        while self._station.is_connected():
            beat()
            await asyncio.sleep_ms(_WATCH_MS)
            looks += 1
            if looks == _STABLE_LOOKS:
                self._waits.stable()
            if looks % _ADDRESS_LOOKS == 0 and not self._station.has_address():
                return errors.error("no_address", self.ssid)
            if self._is_resync_due():
                await self._resync(beat)
        return errors.error("wifi_lost", self.ssid, self._station.reason())

    async def _wait_out(self, trouble, beat):
        wait_ms = self._waits.next_ms()
        self._bus.emit(
            events.WIFI_DISCONNECTED, ssid=self.ssid, code=trouble.code, message=trouble.message, wait_ms=wait_ms
        )
        while wait_ms > 0:
            beat()
            await asyncio.sleep_ms(min(wait_ms, _BEAT_MS))
            wait_ms -= _BEAT_MS

    async def stop(self):
        """Leave the network and switch the radio off. End the task of `run` first."""
        self._connected.clear()
        self.ip = None
        self._station.stop()

    async def scan(self):
        """[(ssid, rssi, secure)] of at most 20 networks, strongest first, each name once.

        Waits for a join in progress, which has its own time-outs, because the radio cannot do both. The scan itself
        blocks the loop for 2 to 4 s on the chip: not for NORMAL.
        """
        async with self._joining:
            self._station.start(self._settings.hostname)
            heard = self._station.scan()
        heard.sort(key=lambda found: -found[1])
        best = {}
        for name, rssi, secure in heard:
            try:
                ssid = name.decode()
            except UnicodeError:
                continue  # neither JSON nor the settings can hold it
            if ssid and ssid not in best and len(best) < _SCAN_LIMIT:
                best[ssid] = (ssid, rssi, secure)
        return sorted(best.values(), key=lambda found: -found[1])

    # Names

    async def resolve(self, host, beat=_nothing):
        """An address of `host` ("1.2.3.4"); one of several by chance, so that a dead one is not met every time.

        Raises `unknown_name` or `no_dns`.
        """
        if dns.is_address(host):
            return host
        if not self.is_connected:
            raise errors.error("no_dns", host)
        if "." not in host.rstrip(".") or host.endswith(".local"):
            return _ask_chip(host, "unknown_name")  # a name of this network: the chip's resolver speaks mDNS
        ask = Datagrams(self._settings.timeouts.dns_s, beat).ask
        addresses = await dns.resolve(host, self._station.name_servers(), ask)
        if addresses is None:
            # The port shows one name server, its resolver may know a second one. That call blocks the loop (7 s for
            # each silent server), so it is only for when nobody else answered.
            return _ask_chip(host, "no_dns")
        return random.choice(addresses)

    # The clock

    @property
    def clock_is_set(self):
        """Whether certificates can be judged: the clock says no earlier than this firmware was built.

        True after a restart that was no power cut: the chip's clock survives it.
        """
        return self.now() >= release.BUILT

    def now(self):
        """Unix seconds, whatever epoch the port has."""
        return int(time.time()) + _epoch()

    async def set_clock(self, not_before, beat=_nothing):
        """Set the clock by the first believable time server; returns unix seconds.

        Nothing earlier than `not_before`, this build or the last time learnt is believed, so that a forged answer
        cannot bring an expired certificate back to life. `run` asks again every 12 h.
        Raises `no_ntp` or `no_dns`.
        """
        async with self._asking_time:
            self._known_time = max(self._known_time, not_before)
            self._resync_in_ms = _RESYNC_RETRY_MS
            self._asked_time_ms = time.ticks_ms()
            seconds, server = await ntp.ask_time(
                self._settings.servers.ntp,
                self._time_server_finder(beat),
                Datagrams(self._settings.timeouts.ntp_s, beat).ask,
                self._known_time,
            )
            _set_rtc(seconds)
            self._known_time = seconds
            self._resync_in_ms = _RESYNC_MS
            self._bus.emit(events.CLOCK_SET, time=seconds, source=server)
            return seconds

    def _time_server_finder(self, beat):
        # As `resolve`, but silent name servers are waited for only once, not again for each time server.
        silence = []

        async def find(name):
            if silence and not dns.is_address(name):
                raise silence[0]
            try:
                return await self.resolve(name, beat)
            except errors.RetryError as error:
                silence.append(error)
                raise

        return find

    def _is_resync_due(self):
        # An unset clock is the affair of whoever needs it first, and knows the last time known.
        asked_ms_ago = time.ticks_diff(time.ticks_ms(), self._asked_time_ms)
        return asked_ms_ago >= self._resync_in_ms and self.clock_is_set

    async def _resync(self, beat):
        try:
            # A clock that a restart kept was learnt once: what it says is the last time known, but for its drift.
            await self.set_clock(self.now() - _DRIFT_S, beat)
        except errors.DeviceError:
            pass  # the clock is good for weeks yet; it is asked again in 15 minutes


def _ask_chip(host, code):
    try:
        return socket.getaddrinfo(host, 0, socket.AF_INET, socket.SOCK_DGRAM)[0][-1][0]
    except OSError:
        raise errors.error(code, host)


def _epoch():
    # 1970 or 2000, in unix seconds.
    return 0 if time.gmtime(0)[0] == 1970 else 946684800


def _set_rtc(seconds):
    year, month, day, hour, minute, second, weekday = time.gmtime(seconds - _epoch())[:7]
    machine.RTC().datetime((year, month, day, weekday, hour, minute, second, 0))
