"""The codes of the BLE protocol, and what is answered with them.

    raise codes.refuse(codes.INVALID, "the id must be a number")

Their sentences, and which code an error of the device has for the phone, are in code_table.py, which is in memory only
while one is looked up.
"""

import sys

import errors

OK = 0
IN_PROGRESS = 1
DONE = 2
NOT_AUTHENTICATED = 3
TIMEOUT = 4
MISSING_FIELD = 5
WRONG_PASSWORD = 6
INVALID = 8
NO_ADDRESS = 9
BAD_CRC = 10
BUSY = 11
FAILED = 12
TOO_LARGE = 13
NOT_JSON = 99


class Refusal(errors.PersonError):
    """A message that is answered with the code `number`; `pkt` and `id` are the message's own, None if not known."""

    def __init__(self, number, name, message, pkt=None, message_id=None):
        super().__init__(name, message)
        self.number = number
        self.pkt = pkt
        self.id = message_id


def refuse(number, detail=None, pkt=None, message_id=None):
    """The `Refusal` with the code's sentence, `detail` (what exactly was wrong) in it. Raise what it returns."""
    name, text = _look("find", number) or ("failed", "The device has no memory left for a reason.")
    return Refusal(number, name, "%s (%s)." % (text[:-1], detail) if detail else text, pkt, message_id)


def sentence(number):
    """What the code says, in words for the person with the phone; empty for an application's own, or without memory."""
    return (_look("find", number) or ("", ""))[1]


def number_of(error):
    """The code for an `errors.DeviceError`; 12 for those that need no code of their own."""
    if isinstance(error, Refusal):
        return error.number
    return _look("of_error", error.code) or FAILED


def unload(*names):
    """Unload files of this package, as far as they are loaded."""
    package = sys.modules["ble"]
    for name in names:
        sys.modules.pop("ble." + name, None)
        if hasattr(package, name):  # not when memory ended while it was read
            delattr(package, name)


def _look(how, what):
    try:
        from ble import code_table

        return getattr(code_table, how)(what)
    except MemoryError:
        return None
    finally:
        unload("code_table")
