"""The JSON layer: what the phone says, its shape checked by parsing.py, and what the device answers.

    phone   {"typ": T, "id": u32, "dat": {...}}
    device  {"typ": "ACK", "id": n, "dat": {"pkt": T, "code": c, "msg": "...", ...}}

Only the shape is checked. What a setting may be is `settings`' business, what it does is `system`'s.
"""

import json
import sys

from ble import codes

_WHITE_SPACE = b" \t\r\n"
_CLOSING_BRACE = 0x7D


class Message:
    """What the phone asks for: `typ` (one of the specification), `id` and `dat` (dict)."""

    __slots__ = ("dat", "id", "typ")

    def __init__(self, typ, message_id, dat):
        self.typ = typ
        self.id = message_id
        self.dat = dat


def parse(data):
    """The `Message` in `data` (bytes or memoryview). Raises Refusal 99, 5, 8 or 13 with what is known of typ and id."""
    document = _read(data)  # first: there may be no room for it once parsing.py is loaded
    if type(document) is not dict or not _is_closed(data):
        raise codes.refuse(codes.NOT_JSON, "it is not a whole object")
    try:
        from ble import parsing

        return Message(*parsing.checked(document))
    except MemoryError:
        raise codes.refuse(codes.TOO_LARGE)
    finally:
        codes.unload("parsing")  # the work needs the memory
        sys.modules.pop("nesting", None)


def _read(data):
    try:
        return _loads(data)
    except MemoryError:
        raise codes.refuse(codes.TOO_LARGE)
    except (ValueError, TypeError, RuntimeError):
        # MicroPython says TypeError for a list as a key, CPython RuntimeError for nesting without end.
        raise codes.refuse(codes.NOT_JSON)


def _loads(data):
    try:
        return json.loads(data)  # MicroPython reads any buffer: no second copy of 6 KB
    except TypeError:
        return json.loads(bytes(data))


def _is_closed(data):
    # MicroPython 1.24 reads objects that never end: "{" is {} there.
    end = len(data) - 1
    while data[end] in _WHITE_SPACE:
        end -= 1
    return data[end] == _CLOSING_BRACE


def ack(pkt, message_id, number, sentence=None, details=None):
    """The ACK as UTF-8 JSON (bytes). `sentence` replaces the code's own, `details` (dict) join it in dat."""
    dat = {"pkt": pkt, "code": number, "msg": sentence or codes.sentence(number)}
    dat.update(details or {})
    return json.dumps({"typ": "ACK", "id": message_id, "dat": dat}, separators=(",", ":")).encode()


def ack_of_error(error, pkt=None, message_id=None, details=None):
    """The ACK that reports an `errors.DeviceError`; a `Refusal` brings its own pkt and id."""
    if isinstance(error, codes.Refusal):
        pkt = error.pkt if error.pkt is not None else pkt
        message_id = error.id if error.id is not None else message_id
    return ack(pkt, message_id, codes.number_of(error), error.message, details)
