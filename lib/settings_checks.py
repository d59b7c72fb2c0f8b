"""What a setting may be: one check for each kind of number and text; those of settings_shapes.py stand here, too.

Every check takes the field's path ("networks[1].password") and its value, and returns the value or raises the error
`invalid_setting` with path, problem and what is allowed. Values of secrets never appear in an error.

Texts are looked through as bytes: each character that MicroPython takes out of a str it keeps for ever, as a name.
"""

from settings_shapes import (  # noqa: F401 - whoever checks finds all of them here
    FILE_ROLES,
    ROLES,
    ROOTS,
    invalid,
    is_whole,
    join,
    mapping,
    one_of,
    sequence,
    shown,
    warn_unknown,
)

FIELDS = ("schema", "hardware", "security", "prefix", "page", "hostname", "networks", "aws", "app", "certs", "servers",
          "jobs", "outbox", "health", "limits", "timeouts", "pins")  # fmt: skip
MAX_NETWORKS = 8
MAX_PARAMETERS = 16
MAX_NAME_SERVERS = 4
MAX_OPERATIONS = 16
HEALTH_TO = ("shadow", "defender")
# What the firmware does for a job unless the settings say otherwise: nothing that only a visit could repair.
OPERATIONS = ("restart", "diagnostics", "settings", "config", "rotate", "download", "ota")
SECURITIES = ("code", "open")
OUTBOXES = ("memory", "flash")
FULL = ("drop_oldest", "drop_newest", "refuse")

_DIGITS = b"0123456789"
_LETTERS = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
_ALNUM = _LETTERS + _DIGITS
_NOT_IN_TOPIC = b"#+\0"
_PASSWORD = "8 to 63 printable ASCII characters, 64 hexadecimal digits, or null for an open network"
_ENDPOINT = "a host name alone, as in abc123-ats.iot.eu-west-1.amazonaws.com, or an IPv4 address"
_HOST = "a host name of at most 253 characters, or an IPv4 address"


def whole(path, value, least, most):
    """A whole number within its limits."""
    if not is_whole(value) or not least <= value <= most:
        raise invalid(path, shown(value), "a whole number from %d to %d" % (least, most))
    return value


def whole_or_null(path, value, least, most):
    """A whole number within its limits, or None."""
    if value is None:
        return None
    if not is_whole(value) or not least <= value <= most:
        raise invalid(path, shown(value), "a whole number from %d to %d, or null" % (least, most))
    return value


def ssid(path, value):
    """The name of a Wi-Fi network: any characters, but no zero byte, on which ESP-IDF ends it."""
    value = _joined(value)
    size = _utf8_size(value)
    if size is None or not 1 <= size <= 32 or "\0" in value:
        problem = shown(value) if size is None or not size else "%d bytes in UTF-8" % size
        raise invalid(path, problem, "1 to 32 bytes of UTF-8, no zero byte")
    return value


def password(path, value):
    """A WPA passphrase or key (IEEE 802.11, annex J.4), or None for an open network."""
    if value is None:
        return None
    if not isinstance(value, str):
        raise invalid(path, "not a text", _PASSWORD)
    if not value:
        raise invalid(path, "empty", _PASSWORD)
    if len(value) == 64 and _only(value, _DIGITS + b"abcdefABCDEF"):
        return value
    if not 8 <= len(value) <= 63:
        raise invalid(path, "%d characters" % len(value), _PASSWORD)
    if not all(0x20 <= byte <= 0x7E for byte in _utf8(value)):
        raise invalid(path, "a character that is not printable ASCII", _PASSWORD)
    return value


def endpoint(path, value):
    """The host name of the cloud; what people paste along with it is named."""
    if isinstance(value, str):
        if "://" in value:
            raise invalid(path, "%s has a scheme" % shown(value), _ENDPOINT)
        if "/" in value:
            raise invalid(path, "%s has a path" % shown(value), _ENDPOINT)
        if ":" in value:
            raise invalid(path, "%s has a port, which is the field port" % shown(value), _ENDPOINT)
    return host(path, value, _ENDPOINT)


