"""What follows when the cloud was reached, or was not: notes for later starts, CONFIG, a restart for want of memory.

`road` imports it for the moment in which it is known; `road` is the `Road` in all of this.
"""

import sys

from micropython import const

import errors
import events
import notes

_DAY_S = const(86400)
_MILLISECONDS = const(100000000000)  # a larger time is in milliseconds: as seconds it would be the year 5138
_MOST_WINDOWS = const(13)  # 10 s, doubled so often, are nearly a day
_FOR_TLS = const(40960)  # bytes; with less free before a handshake it fails, whatever error it reports
_CROWDED = const(3)  # attempts without memory before a restart for a fresh heap; doubled after each such restart
_MOST_ANEW = const(6)


def begin(road):
    """Go on from what the last start has noted; returns True."""
    kept, cause = notes.read(road._flash), road._board.reset_cause()
    if cause != "power_on":  # after that somebody may be there, and wait for CONFIG to open
        road._windows = kept.get("windows", 0)
        if not road._is_trying():  # which is given its own time
            road._offline_s = kept.get("offline", 0)
    return True


async def note(road, event):
    """The cloud was reached, or something kept it from that: an events.Event. Errors: `flash_full`, `flash_failed`."""
    if event.name == events.AWS_CONNECTED:
        road._judged_s = road._wifi.now() - road._board.uptime_ms() // 1000
        road._windows = road._offline_s = road._crowded = 0
        await road._identity.confirm()
        await notes.change(road._flash, last=None, windows=None, offline=None, anew=None)
        return
    code = event.data["code"]
    road._reached_ms -= road._offline_s * 1000  # this start has failed, too: count the time before it as well
    road._offline_s = 0
    road._failure = errors.DeviceError(code, event.data["message"])
    # Wi-Fi that is gone does not count as passing: the device may have been moved, and needs a person.
    is_wifi = event.name == events.WIFI_DISCONNECTED
    road._passes = not is_wifi and isinstance(errors.error(code), errors.RetryError)
    if code in ("server_cert_expired", "server_cert_not_yet_valid"):
        road._wifi.doubt_clock(notes.last_known_time(road._flash))
    if road._is_known and (code == "no_memory" or road._board.heap()["idf_free"] < _FOR_TLS):
        await _begin_anew(road)
    if await road._identity.refused(code):
        road._system.leave("restart_requested", "the cloud refused the new certificate")


async def give_up(road, patience_s, trial):
    """The cloud was not reached for `patience_s`: what is on trial is taken back, or CONFIG opens. Errors as `note`."""
    failure = road._failure or errors.error("not_reached", patience_s)
    if not trial or not await _take_back(road, failure):
        last = {"code": failure.code, "message": failure.message}
        windows = None if trial else min(road._windows + 1, _MOST_WINDOWS)
        await notes.change(road._flash, into="CONFIG", last=last, windows=windows, offline=None)
        road._system.leave("candidate_refused" if trial else "cloud_unreached", "%s" % failure)
    road._failure = None  # the next outage begins with the next start


async def _take_back(road, failure):
    import tryout

    del sys.modules["tryout"]
    return await tryout.take_back(road._system, failure)


async def rest(road, seconds):
    """As `Road.rest`, when the cloud was not reached."""
    offline_s = (road._board.uptime_ms() - road._reached_ms) // 1000 + int(seconds)
    try:
        await notes.change(road._flash, offline=min(offline_s, _DAY_S))
    except errors.StorageError:
        pass  # then CONFIG opens later


async def _begin_anew(road):
    """Python's heap never gives back what it has taken of TLS's memory: only a restart does."""
    road._crowded += 1
    starts = notes.read(road._flash).get("anew", 0)
    if road._crowded >= _CROWDED << starts:
        try:
            await notes.change(road._flash, anew=min(starts + 1, _MOST_ANEW))
        except errors.StorageError:
            if road._crowded < _CROWDED << _MOST_ANEW:  # rarely, where nobody can count how often
                raise
        if not road._aws.connections:  # none since the start: it is not the application that has used it up
            road._board.leave_more_to_network()
        road._system.leave("restart_requested", "there is no memory for TLS: a restart gives a fresh heap")


async def make_room(road):
    """There was no memory to enrol: the next start enrols before the application runs. Errors as `note`."""
    if not road._system.enrol_first:
        await notes.change(road._flash, enrol_first=True)
        road._system.leave("restart_requested", "there is no memory to enrol beside the application")


async def keep_time(road):
    """Keep the time that the cloud has told. Errors as `note`."""
    # Only the cloud's, whose certificate was verified: a forged time in flash could never be corrected, and no
    # certificate betrays a clock that is weeks ahead. And none that is later than the one by which the certificate was
    # judged: past its dates the next one would be refused, with no way back.
    jobs, wifi = road._aws.jobs, road._wifi
    told, jobs.time = jobs.time, None
    if told > _MILLISECONDS:
        told //= 1000  # AWS's documentation says seconds, and shows milliseconds
    try:
        if abs(wifi.now() - told) > _DAY_S:
            wifi.keep_time(told, told - _DAY_S, "cloud")
    except errors.PersonError:
        return  # no time of today
    if told - road._judged_s - road._board.uptime_ms() // 1000 > _DAY_S:
        return
    wifi.clock_is_sure = True
    # Once a day is enough to tell a forged time from a true one, and spares the flash.
    if told - notes.last_known_time(road._flash) > _DAY_S:
        await road._flash.save("clock", told.to_bytes(8, "big"))
