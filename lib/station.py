"""The chip's Wi-Fi station, made honest: one attempt to join either holds or ends in an error that says why.

What the port's driver does not tell, and how it is found out here (ports/esp32/network_wlan.c):

- `status()` keeps the code of an attempt long past (201, 202, 210 to 212) through `connect`, `disconnect` and
  `active(False)`; only an address clears it. So a code that was there before `connect` counts only once the driver is
  idle again, and that shows in `connect`: while an attempt runs, it raises "Wifi Internal Error".
- With automatic reconnects a wrong password reads as "connecting" for ever. We ask for none: each attempt ends with its
  own reason, and when to try again is our decision.
- Associated without an address is no status of its own, but only an associated station knows its signal strength.
- A wrong password shows as 202, 15 or 204, depending on chip and access point, and so does a weak signal; 205 (any
  failure) is reported as 202. Hence the password is blamed only when it was refused twice.
"""

import asyncio
import binascii
import time

import network
from micropython import const

import dns
import errors

_GOT_ADDRESS = const(1010)
_CONNECTING = const(1001)
_IDLE = const(1000)
_TIMED_OUT = const(-1)

_ABSENT = (201, 212)
# 210 and 211: it is there, but open where a password was given, or the other way round.
_REFUSALS = (202, 15, 204, 210, 211)
_REFUSALS_TO_BLAME = const(2)
_STICKY = (201, 202, 210, 211, 212)  # the codes that outlive their attempt

_POLL_MS = const(50)
_PROBE_MS = const(500)  # how soon, and how often, `connect` is used to ask whether the driver is idle
_GAP_MS = const(250)  # between two attempts
_LEAVE_MS = const(2000)

_NO_ADDRESS = "0.0.0.0"

_REASONS = {
    _TIMED_OUT: "no answer in time",
    _IDLE: "it was left",
    2: "authentication expired",
    4: "inactivity",
    5: "too many stations",
    15: "handshake timed out, password or signal",
    200: "its signal is gone",
    201: "not in range",
    202: "authentication failed",
    203: "association refused",
    204: "handshake timed out, password or signal",
}


