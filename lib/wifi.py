"""Wi-Fi: joins the networks of the settings, says when it is lost, joins again; asks for names and for the time.

When to do what is decided here. How it is done is in files that are loaded for the seconds in which they are needed,
then unloaded, which gives their memory back to TLS: `station` joins and scans, `resolver` and `clock` ask.
"""

import asyncio
import sys
import time

import network
from micropython import const

import backoff
import errors
import events
import release

# Between two rounds over all networks. The floor lets an access point breathe that has just started.
_FLOOR_MS = const(500)
_BASE_MS = const(1000)
_CAP_MS = const(60000)
_ROUNDS_TO_CYCLE = const(3)  # failed rounds until the whole radio is switched off and on: mqtt_as #63, #132

_WATCH_MS = const(500)
_STABLE_LOOKS = const(60)  # 30 s joined: the next loss starts a new series of waits
_ADDRESS_LOOKS = const(60)  # every 30 s: is the address still ours?
_BEAT_MS = const(5000)
_SPAN_MS = const(0x3FFFFFFF)  # the ticks' own: ticks_diff would take an outage of a week for a negative one
# A clock that a restart has kept may have been set by a phone. Not at once: beside a connection that begins there is no
# memory for it. Where a certificate contradicts the clock, `doubt_clock` asks sooner.
_RESYNC_KEPT_MS = const(60000)
_CROWDED_MS = const(10000)  # where there was no memory to ask for the time

