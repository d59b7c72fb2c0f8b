"""What STATE and INFO show to whoever reads them: JSON of at most 512 bytes, never a secret."""

import json

LARGEST = 512  # bytes: the longest value of a characteristic
PROTOCOL = 1

_CUT = 16  # characters taken off the sentences at a time


def info(name, hardware, version, security):
    """INFO without its end: `info_end` closes it for one connection. Two parts, because it is put together in an
    interrupt of the radio."""
    document = {"proto": PROTOCOL, "name": name, "hardware": hardware, "version": version, "security": security}
    return _dumps(document)[:-1]


def info_end(chunk):
    """`chunk`: how many bytes a write or notification of this connection carries."""
    return b',"chunk":%d}' % chunk


def state(step, code, message, last):
    """STATE: what happens now, and `last` (dict or None), the failure of the last attempt.

    Sentences are cut to fit. What else is in `last` is small, or `last` is left out.
    """
    length = LARGEST
    while length > 0:
        text = _dumps(_state(step, code, message[:length], _shortened(last, length)))
        if len(text) <= LARGEST:
            return text
        length -= _CUT
    return _dumps(_state(step, code, "", None))


def _state(step, code, message, last):
    return {"mode": "CONFIG", "step": step, "code": code, "message": message, "last": last}


def _shortened(last, length):
    if not last or not last.get("message"):
        return last
    shortened = dict(last)
    shortened["message"] = last["message"][:length]
    return shortened


def _dumps(document):
    return json.dumps(document, separators=(",", ":")).encode()
