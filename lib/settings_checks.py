"""What a setting may be: one check for each kind of value.

Every check takes the field's path ("networks[1].password") and its value, and returns the value or raises the error
`invalid_setting` with path, problem and what is allowed. Values of secrets never appear in an error.
"""

import errors

FIELDS = ("schema", "hardware", "security", "prefix", "page", "hostname", "networks", "aws", "app", "certs", "servers",
          "jobs", "outbox", "health", "limits", "timeouts", "pins")  # fmt: skip
MAX_NETWORKS = 8
MAX_PARAMETERS = 16
MAX_NAME_SERVERS = 4
MAX_OPERATIONS = 16
HEALTH_TO = ("shadow", "defender")
# What the firmware does for a job unless the settings say otherwise: nothing that only a visit could mend.
OPERATIONS = ("restart", "diagnostics", "settings", "config", "rotate", "download", "ota")
SECURITIES = ("code", "open")
OUTBOXES = ("memory", "flash")
FULL = ("drop_oldest", "drop_newest", "refuse")
ROLES = ("thing", "claim", "ca")
FILE_ROLES = ROLES + ("download",)
ROOTS = ("ca", "download")  # the roles that are certificates of others

_DIGITS = "0123456789"
_LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
_ALNUM = _LETTERS + _DIGITS
_LONGEST_SHOWN = 40
_PASSWORD = "8 to 63 printable ASCII characters, 64 hexadecimal digits, or null for an open network"
_ENDPOINT = "a host name alone, as in abc123-ats.iot.eu-west-1.amazonaws.com, or an IPv4 address"
_HOST = "a host name of at most 253 characters, or an IPv4 address"


def invalid(path, problem, allowed):
    """The error for the field `path`."""
    return errors.error("invalid_setting", path, problem, allowed)


def is_whole(value):
    """True for an int that is no bool (they are the same class in CPython, not in MicroPython)."""
    return isinstance(value, int) and not isinstance(value, bool)


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


def mapping(path, value):
    """A JSON object."""
    if not isinstance(value, dict):
        raise invalid(path, shown(value), "an object: {...}")
    for name in value:
        if not isinstance(name, str):  # MicroPython's json takes {1: 2}
            raise invalid(path, "the name %s is not in quotes" % name, '"name": value')
    return value


def sequence(path, value, most, what):
    """A list of at most `most` entries."""
    if not isinstance(value, list) or len(value) > most:
        problem = "%d entries" % len(value) if isinstance(value, list) else shown(value)
        raise invalid(path, problem, "a list of at most %d %s" % (most, what))
    return value


def one_of(path, value, choices):
    """One of some words."""
    if value not in choices:
        raise invalid(path, shown(value), " or ".join(['"%s"' % choice for choice in choices]))
    return value


def ssid(path, value):
    """The name of a Wi-Fi network: any characters, but no zero byte, on which ESP-IDF ends it."""
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
    if len(value) == 64 and _only(value, _DIGITS + "abcdefABCDEF"):
        return value
    if not 8 <= len(value) <= 63:
        raise invalid(path, "%d characters" % len(value), _PASSWORD)
    if not all(" " <= character <= "~" for character in value):
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
    text(path, value, 128)
    if not value or value[0] == "$" or value.count("/") > 7 or any(letter in "#+\0" for letter in value):
        raise invalid(path, shown(value), allowed)
    return value


def word(path, value, longest, extra):
    """1 to `longest` ASCII letters, digits and characters of `extra`."""
    if not isinstance(value, str) or not 1 <= len(value) <= longest or not _only(value, _ALNUM + extra):
        raise invalid(path, shown(value), "1 to %d letters, digits and characters of %s" % (longest, extra))
    return value


def text(path, value, longest):
    """Any text of at most `longest` bytes in UTF-8."""
    size = _utf8_size(value)
    if size is None or size > longest:
        raise invalid(path, shown(value) if size is None else "%d bytes" % size, "a text of at most %d bytes" % longest)
    return value


def warn_unknown(found, known, path, warnings):
    """Append a warning for each name in `found` that is not `known`, with the known one that it looks like."""
    for name in found:
        if name not in known:
            closest = min(known, key=lambda other: _distance(name.lower(), other))
            is_close = _distance(name.lower(), closest) <= 1 + len(closest) // 4
            warnings.append(
                "%s is not known and was left out%s"
                % (join(path, name[:_LONGEST_SHOWN]), ", did you mean %s?" % closest if is_close else "")
            )


def join(path, name):
    """The path of the field `name` within `path`."""
    return "%s.%s" % (path, name) if path else name


def shown(value):
    """A value in a person's words, shortened; never call it for a secret."""
    if value is None:
        return "null"
    if isinstance(value, str):
        if not value:
            return "empty"
        return '"%s%s"' % (value[:_LONGEST_SHOWN], "..." if len(value) > _LONGEST_SHOWN else "")
    if isinstance(value, dict):
        return "an object"
    if isinstance(value, list):
        return "a list"
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)[:_LONGEST_SHOWN]


def _utf8_size(value):
    """The bytes of a text; None for what is no text, or holds half a surrogate pair."""
    if not isinstance(value, str):
        return None
    try:
        return len(value.encode())
    except ValueError:
        return None


def _only(value, characters):
    return bool(value) and all(character in characters for character in value)


def _is_label(label):
    return len(label) <= 63 and _only(label, _ALNUM + "-") and label[0] != "-" and label[-1] != "-"


def _is_octet(label):
    return len(label) <= 3 and _only(label, _DIGITS) and int(label) <= 255


def _distance(one, other):
    """How many letters must be changed, added or dropped (Levenshtein); names too unlike are not worth the count."""
    if abs(len(one) - len(other)) > 3:
        return 99
    row = list(range(len(other) + 1))
    for i, letter in enumerate(one):
        before, row[0] = row[0], i + 1
        for j, wanted in enumerate(other):
            cost = min(row[j + 1], row[j]) + 1
            before, row[j + 1] = row[j + 1], min(cost, before + (letter != wanted))
    return row[-1]
