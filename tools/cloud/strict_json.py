"""JSON from somebody else: every way in which it can be wrong is a ValueError."""

from __future__ import annotations

import json


def loads(text: str | bytes) -> object:
    """Like json.loads, but NaN and Infinity, which are no JSON, and endless nesting are ValueErrors, too."""
    try:
        return json.loads(text, parse_constant=_refuse)
    except RecursionError:
        raise ValueError("nested too deeply") from None


def _refuse(name: str) -> object:
    raise ValueError(f"{name} is not JSON")