_FOR_A_WHILE = ("station", "resolver", "clock", "ntp", "dns", "datagrams")


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
        self._wlan = _wlan()
        self._is_started = False
        self._refusals = {}
        self._joining = asyncio.Lock()
        self._asking_time = asyncio.Lock()
        self._connected = asyncio.Event()
        self._waits = backoff.Backoff(_BASE_MS, _CAP_MS, _FLOOR_MS)
        self._known_time = release.BUILT
        self._doubted = False
        self.clock_is_sure = False  # the cloud has confirmed it
        self._resync_in_ms = _RESYNC_KEPT_MS
        self._asked_time_ms = time.ticks_ms()

    @property
    def is_connected(self):
        """Whether a network is joined and has given an address, right now."""
        return self._wlan.isconnected()

    def rssi(self):
        """Signal strength in dBm, None while it is not associated."""
        try:
            return self._wlan.status("rssi")
        except (OSError, RuntimeError):  # "Wifi Not Connected"
            return None

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
            except MemoryError:
                trouble = errors.error("no_memory")
                failures += 1
            self._connected.clear()
            self.ip = None
            if failures and failures % _ROUNDS_TO_CYCLE == 0:
                try:
                    await self.stop()
                except MemoryError:
                    pass  # after the next rounds
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
        settings = self._settings
        await self._joining.acquire()
        try:
            radio = self._start().Station(self._wlan, self._refusals, settings.timeouts, beat)
            self.ssid, trouble = await radio.join_any(settings.networks)
        finally:
            self._joining.release()
        if trouble:
            raise trouble
        self.ip = self._wlan.ifconfig()[0]
        self._connected.set()
        if self._resync_in_ms == _RESYNC_KEPT_MS:
            self._asked_time_ms = time.ticks_ms()  # the minute begins: now the connection to the cloud does
        self._bus.emit(events.WIFI_CONNECTED, ssid=self.ssid, ip=self.ip, rssi=self.rssi())
        return self.ip

    def start(self):
        """Switch the radio on; joining and scanning do it by themselves. Raises `wifi_failed`."""
        self._start()

    def _start(self):
        station = _station()
        if not self._is_started:
            station.start(self._wlan, self._settings.hostname)
            self._is_started = True
        return station

    async def _watch(self, beat):
        # Returns why the network is lost. Polls, because the port has no event for it.
        looks = 0
        while self.is_connected:
            beat()
            await asyncio.sleep_ms(_WATCH_MS)
            looks += 1
            if looks == _STABLE_LOOKS:
                self._waits.stable()
            if looks % _ADDRESS_LOOKS == 0 and self._wlan.ifconfig()[0] == "0.0.0.0":  # the port does not notice
                return errors.error("no_address", self.ssid)
            asked_ms_ago = time.ticks_ms() - self._asked_time_ms & _SPAN_MS
            # An unset clock is set by whoever needs it first: they know the last time that was certain.
            if asked_ms_ago >= self._resync_in_ms and self.clock_is_set:
                try:
                    await _clock().resync(self, beat)
                except MemoryError:
                    self._asked_time_ms = time.ticks_ms()
                    self._resync_in_ms = _CROWDED_MS
        return errors.error("wifi_lost", self.ssid, _station().words(self._wlan.status()))

    async def _wait_out(self, trouble, beat):
        wait_ms = self._waits.next_ms()
        try:
            self._bus.emit(
                events.WIFI_DISCONNECTED, ssid=self.ssid, code=trouble.code, message=trouble.message, wait_ms=wait_ms
            )
        except MemoryError:
            pass  # it is tried again all the same
        while wait_ms > 0:
            beat()
            await asyncio.sleep_ms(min(wait_ms, _BEAT_MS))
            wait_ms -= _BEAT_MS

    async def stop(self):
        """Leave the network and switch the radio off. End the task of `run` first."""
        self._connected.clear()
        self.ip = None
        self._is_started = False
        station = _station()
        station.quietly(self._wlan.disconnect)
        station.quietly(self._wlan.active, False)

    async def scan(self):
        """[(ssid, rssi, secure)] of at most 20 networks, strongest first, each name once.

        Waits for a join in progress, which has its own time-outs, because the radio cannot do both. The scan itself
        blocks the loop for 2 to 4 s on the chip: not for NORMAL.
        """
        await self._joining.acquire()
        try:
            return self._start().scan(self._wlan)
        finally:
            self._joining.release()

    async def resolve(self, host, beat=_nothing):
        """An address of `host` ("1.2.3.4"); one of several by chance. Raises `unknown_name` or `no_dns`."""
        import resolver

        _unload()
        return await resolver.resolve(host, self._wlan, self._settings.timeouts.dns_s, beat)

    # The clock

    @property
    def clock_is_set(self):
        """Whether certificates can be judged: the clock says no earlier than this firmware was built.

        True after a restart that was no power cut: the chip's clock survives it.
        """
        return self.now() >= release.BUILT

    def now(self):
        """Unix seconds, whatever epoch the port has."""
        return int(time.time()) + epoch()

    async def set_clock(self, not_before, beat=_nothing):
        """Set the clock by the first believable time server; returns unix seconds.

        Nothing earlier than `not_before`, this build or the last time learnt is believed, so that a forged answer
        cannot bring an expired certificate back to life. `run` asks again every 12 h.
        Raises `no_ntp` or `no_dns`.
        """
        await self._asking_time.acquire()
        try:
            return await _clock().by_servers(self, not_before, beat)
        finally:
            self._asking_time.release()

    def keep_time(self, seconds, not_before, source="phone"):
        """Set the clock to what somebody says (unix seconds), until a time server does. Raises `invalid_setting`."""
        _clock().by_somebody(self, seconds, not_before, source)

    def doubt_clock(self, not_before):
        """A certificate says that the clock is ahead: ask again at once, and believe what is not before this."""
        self._known_time = max(release.BUILT, not_before)
        self._doubted = True
        self.clock_is_sure = False
        self._resync_in_ms = 0


def _wlan():
    try:
        return network.WLAN()
    except (RuntimeError, OSError) as error:
        # ESP_ERR_NO_MEM, before and since MicroPython 1.26: the next start may have more, so this must not end in IDLE.
        # Nor is it tried again in this one: the driver would be begun twice, which takes the chip down.
        if "0x0101" in str(error) or "Memory" in str(error):
            raise MemoryError
        raise


def _station():
    import station

    _unload()
    return station


def _clock():
    import clock

    _unload()
    return clock


def _unload():
    # Whoever works with one of them keeps it until then; the next import makes another one.
    for name in _FOR_A_WHILE:
        sys.modules.pop(name, None)


def epoch():
    """That of the port, 1970 or 2000, in unix seconds."""
    return 0 if time.gmtime(0)[0] == 1970 else 946684800
