"""JSON from somebody else: every way in which it can be wrong is a ValueError."""

from __future__ import annotations

import json
import math


def loads(text: str | bytes) -> object:
    """Like json.loads, but NaN and Infinity, which are no JSON, numbers that would become one of them, and endless
    nesting are ValueErrors, too."""
    try:
        return json.loads(text, parse_constant=_refuse, parse_float=_finite)
    except RecursionError:
        raise ValueError("nested too deeply") from None


def _refuse(name: str) -> object:
    raise ValueError(f"{name} is not JSON")


def _finite(text: str) -> float:
    number = float(text)
    return number if math.isfinite(number) else _refuse(text[:20])


def encode(value: object) -> bytes:
    """As AWS writes it, in UTF-8: nothing is escaped but what has to be, and half a character, which UTF-8 has not."""
    try:
        return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
    except UnicodeEncodeError:
        return json.dumps(value, separators=(",", ":")).encode()
