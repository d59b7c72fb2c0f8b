"""The settings file, read: its JSON as a dict, or an error that says where it is broken.

It is read before anything that checks it is imported, and from the file itself: the text is never in memory as a whole.
"""

import io
import json

import errors
import nesting

MAX_FILE = 65536

_MARK = b"\xef\xbb\xbf"  # Windows' Notepad marks UTF-8 so
_UTF_16 = (b"\xff\xfe", b"\xfe\xff", b"{\0", b"\0{")  # what Windows' PowerShell writes, and others


def parse(file):
    """What is in `file` (bytes, str, or an open file, which is closed). Raises `invalid_setting`, `flash_failed`."""
    if isinstance(file, str):
        file = file.encode()
    if isinstance(file, bytes):
        file = io.BytesIO(file)
    try:
        return _read(file)
    except OSError as problem:
        raise errors.error("flash_failed", "reading settings.json", problem)
    finally:
        file.close()


def _read(file):
    size = file.seek(0, 2)
    if not 0 < size <= MAX_FILE:
        raise _invalid("%d bytes" % size, "1 to %d bytes" % MAX_FILE)
    file.seek(0)
    begin = file.read(len(_MARK))
    if begin[:2] in _UTF_16:
        raise _invalid("text in UTF-16", "UTF-8: save it again in that encoding")
    start = len(_MARK) if begin == _MARK else 0
    file.seek(start)
    try:
        document = json.load(file)
        is_deep = nesting.too_deep(document)
    except (ValueError, TypeError, RuntimeError) as problem:
        raise _invalid("no valid JSON%s" % _place(file, start, problem), "one JSON object: {...}")
    if is_deep:
        raise _invalid("too deep", "objects and lists nested at most %d deep" % nesting.DEEPEST)
    return document


def _place(file, start, problem):
    """Where and how the JSON is broken, as " in line 3, column 7"; empty when that cannot be said."""
    if isinstance(problem, UnicodeError):
        return ", it is not in UTF-8"
    if hasattr(problem, "lineno"):
        return " in line %d, column %d" % (problem.lineno, problem.colno)
    if not isinstance(problem, ValueError):
        return ""  # a list as a name, or CPython's refusal of a very deep nesting
    length = file.seek(0, 1) - start - 2  # MicroPython's json does not say where it stopped: one character ahead
    file.seek(start)
    before = file.read(max(length, 0))
    return " in line %d, column %d" % (before.count(b"\n") + 1, len(before) - before.rfind(b"\n"))


def _invalid(problem, allowed):
    return errors.error("invalid_setting", "settings.json", problem, allowed)
