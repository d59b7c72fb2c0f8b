"""The data model of AWS IoT Jobs: documents, status details, what a rejection means. Pure; loaded for moments.

https://docs.aws.amazon.com/iot/latest/developerguide/jobs-mqtt-api.html and .../jobs-limits (10 pairs of 128).
"""

import errors

_IN_PROGRESS = "IN_PROGRESS"
_MAX_PAIRS = 10  # of details: AWS's, as is the next
_MAX_TEXT = 128
_LETTERS = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789:_-"

# What the cloud says of an execution that is no longer ours: cancelled, timed out, deleted.
_GONE = ("InvalidStateTransition", "TerminalStateReached", "ResourceNotFound")


def operation_of(document):
    """The name of the handler: "operation" or "action" of a document, "steps" or "afr_ota" for AWS's own, else None."""
    if not isinstance(document, dict):
        return None
    for field in ("operation", "action"):
        if isinstance(document.get(field), str) and document[field]:
            return document[field]
    if isinstance(document.get("afr_ota"), dict):
        return "afr_ota"
    return "steps" if isinstance(document.get("steps"), list) else None


def identity(execution):
    """What tells this execution from every other one: a job's id may be used again after it was deleted."""
    return "%s/%s/%s" % (execution["jobId"], execution.get("executionNumber"), execution.get("queuedAt"))


def details(values):
    """`values` (dict) as statusDetails: texts of 1 to 128 characters. Raises `limit` for more than ten."""
    kept = {}
    for name in values:
        if values[name] is not None:
            kept[_name(name)] = _printable(str(values[name]))[:_MAX_TEXT] or "-"
    if len(kept) > _MAX_PAIRS:
        raise errors.error("limit", "A job's %d details" % len(kept), "%d" % _MAX_PAIRS)
    return kept


def _printable(text):
    # AWS: [^\p{C}]+, no control characters. As bytes: each character taken out of a str stays for ever, as a name.
    data = bytearray(text.encode())
    for at, byte in enumerate(data):
        if byte < 0x20 or byte == 0x7F:
            data[at] = 0x20
        elif byte == 0xC2 and data[at + 1] < 0xA0:  # U+0080 to U+009F
            data[at : at + 2] = b"  "
    return data.decode()


def _name(name):
    # AWS: [a-zA-Z0-9:_-]+; of a longer character its first byte counts
    letters = [byte if byte in _LETTERS else 0x5F for byte in str(name).encode() if byte & 0xC0 != 0x80]
    return bytes(letters[:_MAX_TEXT]).decode() or "_"


def update(status, details, version, minutes):
    """The payload that moves an execution on from `version`. `minutes`: until the next one, for IN_PROGRESS."""
    request = {"status": status, "statusDetails": details, "expectedVersion": version}
    if status == _IN_PROGRESS:
        request["stepTimeoutInMinutes"] = minutes
    return request


def is_gone(failure):
    """Whether this error of an update says that the execution has ended without us."""
    return getattr(failure, "reason", None) in _GONE
