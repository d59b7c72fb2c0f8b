"""INIT: opens flash, loads the settings, and decides what the device does next.

The system imports it for the seconds of a start. A layer of the settings that is broken is left out: tried are the
candidate, then the confirmed settings, then the settings file alone; and if the file is broken, or the flash does not
give it, all of that without it. A candidate with which too many starts in a row did not last is left out, too.
"""

import gc
import sys
import time

from micropython import const

import errors
import notes
import release
from identity import Identity

_FIRST_WATCHDOG_MS = const(60000)
_STARVED_STARTS = const(2)  # then it is the candidate that takes too much
_TO_ENROL = const(57344)  # bytes of Python's heap, for enrolment and application together
# Of Python's heap and what may come to it: 112 KB at work, and Wi-Fi's and TLS's. An ESP32 without PSRAM has 164 KB.
_FOR_LONG_NAMES = const(175000)
_INTO_WIFI = ("ready", "crash_loop", "update_accepted")
_FOR_UPDATE = ("update_accepted", "trial_failed")  # what a start without the application can do
_UPDATE = "update: "  # so begin the reasons of restarts after which boot.py brings an update
_BEFORE_APPLICATION = _UPDATE + "before the application"
_OF_SETTINGS = ("settings", "candidate", "tryout", "operations", "operations.wanted", "operations.new_settings")


async def start(system):
    """The event of the table that leads out of INIT. Raises `flash_failed`, without which the device is of no use."""
    board, flash = system.board, system.flash
    system.watchdog = board.Watchdog(_FIRST_WATCHDOG_MS)
    print("awsesp %s %s" % (release.VERSION, board.unique_id()))
    await flash.start()
    for warning in flash.warnings:
        print("flash: %s" % warning)
    system.restart_reason = board.start_record().clean_reason()
    try:
        await _load_settings(system)
        if flash.load("wanted") is not None:
            from operations import wanted

            if await _unless_flash_fails(wanted.apply(system)):
                await _load_settings(system)
    finally:
        for name in _OF_SETTINGS:
            sys.modules.pop(name, None)
    settings = system.settings
    _open_log(system)
    for warning in settings.warnings:
        print("settings: %s" % warning)
    system.name = "%s-%s" % (settings.prefix, board.unique_id()[6:])
    settings.hostname = settings.hostname or system.name
    system.watchdog = board.Watchdog(settings.timeouts.watchdog_s * 1000)
    event = await _decide(system)
    if system.application is None and event not in _FOR_UPDATE:
        system.reason, event = "no update now", "application_wanted"
    unfit = _unfit_form(board)
    if unfit and event in _INTO_WIFI:
        raise unfit
    if unfit:
        print("awsesp: %s" % unfit)
    return event


def _unfit_form(board):
    """What is wrong with code in a form that leaves nothing to Wi-Fi: a panic of ESP-IDF would end each start."""
    heap = board.heap()
    if heap["gc_free"] + heap["gc_allocated"] >= _FOR_LONG_NAMES:
        return None
    if __file__[:1] == "/" and __file__[-3:] == ".py":  # what is frozen into an image has no slash
        return errors.error("unfit_form", "as sources")
    if __file__[:5] == "/lib/" and _unfit_form.__name__[-4:] == "form":  # make flash makes the name shorter
        return errors.error("unfit_form", "compiled with its long names")
    return None


def _open_log(system):
    size = system.settings.limits.log
    if not size:
        return
    from log import Log

    board = system.board
    system.console.log = log = Log(board.rtc_memory, size)
    now = "%d-%02d-%02d %02d:%02d:%02d" % time.gmtime()[:6]
    row = board.start_record().in_a_row()
    log.add("-- %s, start %d, %s (%s)" % (now, row, board.reset_cause(), system.restart_reason))


# Settings


async def _load_settings(system):
    for file_is_good in (True, False):
        system.file_is_good = file_is_good
        for name in ("candidate", "settings", None):
            record = _record(system, name) if name else None
            if name and record is None:
                continue
            try:
                system.settings = (_load_candidate if name == "candidate" else _load)(system, record)
            except (errors.PersonError, errors.StorageError, MemoryError) as problem:
                failure = _judged(system, name, problem)
                print("settings: %s left out: %s" % (name or "the file is", failure))
                system.failure = system.failure or failure
                continue
            if name != "candidate" and _record(system, "candidate") is not None:
                await _unless_flash_fails(_drop_candidate(system))
            return


def _judged(system, name, problem):
    """Why settings are left out. For want of memory only new ones are, and not at once: the next start may have more.
    Without those that worked the device would wait in CONFIG for somebody."""
    if not isinstance(problem, MemoryError):
        return problem
    details = name or "settings.json", "too large for the memory of this chip", "fewer or smaller certificates"
    failure = errors.error("invalid_setting", *details)
    if name == "candidate" and system.board.start_record().in_a_row() > _STARVED_STARTS:
        return failure
    print("settings: %s" % failure)
    raise problem


