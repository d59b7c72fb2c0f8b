"""The chip's Wi-Fi station: an attempt to join either succeeds or ends in an error that says why.

`wifi` loads it for as long as it joins or scans, which is a few seconds in the life of a connection.

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
import gc
import time

import esp32
import network
from micropython import const

import errors

_GOT_ADDRESS = const(1010)
_CONNECTING = const(1001)
_IDLE = const(1000)
_TIMED_OUT = const(-1)

_ABSENT = (201, 212)
# 210 and 211: it is there, but open where a password was given, or the other way round.
_REFUSING = (202, 15, 204, 210, 211)
_REFUSALS_TO_BLAME = const(2)
_STICKY = (201, 202, 210, 211, 212)  # the codes that outlive their attempt

_POLL_MS = const(50)
_PROBE_MS = const(500)  # how soon, and how often, `connect` is used to ask whether the driver is idle
_GAP_MS = const(250)  # between two attempts
_LEAVE_MS = const(2000)

# The driver's first start wants 1.9 KB in one block: where there is none it aborts, and takes the whole chip with it.
# With less than this no network was joined either.
_CALIBRATION = const(2560)

_SCAN_LIMIT = const(20)
# WPA-Enterprise of all kinds (ESP-IDF's wifi_auth_mode_t): it wants a user's name, and no password of ours is right.
_ENTERPRISE = (5, 10, 14, 15, 16)

# The most telling failure of a round comes last: what a person can correct, rather than what may pass by itself.
_TELLING = ("no_network", "wifi_failed", "no_address", "wrong_password")

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


def start(wlan, hostname):
    """Switch the radio on. `hostname` (at most 32 characters) is told to the router; None: named by its MAC.

    Raises `wifi_failed`, or `no_memory` where the driver would not survive it.
    """
    try:
        if not wlan.active() and not _has_room():
            gc.collect()  # an area of Python's heap in which nothing lies any more is given back
            if not _has_room():
                raise errors.error("no_memory")
        network.hostname(hostname or "esp32-" + binascii.hexlify(wlan.config("mac")[3:]).decode())
        wlan.active(True)
        # A soft reset leaves the radio on: an attempt of the program before it would make `config` fail.
        quietly(wlan.disconnect)
        wlan.config(reconnects=0)
    except (OSError, RuntimeError) as error:
        raise errors.error("wifi_failed", "", error)


def _has_room():
    return max(area[2] for area in esp32.idf_heap_info(esp32.HEAP_DATA)) >= _CALIBRATION


def quietly(call, *args):
    """Call it and ignore a failure: then the driver is not started, or has nothing to end, which is what was wanted."""
    try:
        call(*args)
    except (OSError, RuntimeError):
        pass


def words(code):
    """What a status of the driver means."""
    return _REASONS.get(code, "reason %d" % code)


def scan(wlan):
    """[(ssid, rssi, secure)] of at most 20 networks that can be joined, strongest first, each name once.

    Blocks the loop for some seconds: the port gives no other way. Raises `wifi_failed`.
    """
    try:
        heard = wlan.scan()
    except (OSError, RuntimeError) as error:
        raise errors.error("wifi_failed", "", error)
    best = {}
    for found in sorted(heard, key=lambda found: -found[3]):
        try:
            ssid = found[0].decode()
        except UnicodeError:
            continue  # neither JSON nor the settings can hold it
        if ssid and ssid not in best and len(best) < _SCAN_LIMIT and found[4] not in _ENTERPRISE:
            best[ssid] = (ssid, found[3], found[4] != 0)
    return sorted(best.values(), key=lambda found: -found[1])


class Station:
    """The radio as a station. Times are milliseconds; `beat()` is called at least every `_POLL_MS` while it waits.

    `refusals` counts how often each (ssid, password) was refused since it last worked; `Wifi` keeps it, because it must
    outlive this object.
    """

    def __init__(self, wlan, refusals, timeouts, beat):
        self._wlan = wlan
        self._refusals = refusals
        self._join_ms = int(timeouts.join_s * 1000)
        self._address_ms = int(timeouts.address_s * 1000)
        self._beat = beat

    async def join_any(self, networks):
        """One round over the networks by priority: (ssid, None), or (ssid or None, the most telling error)."""
        ssid, worst = None, None
        for wanted in networks:
            try:
                await self._join(wanted.ssid, wanted.password)
                return wanted.ssid, None
            except errors.DeviceError as error:
                if worst is None or _TELLING.index(error.code) > _TELLING.index(worst.code):
                    ssid, worst = wanted.ssid, error
        return ssid, worst or errors.error("settings_missing", "no Wi-Fi network")

    async def _join(self, ssid, password):
        """Join this network; `password` None: an open one. Returns when there is an address.

        Raises `no_network`, `wrong_password`, `no_address`, or `wifi_failed` for everything else. Tries again within
        `join_s`; the address may take `address_s` more.
        """
        await self._leave(ssid)
        deadline_ms = time.ticks_add(time.ticks_ms(), self._join_ms)
        why = _TIMED_OUT
        while True:
            reason = await self._attempt(ssid, password, deadline_ms)
            if reason == _GOT_ADDRESS:
                self._refusals.pop((ssid, password), None)
                return
            self._judge(ssid, password, reason)
            why = reason if reason != _TIMED_OUT else why  # the reason of an earlier attempt says more than silence
            if _passed(deadline_ms):
                raise errors.error("wifi_failed", ssid, words(why))
            await asyncio.sleep_ms(_GAP_MS)

    def _judge(self, ssid, password, reason):
        if reason in _ABSENT:
            raise errors.error("no_network", ssid)
        if reason in _REFUSING:
            refusals = self._refusals.get((ssid, password), 0) + 1
            self._refusals[(ssid, password)] = refusals
            if refusals >= _REFUSALS_TO_BLAME:
                raise errors.error("wrong_password", ssid)

    async def _leave(self, ssid):
        # isconnected() stays true until the driver's own task has run: before that it still means the old link.
        quietly(self._wlan.disconnect)
        deadline_ms = time.ticks_add(time.ticks_ms(), _LEAVE_MS)
        while self._wlan.isconnected():
            if _passed(deadline_ms):
                raise errors.error("wifi_failed", ssid, "the old connection does not end")
            await self._pause()

    async def _attempt(self, ssid, password, deadline_ms):
        # One association: _GOT_ADDRESS, or the code it ended with.
        stale = self._wlan.status()
        await self._connect(ssid, password)
        probe_ms = time.ticks_add(time.ticks_ms(), _PROBE_MS)
        while True:
            await self._pause()
            if self._is_associated():
                return await self._await_address(ssid)
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

    async def _await_address(self, ssid):
        deadline_ms = time.ticks_add(time.ticks_ms(), self._address_ms)
        while not self._wlan.isconnected():
            if _passed(deadline_ms):
                quietly(self._wlan.disconnect)
                raise errors.error("no_address", ssid)
            associated = self._is_associated()
            await self._pause()
            if not associated and not self._wlan.isconnected():
                return self._wlan.status()  # disassociated; during the pause the driver has noted why
        return _GOT_ADDRESS

    def _is_associated(self):
        try:
            return self._wlan.status("rssi") is not None
        except (OSError, RuntimeError):  # "Wifi Not Connected"
            return False

    async def _connect(self, ssid, password):
        try:
            self._wlan.connect(ssid, password)
        except (OSError, RuntimeError):
            # The driver is still busy with the attempt before this one: end that, then once more.
            quietly(self._wlan.disconnect)
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
        quietly(self._wlan.disconnect)  # that was a question, not an attempt
        return True

    async def _pause(self):
        self._beat()
        await asyncio.sleep_ms(_POLL_MS)


def _passed(deadline_ms):
    return time.ticks_diff(deadline_ms, time.ticks_ms()) <= 0
