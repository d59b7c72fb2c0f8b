"""Further areas of Python's heap, made no larger than what Wi-Fi and TLS leave of the chip's memory.

Python and ESP-IDF live in one memory. When Python's first area is full (56 KB on an ESP32), the port adds one as large
as that, or the largest block there is if that is less (py/gc.c, gc_try_add_heap): without PSRAM 35 KB remain for TLS,
whose handshake takes 34 to 43 KB, and for the network stack, which then cannot receive: the handshake waits in vain. So
the second area is made early, while a thread's stack holds what ESP-IDF will need. So is a small third one, for work
that comes now and then: the port's own would be the largest block there is. Loaded for these moments.
"""

import _thread
import gc
import sys
import time

from micropython import const

import board

# Measured on an ESP32: Wi-Fi with an address takes 40 KB in MicroPython 1.24, 48 KB in 1.25; a handshake with AWS's
# chain of four RSA certificates 43 KB, of which 40 KB stay; and with less than 5 KB nothing is received.
_FOR_NETWORK = const(92160)
_SINCE_1_25 = const(6144)
_LEAST = const(24576)  # with less no device works anyway
_ROOM = const(8192)  # what a job takes beside an application
_LITTLE_ROOM = const(4096)  # beside four certificates, as AWS has them, a job works with it, and without it does not
_LEAST_ROOM = const(2816)
_FOR_RECEIVING = const(13312)  # and for sending 3 KB: with 10 KB that once held what the answer wanted
_LEAST_FOR_RECEIVING = const(9728)
_MOST_PIECES = const(16)
_LEAST_STACK = const(4096)  # the port makes none that is smaller
_THREAD = const(640)  # what a thread takes beside its stack
_MARGIN = const(4096)  # the tables of an area, and what a list is beside its items
_LITTLE_MARGIN = const(2304)  # the port adds no area with less than 2 KB more than what it is for
_WAIT_MS = const(10)
_TRIES = const(50)


def make():
    """Make it. Returns what keeps it there until other objects do: an empty area is given back; None: nothing to do."""
    keeper = _make()
    board.share = board.python_heap()
    return keeper


def _make():
    gc.collect()
    heap = board.heap()
    free, largest = heap["idf_free"], heap["idf_largest"]
    size = max(free - _FOR_NETWORK - _since_1_25() - _more(), _LEAST)
    first = heap["gc_allocated"] + heap["gc_free"] - largest  # gc_free counts the area that could be added
    if size >= min(first, largest):
        return None
    return _made(size, size - _MARGIN, free, largest)


def make_room():
    """Make a small one, once TLS has what it takes. Returns what keeps it there, as `make`; None: nothing to do."""
    gc.collect()
    heap = board.heap()
    free, largest = heap["idf_free"], heap["idf_largest"]
    size = max(free - _FOR_RECEIVING, min(_LITTLE_ROOM, free - _LEAST_FOR_RECEIVING))
    size = min(_ROOM, size, largest - _LEAST_STACK - _THREAD)
    if size < _LEAST_ROOM or heap["gc_free"] - largest >= 3 * _ROOM:
        return None
    return _made(size, size - _LITTLE_MARGIN, free, largest)


def _made(size, piece, free, largest):
    held = _hold(largest - size)
    if held is None:
        return None
    keeper = None
    try:
        keeper = _last_piece(piece // 4)
        keeper.clear()
        keeper.extend((None,) * 16)  # an area of which only the first block is used counts as empty
    except MemoryError:
        pass
    finally:  # whatever interrupts it
        _release(held, free - size)
    return keeper


def _last_piece(items):
    """A list in the new area: others fill what there is in the old ones before that."""
    piece = [None] * items
    pieces = []
    try:
        for _ in range(_MOST_PIECES):
            pieces.append(piece)
            piece = [None] * items
    except MemoryError:
        pass
    return piece


def _more():
    try:
        return board.storage().get_i32("network")  # see board.leave_more_to_network
    except OSError:
        return 0


def _since_1_25():
    return _SINCE_1_25 if sys.implementation[1][:2] >= (1, 25) else 0


def _hold(size):
    """Take `size` bytes of ESP-IDF's memory; what `_release` takes, or None."""
    held = _thread.allocate_lock()
    held.acquire()
    try:
        _thread.stack_size(size - _THREAD)
        _thread.start_new_thread(held.acquire, ())
    except (OSError, RuntimeError, ValueError, MemoryError):
        return None
    finally:
        _thread.stack_size(0)
    return held


def _release(held, free):
    """End the thread; the port gives its stack back a moment later, at the latest when `free` bytes are there."""
    held.release()
    for _ in range(_TRIES):
        time.sleep_ms(_WAIT_MS)
        if board.heap()["idf_free"] >= free - _MARGIN:
            return
