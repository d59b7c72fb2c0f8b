"""Checks the shape of a phone's message, its JSON read. Loaded for one."""

import nesting
from ble import codes

_LARGEST_ID = 0xFFFFFFFF
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


def checked(document):
    """(typ, id, dat) of the message that is the JSON object `document`: see `messages.parse`."""
    if nesting.too_deep(document):
        raise codes.refuse(codes.TOO_LARGE, "nested more than %d deep" % nesting.DEEPEST)
    typ, message_id = document.get("typ"), document.get("id")
    known_typ = typ if type(typ) is str and len(typ) <= _LONGEST_TYP else None
    known_id = message_id if _is_id(message_id) else None
    try:
        _check_envelope(document, known_typ, known_id)
        _check_fields(typ, document["dat"])
    except codes.Refusal as refusal:
        refusal.pkt, refusal.id = known_typ, known_id
        raise
    return typ, message_id, document["dat"]


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
    for place, network in enumerate(dat.get("networks") or ()):
        if type(network) is dict and "ssid" not in network:
            raise codes.refuse(codes.MISSING_FIELD, "networks[%d].ssid" % place)
