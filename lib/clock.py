"""Sets the chip's clock: by a time server, a person or the cloud. `wifi` loads it for as long as that takes."""

import sys
import time

import machine
from micropython import const

import errors
import events
import ntp
import release
from wifi import epoch

_RESYNC_MS = const(43200000)  # 12 h: the chip's clock drifts by some seconds a day
_RESYNC_RETRY_MS = const(900000)
_DRIFT_S = const(86400)  # more than a clock that was set once can be ahead, or behind


async def by_servers(wifi, not_before, beat, latest=ntp.LATEST):
    """As `Wifi.set_clock`, whose turn it is; nothing from `latest` on is believed, either."""
    wifi._known_time = max(wifi._known_time, not_before)
    wifi._resync_in_ms = _RESYNC_RETRY_MS
    wifi._asked_time_ms = time.ticks_ms()
    seconds, server = await _ask(wifi, beat, latest)
    _keep(wifi, seconds, server)
    wifi._known_time = seconds
    wifi._resync_in_ms = _RESYNC_MS
    return seconds


def by_somebody(wifi, seconds, not_before, source):
    """As `Wifi.keep_time`."""
    earliest = max(release.BUILT, not_before)
    if not earliest <= seconds < ntp.LATEST:
        raise errors.error("invalid_setting", "time", seconds, "unix seconds of today, not before %d" % earliest)
    _keep(wifi, seconds, source)
    wifi._known_time = earliest  # a time server that lied may have told another one


async def resync(wifi, beat):
    """Ask again. Raises nothing: the clock is good for weeks yet, and it is asked again in 15 minutes."""
    try:
        # A clock that a restart kept was learnt once: what it says is the last time known, but for its drift.
        # One that the cloud has confirmed is not behind by more either: a server that says so cannot be right.
        await wifi._asking_time.acquire()
        try:
            now = wifi.now()
            latest = now + _DRIFT_S if wifi.clock_is_sure else ntp.LATEST
            await by_servers(wifi, wifi._known_time if wifi._doubted else now - _DRIFT_S, beat, latest)
        finally:
            wifi._asking_time.release()
        wifi._doubted = False
    except errors.DeviceError:
        pass


def _keep(wifi, seconds, source):
    year, month, day, hour, minute, second, weekday = time.gmtime(seconds - epoch())[:7]
    machine.RTC().datetime((year, month, day, weekday, hour, minute, second, 0))
    wifi._bus.emit(events.CLOCK_SET, time=seconds, source=source)


async def _ask(wifi, beat, latest):
    """(unix seconds, server): the first believable time, from the last one known on. Raises `no_ntp` or `no_dns`."""
    settings = wifi._settings
    # Silent name servers are waited for only once, not again for each time server.
    silence = []

    async def find(name):
        if silence and not name.replace(".", "").isdigit():  # an address needs none
            raise silence[0]
        began_ms = time.ticks_ms()
        try:
            return await wifi.resolve(name, beat)
        except errors.RetryError as error:
            if time.ticks_diff(time.ticks_ms(), began_ms) >= settings.timeouts.dns_s * 1000:
                silence.append(error)
            raise  # what was told at once is about this name alone

    async def ask(*question):
        # Only now: while a name is looked for, that needs the memory.
        from datagrams import Datagrams

        sys.modules.pop("datagrams", None)
        return await Datagrams(settings.timeouts.ntp_s, beat).ask(*question)

    return await ntp.ask_time(settings.servers.ntp, find, ask, wifi._known_time, latest)