def _record(system, name):
    try:
        return system.flash.load(name)
    except errors.StorageError as failure:  # both copies are damaged: a phone can give it again
        print("settings: %s left out: %s" % (name, failure))
        return None


def _load(system, record):
    import settings

    loaded = settings.load(system.flash.settings_file() if system.file_is_good else None, record)
    system.identity = Identity(system.flash, loaded)
    return loaded


def _load_candidate(system, record):
    import candidate

    fresh = candidate.brings(record)
    loaded = candidate.load(system, record, fresh)
    _judge_starts(system, loaded.limits.starts)
    system.identity = Identity(system.flash, loaded, fresh or "none")
    missing = loaded.missing(system.identity.known())
    if missing:
        raise errors.error("settings_missing", ", ".join(missing))
    return loaded


def _judge_starts(system, most):
    """Raises `invalid_setting` when more starts in a row than `most` did not last: recovery would reach the cloud with
    these settings, and confirm what the application cannot work with. Without better ones that is the only way left."""
    import candidate

    starts = system.board.start_record().in_a_row() - 1
    if starts >= most and candidate.has_better(system):
        found = "%d starts in a row did not last with them" % starts
        raise errors.error("invalid_setting", "the new settings", found, "those with which the application runs")


async def _drop_candidate(system):
    """The job that brought it tells why; a person is told in CONFIG, which opens where starts had failed."""
    import candidate

    starts = system.board.start_record()
    why = {"code": system.failure.code, "message": system.failure.message}
    changes = {"last": why}
    if notes.read(system.flash).get("trial") == "job":
        changes["refused"] = why
    elif starts.in_a_row() > 1:
        changes["into"] = "CONFIG"
    await notes.change(system.flash, **changes)
    await candidate.drop(system.flash)
    starts.begin_row()  # those before were the candidate's: the settings that worked have their own


# What next


async def _decide(system):
    kept = notes.read(system.flash)
    is_update_wanted = await _unless_flash_fails(_settle_update(system))
    missing = system.settings.missing(system.identity.known())
    if missing:
        system.failure = system.failure or errors.error("settings_missing", ", ".join(missing))
        await _unless_flash_fails(notes.change(system.flash, into=None))
        if "reset" in kept:  # the power has cut it short; what else would end it is done in NORMAL
            await _unless_flash_fails(_end_reset(system, kept["reset"]))
        if system.trial:  # the version before had all that it needs
            system.reason = system.failure.message
            await _unless_flash_fails(_fail_trial(system))
            return "trial_failed"
        return "settings_incomplete"
    system.failure = None
    # Before an update: when the Wi-Fi has changed, no update can be downloaded, and CONFIG must be within reach.
    if kept.get("into") == "CONFIG" or _is_button_held(system):
        into = None if system.application else "CONFIG"  # it is not opened by this start: see `start`
        await _unless_flash_fails(notes.change(system.flash, into=into))
        return "config_requested"
    if is_update_wanted and system.identity.known() and not system.identity.trial and not system.identity.rotating:
        # Settings and credentials on trial are proven in NORMAL first: it downloads with them.
        return _begin_update(system)
    row = system.board.start_record().in_a_row()
    if row > system.settings.limits.starts:
        system.reason = "%d starts in a row did not last: without the application, until one does" % (row - 1)
        return "crash_loop"
    system.enrol_first = not system.identity.known() and (bool(kept.get("enrol_first")) or _is_crowded(system.board))
    return "ready"


def _begin_update(system):
    """In the application's memory: boot.py does it, in a start of its own, unless that boot.py is an older one."""
    if system.application is None or (system.restart_reason or "").startswith(_UPDATE):
        return "update_accepted"
    system.reason = _BEFORE_APPLICATION
    return "update_delayed"


def _is_crowded(board):
    """Whether there is too little heap to enrol beside the application. Else `road_outcome` notices when it fails."""
    gc.collect()
    heap = board.heap()
    return heap["gc_free"] - heap["idf_largest"] < _TO_ENROL  # it includes what Python may yet take of TLS's memory


async def _unless_flash_fails(step):
    """Await `step`. A full flash must not keep the device from the cloud: from there somebody can make room."""
    try:
        return await step
    except errors.StorageError as failure:
        print("flash: %s" % failure)
        return None


async def _settle_update(system):
    if system.slot is None or (system.flash.load("update") is None and not system.slot().is_on_trial()):
        return False
    try:
        import updates

        return await updates.Updates(system.flash).settle(system)
    finally:
        sys.modules.pop("updates", None)


async def _end_reset(system, what):
    try:
        import resetting

        await resetting.erase(system, what)
    finally:
        for name in ("resetting",) + _OF_SETTINGS:
            sys.modules.pop(name, None)


async def _fail_trial(system):
    import trial

    await trial.fail(system, system.failure.message)


def _is_button_held(system):
    button = system.settings.pins.button
    # A stuck button must not keep the device from its work: after a CONFIG to which nobody came it does not count, and
    # not in the start that then brings an update.
    has_waited = system.restart_reason in (system.NOBODY_CAME, _BEFORE_APPLICATION)
    return button is not None and not has_waited and system.board.button_held(button)