def host(path, value, allowed=_HOST):
    """A host name (RFC 1123) or IPv4 address."""
    if not isinstance(value, str) or not 1 <= len(value) <= 253:
        raise invalid(path, shown(value), allowed)
    labels = value.split(".")
    if _only(labels[-1], _DIGITS):
        if len(labels) != 4 or not all(_is_octet(label) for label in labels):
            raise invalid(path, "%s is no IPv4 address" % shown(value), allowed)
    elif not all(_is_label(label) for label in labels):
        raise invalid(path, "%s is no host name" % shown(value), allowed)
    return value


def hostname(path, value, longest=32):
    """The device's own name in the network."""
    if not isinstance(value, str) or len(value) > longest or not _is_label(value):
        raise invalid(path, shown(value), "1 to %d letters, digits and hyphens, no hyphen at an end" % longest)
    return value


def status_topic(path, value):
    """The topic of the device's own status; "{thing}" in it is the thing's name."""
    allowed = "a topic of 1 to 128 bytes, 7 slashes, not beginning with $, without # and +; {thing} is the name"
    value = text(path, value, 128)
    data = value.encode()
    if not data or data[0] == 0x24 or data.count(b"/") > 7 or any(byte in _NOT_IN_TOPIC for byte in data):  # "$"
        raise invalid(path, shown(value), allowed)
    return value


def word(path, value, longest, extra):
    """1 to `longest` ASCII letters, digits and characters of `extra`."""
    if not isinstance(value, str) or not 1 <= len(value) <= longest or not _only(value, _ALNUM + extra.encode()):
        raise invalid(path, shown(value), "1 to %d letters, digits and characters of %s" % (longest, extra))
    return value


def text(path, value, longest):
    """Any text of at most `longest` bytes in UTF-8."""
    value = _joined(value)
    size = _utf8_size(value)
    if size is None or size > longest:
        raise invalid(path, shown(value) if size is None else "%d bytes" % size, "a text of at most %d bytes" % longest)
    return value


def _utf8_size(value):
    """The bytes of a text; None for what is no text, or holds half a surrogate pair."""
    if not isinstance(value, str) or _has_half(value):
        return None
    return len(value.encode())


def _utf8(value):
    """The bytes of a text; half a surrogate pair, which only MicroPython lets pass without a word, has three, too."""
    return value.encode("utf-8", "surrogatepass")


def _has_half(value):
    return _next_half(_utf8(value), 0) >= 0


def _next_half(data, at):
    """Where in UTF-8 the next half of a surrogate pair is (0xD800 to 0xDFFF: ED, then A0 or more), or -1."""
    at = data.find(b"\xed", at)
    while at >= 0 and data[at + 1] < 0xA0:
        at = data.find(b"\xed", at + 1)
    return at


def _joined(value):
    """A text of whole characters: MicroPython's json reads an emoji that is written "\\ud83d\\ude00" as two halves."""
    if not isinstance(value, str) or not _has_half(value):
        return value
    data = _utf8(value)
    at = _next_half(data, 0)
    while at >= 0:
        if data[at + 1] < 0xB0 and data[at + 3 : at + 4] == b"\xed" and data[at + 4] >= 0xB0:
            code = 0x10000 + (_ten_bits(data, at) << 10) + _ten_bits(data, at + 3)
            whole_one = 0xF0 | code >> 18, 0x80 | code >> 12 & 0x3F, 0x80 | code >> 6 & 0x3F, 0x80 | code & 0x3F
            data = data[:at] + bytes(whole_one) + data[at + 6 :]
        at = _next_half(data, at + 1)
    return data.decode("utf-8", "surrogatepass")


def _ten_bits(data, at):
    return (data[at + 1] & 0x0F) << 6 | data[at + 2] & 0x3F


def _only(value, characters):
    return bool(value) and all(byte in characters for byte in _utf8(value))


def _is_label(label):
    return len(label) <= 63 and _only(label, _ALNUM + b"-") and not label.startswith("-") and not label.endswith("-")


def _is_octet(label):
    return len(label) <= 3 and _only(label, _DIGITS) and int(label) <= 255
