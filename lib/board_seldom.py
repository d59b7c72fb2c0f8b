"""Functions of `board` that are called once a start, or less: reset cause, watchdog, button, identity, deep sleep.

Called by way of `board`, as `board.reset_cause()`, which loads this file for the moment.
"""

import binascii
import gc
import time

import machine
from micropython import const

_BUTTON_SAMPLES = const(5)
_BUTTON_GAP_MS = const(5)
_NETWORK_STEP = const(4096)
_NETWORK_MOST = const(16384)
_GROWN = const(10240)  # more than what `make_room` adds
_LONGEST_SLEEP_MS = const(2147483647)  # 24 days: the port takes an i32


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


def deep_sleep(seconds):
    """Sleep, then start anew; never returns. Clock and RTC memory survive it. At most 24 days; 0 or less, which the
    port would take for ever, becomes a moment."""
    machine.deepsleep(int(min(max(seconds * 1000, 1), _LONGEST_SLEEP_MS)))


def Watchdog(timeout_ms):  # noqa: N802 - what it makes is the port's own: a class around it would only cost memory
    """Resets the chip when its `feed()` is not called for `timeout_ms`; a new one replaces the time of the last."""
    return machine.WDT(timeout=timeout_ms)


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


def python_heap():
    """Bytes of Python's heap, all its areas."""
    import board

    gc.collect()
    heap = board.heap()
    return heap["gc_allocated"] + heap["gc_free"] - heap["idf_largest"]  # gc_free counts the area that could be added


def leave_more_to_network():
    """Python's heap took too much for the network of this build: at the next starts it takes less (heap_area.py).

    Not where it has grown since the start: with less of its own it would grow even sooner.
    """
    import board

    if python_heap() - board.share > _GROWN:
        return
    try:
        nvs = board.storage()
        try:
            more = nvs.get_i32("network")
        except OSError:  # it was never asked for
            more = 0
        if more < _NETWORK_MOST:
            nvs.set_i32("network", more + _NETWORK_STEP)
            nvs.commit()
    except OSError:
        pass  # then it stays as it is
