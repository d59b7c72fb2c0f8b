"""Why and how often the chip started. Two records count it, in NVS "awsesp":

    starts (i32)   number of this start << 8 | starts in a row that did not last
    clean (blob)   number of the start that ended as wanted (u32), then the reason in UTF-8, at most 64 bytes

`clean` is believed only when its number is the one just before this start. So it needs no erasing, every step is ONE
flash write, and a power cut between any two of them leaves a state that is right. Counting never makes the device
fail: where the flash refuses, it says 0 starts ("unknown"), and the caller goes on.

It is used at starts and ends, and in memory no longer: `board.start_record()` brings it.
"""

import struct

from micropython import const

import board

_ROW_BITS = const(8)
_ROW_MAX = const(255)
_NUMBER_MASK = const(0x7FFFFF)  # i32 without its sign, without the row
_REASON_LIMIT = const(64)
_HEADER = const(4)


def count():
    """One more start on record; returns how many in a row did not last, this one included. 0: the flash refuses.

    Called once, by boot.py. A soft reset is not counted: only a person at the console makes one (mpremote does before
    each command, and runs boot.py but not main.py), and five of them are no crash loop. Neither does a wake-up from
    deep sleep belong to a row: the device went there by itself.
    """
    number, row = _read()
    cause = board.reset_cause()
    if cause == "soft":
        return max(row, 1)
    row = 1 if cause == "deep_sleep" or _clean_of(number) is not None else min(row + 1, _ROW_MAX)
    return row if _keep(number + 1, row) else 0


def in_a_row():
    """Starts in a row that did not end in a clean restart and never stayed up, this one included."""
    return _read()[1]


def number():
    """Which start this is, of all since the flash was new. 0: nobody counts."""
    return _read()[0]


def forgive():
    """This start was good: the row is 0. Writes only when it is not 0 already."""
    number, row = _read()
    if row and _keep(number, 0):
        print("starts: this one has lasted")


def begin_row():
    """This start is the first of a row: what ended those before is gone."""
    number, row = _read()
    if row > 1:
        _keep(number, 1)


def mark_clean(reason):
    """The next start follows a restart that was wanted. Keeps `reason` (str), cut to 64 bytes of UTF-8, as one line.

    Returns False when the flash refuses: the next start then counts as one after a crash.
    """
    reason = reason[:_REASON_LIMIT]
    while len(reason.encode()) > _REASON_LIMIT:
        reason = reason[:-1]
    text = bytes([byte if byte >= 0x20 else 0x3F for byte in reason.encode()])  # "?": it may quote a network's name
    return _write("set_blob", "clean", struct.pack("<I", _read()[0]) + text)


def clean_reason():
    """Why the restart before this start was wanted (str); None after a crash, a reset from outside, a power cut."""
    return _clean_of(_read()[0] - 1)


def last_clean_reason():
    """As `clean_reason`, of the last restart that was wanted, however many starts ago. "": there was none."""
    return _clean()[1]


def _read():
    # (number of this start, row); zeros without a record, or when it cannot be read.
    try:
        record = board.storage().get_i32("starts")
    except OSError:
        record = 0
    return record >> _ROW_BITS & _NUMBER_MASK, record & _ROW_MAX


def _keep(number, row):
    return _write("set_i32", "starts", (number & _NUMBER_MASK) << _ROW_BITS | row)


def _clean_of(number):
    # The reason of the clean end of this start, or None when it did not end so.
    found, reason = _clean()
    return reason if found == number & _NUMBER_MASK else None


def _clean():
    # (number of the start that ended as wanted, reason) as they are on record.
    record = bytearray(_HEADER + _REASON_LIMIT)
    try:
        size = board.storage().get_blob("clean", record)
        if size >= _HEADER:
            return struct.unpack_from("<I", record)[0], bytes(record[_HEADER:size]).decode()
    except (OSError, UnicodeError):  # missing, larger than we ever write, no text: not ours
        pass
    return None, ""


def _write(setter, key, value):
    try:
        nvs = board.storage()
        getattr(nvs, setter)(key, value)
        nvs.commit()
    except OSError as error:
        print("starts: NVS refused '%s': %s" % (key, error))
        return False
    return True
