"""The JSON layer: what the phone says, checked, and what the device answers.

    phone   {"typ": T, "id": u32, "dat": {...}}
    device  {"typ": "ACK", "id": n, "dat": {"pkt": T, "code": c, "msg": "...", ...}}

Only the shape is checked here. What a setting may be is `settings`' business, what it does is `system`'s.
"""

import binascii
import json

import nesting
from ble import codes

_LARGEST_ID = 0xFFFFFFFF
_PUBLIC_KEY = 32
_WHITE_SPACE = b" \t\r\n"
_CLOSING_BRACE = 0x7D
_LONGEST_TYP = 16  # letters; an answer repeats no more of what it was sent

# Type of message -> fields that must be there: name, type, allowed values or None.
_REQUIRED = {
    "HELLO": (("pub", str, None),),
    "CFG": (),
    "CERT": (("role", str, ("thing", "claim", "ca")), ("cert", str, None)),
    "SCAN": (),
    "STS": (),
    "TIME": (("time", int, None),),
    "APPLY": (),
    "RESET": (("what", str, ("settings", "all")),),
    "RST": (),
    "APP": (),
}
_CFG_FIELDS = {"networks": list, "aws": dict, "app": dict}  # each may be left out, or null
_KINDS = {str: "a text", int: "a whole number", dict: "an object", list: "a list"}


class Message:
    """What the phone asks for: `typ` (one of the specification), `id` and `dat` (dict)."""

    __slots__ = ("dat", "id", "typ")

    def __init__(self, typ, message_id, dat):
        self.typ = typ
        self.id = message_id
        self.dat = dat


def parse(data):
    """The `Message` in `data` (bytes or memoryview). Raises Refusal 99, 5, 8 or 13 with what is known of typ and id."""
    document = _read(data)
    if type(document) is not dict or not _is_closed(data):
        raise codes.refuse(codes.NOT_JSON, "it is not a whole object")
    typ, message_id = document.get("typ"), document.get("id")
    known_typ = typ if type(typ) is str and len(typ) <= _LONGEST_TYP else None
    known_id = message_id if _is_id(message_id) else None
    try:
        _check_envelope(document, known_typ, known_id)
        _check_fields(typ, document["dat"])
    except codes.Refusal as refusal:
        refusal.pkt, refusal.id = known_typ, known_id
        raise
    return Message(typ, message_id, document["dat"])


def public_key(message):
    """The 32 bytes of a HELLO's "pub". Raises Refusal 8."""
    try:
        key = binascii.unhexlify(message.dat["pub"])
    except ValueError:
        key = b""
    if len(key) != _PUBLIC_KEY:
        raise codes.refuse(codes.INVALID, "pub must be 64 hexadecimal digits", message.typ, message.id)
    return key


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


def hello_ack(message_id, public, confirm):
    """The ACK of HELLO, with the device's public key and its proof that it knows the setup code (bytes both)."""
    details = {"pub": binascii.hexlify(public).decode(), "confirm": binascii.hexlify(confirm).decode()}
    return ack("HELLO", message_id, codes.OK, None, details)


def _read(data):
    try:
        document = _loads(data)
        is_deep = nesting.too_deep(document)
    except MemoryError:
        raise codes.refuse(codes.TOO_LARGE)
    except (ValueError, TypeError, RuntimeError):
        # MicroPython says TypeError for a list as a key, CPython RuntimeError for nesting without end.
        raise codes.refuse(codes.NOT_JSON)
    if is_deep:
        raise codes.refuse(codes.TOO_LARGE, "nested more than %d deep" % nesting.DEEPEST)
    return document


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


def _is_id(value):
    return type(value) is int and 0 <= value <= _LARGEST_ID


def _check_envelope(document, typ, message_id):
    for field in ("typ", "id", "dat"):
        if field not in document:
            raise codes.refuse(codes.MISSING_FIELD, field)
    if message_id is None:
        raise codes.refuse(codes.INVALID, "id must be a whole number from 0 to 4294967295")
    if typ not in _REQUIRED:
        raise codes.refuse(codes.INVALID, "typ must be one of %s" % ", ".join(sorted(_REQUIRED)))
    if type(document["dat"]) is not dict:
        raise codes.refuse(codes.INVALID, "dat must be an object")


def _check_fields(typ, dat):
    for field, kind, allowed in _REQUIRED[typ]:
        _check_field(dat, field, kind, allowed)
    if typ == "CERT":
        _check_key(dat)
    elif typ == "CFG":
        _check_configuration(dat)


def _check_field(dat, field, kind, allowed=None):
    value = dat.get(field)
    if value is None:
        raise codes.refuse(codes.MISSING_FIELD, field)
    if type(value) is not kind:
        raise codes.refuse(codes.INVALID, "%s must be %s" % (field, _KINDS[kind]))
    if allowed and value not in allowed:
        raise codes.refuse(codes.INVALID, "%s must be one of %s" % (field, ", ".join(allowed)))


def _check_key(dat):
    if dat["role"] != "ca":
        _check_field(dat, "key", str)
    elif dat.get("key") is not None:
        raise codes.refuse(codes.INVALID, "a ca has no key: keep it secret")


def _check_configuration(dat):
    for field, value in dat.items():
        if field not in _CFG_FIELDS:
            raise codes.refuse(codes.INVALID, "allowed are %s" % ", ".join(sorted(_CFG_FIELDS)))
        if value is not None:
            _check_field(dat, field, _CFG_FIELDS[field])
