"""The chip itself: why it started, restart, watchdog, button, identity, heap.

A module of functions with no state of its own but the chip's.
"""

import binascii
import gc
import sys
import time

import esp32
import machine
from micropython import const

_BUTTON_SAMPLES = const(5)
_BUTTON_GAP_MS = const(5)
_NEVER_MS = const(86400000)  # a watchdog cannot be stopped, but it can be told to wait for a day
_LONGEST_SLEEP_MS = const(2147483647)  # 24 days: the port takes an i32

_uptime = [time.ticks_ms(), 0]  # ticks when last looked at, milliseconds until then
_nvs = []  # opened once: the port never closes one, and each takes some of ESP-IDF's heap for good


# Starts


def start_record():
    """How often and why the chip started: the module `starts`, in memory for as long as somebody works with it."""
    import starts

    del sys.modules["starts"]
    return starts


def storage():
    """The namespace in NVS that is ours. Raises OSError."""
    if not _nvs:
        _nvs.append(esp32.NVS("awsesp"))
    return _nvs[0]


# Restart and watchdog


def reset_cause():
    """Why the chip started: "power_on" "hard" "watchdog" "deep_sleep" "soft" "unknown".

    "hard" is `reset()`, the EN pin and a panic alike (modmachine.c): only the record of starts tells them apart.
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
    """Sleep, then start anew; never returns. Clock and RTC memory survive it. At most 24 days; a time that is over
    already, which the port would take for eternity, is a moment."""
    machine.deepsleep(int(min(max(seconds * 1000, 1), _LONGEST_SLEEP_MS)))


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
