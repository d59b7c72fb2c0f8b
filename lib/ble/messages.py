"""The JSON layer: what the phone says, checked by parsing.py, and what the device answers.

    phone   {"typ": T, "id": u32, "dat": {...}}
    device  {"typ": "ACK", "id": n, "dat": {"pkt": T, "code": c, "msg": "...", ...}}

Only the shape is checked here. What a setting may be is `settings`' business, what it does is `system`'s.
"""

import json
import sys

from ble import codes


class Message:
    """What the phone asks for: `typ` (one of the specification), `id` and `dat` (dict)."""

    __slots__ = ("dat", "id", "typ")

    def __init__(self, typ, message_id, dat):
        self.typ = typ
        self.id = message_id
        self.dat = dat


def parse(data):
    """The `Message` in `data` (bytes or memoryview). Raises Refusal 99, 5, 8 or 13 with what is known of typ and id."""
    try:
        from ble import parsing

        return Message(*parsing.parse(data))
    finally:
        codes.forget("parsing")  # what is asked for has use for its memory
        sys.modules.pop("nesting", None)


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
