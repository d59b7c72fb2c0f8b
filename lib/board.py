"""The chip itself: why it started, restart, watchdog, button, identity, heap.

A module of functions with no state of its own but the chip's. Those that are called once a start, or less, are in
board_seldom.py; they are called as if they were here: `board.reset_cause()`.
"""

import gc
import sys
import time

import esp32
import machine
from micropython import const

_NEVER_MS = const(86400000)  # a watchdog cannot be stopped, but it can be told to wait for a day

share = 0  # bytes of Python's heap, as heap_area.py has made it: what it grows by, the network lacks

_uptime = [time.ticks_ms(), 0]  # ticks when last looked at, milliseconds until then
_nvs = []  # opened once: the port never closes one, and each takes some of ESP-IDF's heap for good


def __getattr__(name):
    import board_seldom

    del sys.modules["board_seldom"]
    return getattr(board_seldom, name)


# Starts


def start_record():
    """How often and why the chip started: the module `starts`, unloaded when the caller drops it."""
    import starts

    del sys.modules["starts"]
    return starts


def storage():
    """The namespace in NVS that is ours. Raises OSError."""
    if not _nvs:
        _nvs.append(esp32.NVS("awsesp"))
    return _nvs[0]


# Restart and watchdog


def reset():
    """Restart at once; never returns. The clock survives it."""
    machine.reset()


def release_watchdog():
    """For somebody at the console: the watchdog, which cannot be stopped, waits for a day."""
    machine.WDT(timeout=_NEVER_MS).feed()


def rtc_memory(*data):
    """The 2048 bytes that outlive a restart and the watchdog, not a power cut: read, or replaced by `data`."""
    return machine.RTC().memory(*data)


# What is there


def heap():
    """Bytes: gc_free and gc_allocated of Python's heap; idf_free and idf_largest (one block) of ESP-IDF's.

    TLS lives in ESP-IDF's. gc_free counts some of that, too: the port lets Python's heap grow into it.
    """
    largest, free = network_memory()
    return {"gc_free": gc.mem_free(), "gc_allocated": gc.mem_alloc(), "idf_free": free, "idf_largest": largest}


def network_memory():
    """(bytes of the largest block, bytes of all) that are free in ESP-IDF's memory."""
    free = largest = 0
    for area in esp32.idf_heap_info(esp32.HEAP_DATA):
        free += area[1]
        largest = max(largest, area[2])
    return largest, free


def make_room():
    """Some KB more for Python's heap while something is at work; returns what keeps them, or None (heap_area.py)."""
    # Here and not in board_seldom, which takes 2 KB: where there are none Python's heap grows for it by all there is.
    import heap_area

    del sys.modules["heap_area"]
    return heap_area.make_room()


def uptime_ms():
    """Milliseconds since boot.py first imported this module. Right for ever when asked at least every 6 days."""
    now = time.ticks_ms()
    _uptime[1] += time.ticks_diff(now, _uptime[0])
    _uptime[0] = now
    return _uptime[1]
