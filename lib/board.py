"""The chip itself: why and how often it started, restart, watchdog, button, identity, heap.

A module of functions with no state of its own but the chip's. Two records count the starts, in NVS "awsesp":

    starts (i32)   number of this start << 8 | starts in a row that did not last
    clean (blob)   number of the start that ended as wanted (u32), then the reason in UTF-8, at most 64 bytes

`clean` is believed only when its number is the one just before this start. So it needs no erasing, every step is ONE
flash write, and a power cut between any two of them leaves a state that is right. Counting never makes the device
fail: where the flash refuses, it says 0 starts ("unknown"), and the caller goes on.
"""

import binascii
import gc
import struct
import time

import esp32
import machine
from micropython import const

_NAMESPACE = "awsesp"
_ROW_BITS = const(8)
_ROW_MAX = const(255)
_NUMBER_MASK = const(0x7FFFFF)  # i32 without its sign, without the row
_REASON_LIMIT = const(64)
_HEADER = const(4)

_BUTTON_SAMPLES = const(5)
_BUTTON_GAP_MS = const(5)
_NEVER_MS = const(86400000)  # a watchdog cannot be stopped, but it can be told to wait for a day

_uptime = [time.ticks_ms(), 0]  # ticks when last looked at, milliseconds until then


# Starts


def count_start():
    """One more start on record; returns how many in a row did not last, this one included. 0: the flash refuses.

    Called once, by boot.py. A soft reset is not counted: only a person at the console makes one (mpremote does before
    each command, and runs boot.py but not main.py), and five of them are no crash loop. A chip that wakes from deep
    sleep went there as it wanted.
    """
    number, row = _starts()
    cause = reset_cause()
    if cause == "soft":
        return max(row, 1)
    row = 1 if cause == "deep_sleep" or _clean_of(number) is not None else min(row + 1, _ROW_MAX)
    return row if _keep_starts(number + 1, row) else 0


def starts():
    """Starts in a row that did not end in a clean restart and never stayed up, this one included."""
    return _starts()[1]


def start_number():
    """Which start this is, of all since the flash was new. 0: nobody counts."""
    return _starts()[0]


def forgive_starts():
    """This start was good: the row is 0. Writes only when it is not 0 already."""
    number, row = _starts()
    if row:
        _keep_starts(number, 0)


def mark_clean(reason):
    """The next start follows a restart that was wanted. Keeps `reason` (str), cut to 64 bytes of UTF-8.

    Returns False when the flash refuses: the next start then counts as one after a crash.
    """
    reason = reason[:_REASON_LIMIT]
    while len(reason.encode()) > _REASON_LIMIT:
        reason = reason[:-1]
    return _write("set_blob", "clean", struct.pack("<I", _starts()[0]) + reason.encode())


def clean_reason():
    """Why the restart before this start was wanted (str); None after a crash, a reset from outside, a power cut."""
    return _clean_of(_starts()[0] - 1)


def _starts():
    # (number of this start, row); zeros without a record, or when it cannot be read.
    try:
        record = esp32.NVS(_NAMESPACE).get_i32("starts")
    except OSError:
        record = 0
    return record >> _ROW_BITS & _NUMBER_MASK, record & _ROW_MAX


def _keep_starts(number, row):
    return _write("set_i32", "starts", (number & _NUMBER_MASK) << _ROW_BITS | row)


def _clean_of(number):
    # The reason of the clean end of this start, or None when it did not end so.
    record = bytearray(_HEADER + _REASON_LIMIT)
    try:
        size = esp32.NVS(_NAMESPACE).get_blob("clean", record)
        if size < _HEADER or struct.unpack_from("<I", record)[0] != number & _NUMBER_MASK:
            return None
        return bytes(record[_HEADER:size]).decode()
    except (OSError, UnicodeError):  # missing, larger than we ever write, no text: not ours
        return None


def _write(setter, key, value):
    try:
        nvs = esp32.NVS(_NAMESPACE)
        getattr(nvs, setter)(key, value)
        nvs.commit()
    except OSError as error:
        print("board: NVS refused '%s': %s" % (key, error))
        return False
    return True


# Restart and watchdog


def reset_cause():
    """Why the chip started: "power_on" "hard" "watchdog" "deep_sleep" "soft" "unknown".

    "hard" is `reset()`, the EN pin and a panic alike (modmachine.c): only `clean_reason` tells them apart.
    """
    names = {
        machine.PWRON_RESET: "power_on",
        machine.HARD_RESET: "hard",
        machine.WDT_RESET: "watchdog",
        machine.DEEPSLEEP_RESET: "deep_sleep",
        machine.SOFT_RESET: "soft",
    }
    return names.get(machine.reset_cause(), "unknown")


def reset():
    """Restart at once; never returns. The clock survives it."""
    machine.reset()


def deep_sleep(seconds):
    """Sleep, then start anew; never returns. Clock and RTC memory survive it."""
    machine.deepsleep(int(seconds * 1000))


def Watchdog(timeout_ms):  # noqa: N802 - what it makes is the port's own: a class around it would only cost memory
    """Resets the chip when its `feed()` is not called for `timeout_ms`; a new one replaces the time of the last."""
    return machine.WDT(timeout=timeout_ms)


def release_watchdog():
    """Somebody works at the console: the watchdog, which cannot be stopped, waits for a day."""
    machine.WDT(timeout=_NEVER_MS).feed()


def rtc_memory(*data):
    """The 2048 bytes that outlive a restart and the watchdog, not a power cut: read, or replaced by `data`."""
    return machine.RTC().memory(*data)


# What is there


def button_held(pin):
    """Whether the button between GPIO `pin` and ground is held. Looks for 20 ms, so that a bounce does not count."""
    try:
        button = machine.Pin(pin, machine.Pin.IN, machine.Pin.PULL_UP)
    except ValueError:
        print("board: this chip has no button pin %s (pins.button)" % pin)
        return False
    for _ in range(_BUTTON_SAMPLES):
        if button.value():
            return False
        time.sleep_ms(_BUTTON_GAP_MS)
    return True


def unique_id():
    """The base MAC as 12 lower-case hex digits: "0a1b2c3d4e5f"."""
    return binascii.hexlify(machine.unique_id()).decode()


def heap():
    """Bytes: gc_free and gc_allocated of Python's heap; idf_free and idf_largest (one block) of ESP-IDF's.

    TLS lives in ESP-IDF's. gc_free counts some of that, too: the port lets Python's heap grow into it.
    """
    free = largest = 0
    for area in esp32.idf_heap_info(esp32.HEAP_DATA):
        free += area[1]
        largest = max(largest, area[2])
    return {"gc_free": gc.mem_free(), "gc_allocated": gc.mem_alloc(), "idf_free": free, "idf_largest": largest}


def uptime_ms():
    """Milliseconds since boot.py first imported this module. Right for ever when asked at least every 6 days."""
    now = time.ticks_ms()
    _uptime[1] += time.ticks_diff(now, _uptime[0])
    _uptime[0] = now
    return _uptime[1]