class Station:
    """The radio as a station. Times are milliseconds; `beat()` is called at least every `_POLL_MS` while it waits."""

    def __init__(self):
        self._wlan = network.WLAN()
        self._refusals = {}  # (ssid, password): how often it was refused since it was good last
        self._ssid = ""
        self._is_started = False

    def start(self, hostname):
        """Switch the radio on, unless it is. `hostname` (at most 32 characters) is told to the router; None: by MAC."""
        if self._is_started:
            return
        try:
            network.hostname(hostname or "esp32-" + binascii.hexlify(self._wlan.config("mac")[3:]).decode())
            self._wlan.active(True)
            # A soft reset leaves the radio on: what the program before it began would refuse the setting.
            self._attempt_quietly(self._wlan.disconnect)
            self._wlan.config(reconnects=0)
        except (OSError, RuntimeError) as error:
            raise errors.error("wifi_failed", self._ssid, error)
        self._is_started = True

    def stop(self):
        """Leave, and switch the radio off; also the last resort when joining fails again and again."""
        self._is_started = False
        self._attempt_quietly(self._wlan.disconnect)
        self._attempt_quietly(self._wlan.active, False)

    def is_connected(self):
        """Whether it has joined and has an address. Allocates nothing."""
        return self._wlan.isconnected()

    def has_address(self):
        """False when the router took the address back: the port does not notice."""
        return self._wlan.ifconfig()[0] != _NO_ADDRESS

    def address(self):
        """Our own address, such as "192.168.4.2"."""
        return self._wlan.ifconfig()[0]

    def name_servers(self):
        """Addresses of the network's name servers; the port knows one, or two with the resolver's own."""
        found = [self._wlan.ifconfig()[3]]
        if hasattr(network, "ipconfig"):
            found.append(network.ipconfig("dns"))
        return [
            server
            for at, server in enumerate(found)
            if server != _NO_ADDRESS and server not in found[:at] and dns.is_address(server)
        ]

    def rssi(self):
        """Signal strength in dBm, None while it is not associated."""
        try:
            return self._wlan.status("rssi")
        except (OSError, RuntimeError):  # "Wifi Not Connected"
            return None

    def reason(self):
        """Why it is not connected any more, in words."""
        return _words(self._wlan.status())

    def scan(self):
        """[(ssid as bytes, rssi, secure)] as heard. Blocks the loop for some seconds: the port gives no other way."""
        try:
            return [(found[0], found[3], found[4] != 0) for found in self._wlan.scan()]
        except (OSError, RuntimeError) as error:
            raise errors.error("wifi_failed", "", error)

    async def join(self, ssid, password, join_ms, address_ms, beat):
        """Join this network; `password` None: an open one. Returns when there is an address.

        Raises `no_network`, `wrong_password`, `no_address`, or `wifi_failed` for everything else. Tries again within
        `join_ms`; the address may take `address_ms` more.
        """
        self._ssid = ssid
        await self._leave(beat)
        deadline_ms = time.ticks_add(time.ticks_ms(), join_ms)
        why = _TIMED_OUT
        while True:
            reason = await self._attempt(ssid, password, deadline_ms, address_ms, beat)
            if reason == _GOT_ADDRESS:
                self._refusals.pop((ssid, password), None)
                return
            self._judge(ssid, password, reason)
            why = reason if reason != _TIMED_OUT else why  # what an attempt before heard says more than silence
            if _passed(deadline_ms):
                raise errors.error("wifi_failed", ssid, _words(why))
            await asyncio.sleep_ms(_GAP_MS)

    def _judge(self, ssid, password, reason):
        if reason in _ABSENT:
            raise errors.error("no_network", ssid)
        if reason in _REFUSALS:
            refusals = self._refusals.get((ssid, password), 0) + 1
            self._refusals[(ssid, password)] = refusals
            if refusals >= _REFUSALS_TO_BLAME:
                raise errors.error("wrong_password", ssid)

    async def _leave(self, beat):
        # isconnected() stays true until the driver's own task has seen the end: an early look would see the old link.
        self._attempt_quietly(self._wlan.disconnect)
        deadline_ms = time.ticks_add(time.ticks_ms(), _LEAVE_MS)
        while self._wlan.isconnected():
            if _passed(deadline_ms):
                raise errors.error("wifi_failed", self._ssid, "the old connection does not end")
            await self._pause(beat)

    async def _attempt(self, ssid, password, deadline_ms, address_ms, beat):
        # One association: _GOT_ADDRESS, or the code it ended with.
        stale = self._wlan.status()
        await self._connect(ssid, password)
        probe_ms = time.ticks_add(time.ticks_ms(), _PROBE_MS)
        while True:
            await self._pause(beat)
            if self.rssi() is not None:
                return await self._await_address(ssid, address_ms, beat)
            code = self._wlan.status()
            is_fresh = code not in (_CONNECTING, _IDLE) and not (code == stale and code in _STICKY)
            is_late = _passed(deadline_ms)
            if is_fresh:
                return code
            if code != _CONNECTING and (is_late or _passed(probe_ms)):
                if self._is_idle():
                    return code
                probe_ms = time.ticks_add(time.ticks_ms(), _PROBE_MS)
            if is_late:
                return _TIMED_OUT

    async def _await_address(self, ssid, address_ms, beat):
        deadline_ms = time.ticks_add(time.ticks_ms(), address_ms)
        while not self._wlan.isconnected():
            if _passed(deadline_ms):
                self._attempt_quietly(self._wlan.disconnect)
                raise errors.error("no_address", ssid)
            associated = self.rssi() is not None
            await self._pause(beat)
            if not associated and not self._wlan.isconnected():
                return self._wlan.status()  # thrown out again; the pause let the driver note why
        return _GOT_ADDRESS

    async def _connect(self, ssid, password):
        try:
            self._wlan.connect(ssid, password)
        except (OSError, RuntimeError):
            # The driver is still busy with the attempt before this one: end that, then once more.
            self._attempt_quietly(self._wlan.disconnect)
            await asyncio.sleep_ms(_GAP_MS)
            try:
                self._wlan.connect(ssid, password)
            except (OSError, RuntimeError) as error:
                raise errors.error("wifi_failed", ssid, error)

    def _is_idle(self):
        try:
            self._wlan.connect()  # with what it was given last
        except (OSError, RuntimeError):
            return False
        self._attempt_quietly(self._wlan.disconnect)  # that was a question, not an attempt
        return True

    def _attempt_quietly(self, call, *args):
        try:
            call(*args)
        except (OSError, RuntimeError):
            pass  # not started, or nothing to end: what was wanted is so already

    async def _pause(self, beat):
        beat()
        await asyncio.sleep_ms(_POLL_MS)


def _passed(deadline_ms):
    return time.ticks_diff(deadline_ms, time.ticks_ms()) <= 0


def _words(code):
    return _REASONS.get(code, "reason %d" % code)
