"""What it means for later starts that the cloud was reached, or was not: `road` imports it when it has come to know.

`road` is the `Road` in all of this; what is kept is among the notes.
"""

import sys

from micropython import const

import errors
import events
import notes

_DAY_S = const(86400)
_MILLISECONDS = const(100000000000)  # as seconds this were the year 5138
_MOST_WINDOWS = const(13)  # 10 s, doubled so often, are nearly a day
_FOR_TLS = const(40960)  # with less, not connected, it will be in vain, whatever it says
_CROWDED = const(3)  # connections without memory until the heap shall begin anew; twice as many after each such start
_MOST_ANEW = const(6)


def begin(road):
    """Go on from where the last start ended; True."""
    kept, cause = notes.read(road._flash), road._board.reset_cause()
    if cause != "power_on":  # else somebody may be there, and wait for the window
        road._windows = kept.get("windows", 0)
    if cause == "deep_sleep":
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
    road._reached_ms -= road._offline_s * 1000  # now that this start, too, has looked for it in vain
    road._offline_s = 0
    road._failure = errors.DeviceError(code, event.data["message"])
    # The device may have been carried to another place, so Wi-Fi that is not there is somebody's affair.
    is_wifi = event.name == events.WIFI_DISCONNECTED
    road._passes = not is_wifi and isinstance(errors.error(code), errors.RetryError)
    if code in ("server_cert_expired", "server_cert_not_yet_valid"):
        road._wifi.doubt_clock(notes.last_known_time(road._flash))
    if road._is_known and (code == "no_memory" or road._board.heap()["idf_free"] < _FOR_TLS):
        await _begin_anew(road)
    if await road._identity.refused(code):
        road._system.leave("restart_requested", "the cloud refused the new certificate")


async def give_up(road, patience_s, trial):
    """It was not reached for so long: what was on trial is taken back, or CONFIG opens. Errors as of `note`."""
    failure = road._failure or errors.error("not_reached", patience_s)
    if trial and await _take_back(road, failure):
        return
    last = {"code": failure.code, "message": failure.message}
    windows = None if trial else min(road._windows + 1, _MOST_WINDOWS)
    await notes.change(road._flash, into="CONFIG", last=last, windows=windows, offline=None)
    road._system.leave("candidate_refused" if trial else "cloud_unreached", "%s" % failure)


async def _take_back(road, failure):
    import tryout

    del sys.modules["tryout"]
    return await tryout.take_back(road._system, failure)


async def rest(road, seconds):
    """As `Road.rest`, where it was looked for in vain."""
    offline_s = (road._board.uptime_ms() - road._reached_ms) // 1000 + int(seconds)
    try:
        await notes.change(road._flash, offline=min(offline_s, _DAY_S))
    except errors.StorageError:
        pass  # then CONFIG opens later


async def _begin_anew(road):
    """Python's heap does not give back what it has once taken of TLS's memory: only a new start does."""
    road._crowded += 1
    starts = notes.read(road._flash).get("anew", 0)
    if road._crowded >= _CROWDED << starts:
        if not road._aws.connections:  # since the start: it is not the application that has taken it
            road._board.leave_more_to_network()
        await notes.change(road._flash, anew=min(starts + 1, _MOST_ANEW))
        road._system.leave("restart_requested", "there is no memory for TLS: the heap begins anew")


async def make_room(road):
    """There was no memory to become a thing: the next start does it before the application. Errors as of `note`."""
    if not road._system.alone:
        await notes.change(road._flash, alone=True)
        road._system.leave("restart_requested", "there is no memory to enrol beside the application")


async def keep_time(road):
    """Keep the time that the cloud has told. Errors as of `note`."""
    # That of the cloud, whose certificate was verified, and no other: a false one that was kept could never be
    # corrected, and a certificate does not tell a time that is weeks ahead from a true one. Nor is one that is
    # later than what the certificate was judged by: beyond its dates the next would be refused, and no way lead back.
    jobs, wifi = road._aws.jobs, road._wifi
    told, jobs.time = jobs.time, None
    if told > _MILLISECONDS:
        told //= 1000  # AWS's documentation says seconds, and shows milliseconds
    try:
        if abs(wifi.now() - told) > _DAY_S:
            wifi.keep_time(told, told - _DAY_S, "cloud")
    except errors.PersonError:
        return  # no time of today
    judged = road._judged_s + road._board.uptime_ms() // 1000
    # Once a day is enough to tell a forged time from a true one, and spares the flash.
    if told - judged <= _DAY_S and told - notes.last_known_time(road._flash) > _DAY_S:
        await road._flash.save("clock", told.to_bytes(8, "big"))
