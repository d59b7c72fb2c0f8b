"""Watch a board's start until its mode is known."""

import re

from tools.board.serial_board import BoardError

WATCH_S = 90
_TRANSITION = re.compile(r"\bINIT --(\w+)--> (\w+)(?: \((.*)\))?")
_PROMPT = re.compile(r"^>>> ?$")


def watch(board, hear, timeout_s=WATCH_S):
    """(mode, event, reason or None) of the board's first decision; `hear(line)` is given what it prints until then.

    Raises BoardError when it ends in the REPL, or says nothing of the kind in time.
    """
    last = "none"
    for text in board.console(timeout_s):
        line = (text or "").rstrip("\n")
        if not line:
            continue
        if _PROMPT.match(line):
            raise BoardError(f"its program has ended: {last}")
        hear(line)
        last = line
        transition = _TRANSITION.search(line)
        if transition:
            return transition[2], transition[1], transition[3]
    raise BoardError(f"it did not say its mode within {timeout_s} s; its last words: {last}")
