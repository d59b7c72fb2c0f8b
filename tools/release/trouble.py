"""What ends a command of `python -m tools release` before its time, in words a person can act on."""

from __future__ import annotations

DONE, NOT_ALL, USAGE, INTERRUPTED = 0, 1, 2, 130
EXITS = {
    DONE: "done; every device has the update",
    NOT_ALL: "not every device has the update, or AWS refused",
    USAGE: "the command line, a file or a key cannot be used",
    INTERRUPTED: "stopped by Ctrl-C; a job that was created goes on",
}


class Mistake(Exception):
    """Something the person can put right; the message says how."""


class Refused(Exception):
    """AWS, or the way there, said no; the message says what to do."""
