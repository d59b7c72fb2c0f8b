"""What shape a setting has: objects, lists, choices, and how an error shows a value. See settings_checks.py.

A file of its own, because certificates need no more of the checks, and much of the memory.
"""

import errors

ROLES = ("thing", "claim", "ca")
FILE_ROLES = ROLES + ("download",)
ROOTS = ("ca", "download")  # the roles that are certificates of others

_LONGEST_SHOWN = 40


def invalid(path, problem, allowed):
    """The error for the field `path`."""
    return errors.error("invalid_setting", path, problem, allowed)


def is_whole(value):
    """True for an int that is no bool (they are the same class in CPython, not in MicroPython)."""
    return isinstance(value, int) and not isinstance(value, bool)


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
