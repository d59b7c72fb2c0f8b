"""Lists in pages, as AWS gives them: a page's size and an opaque token that leads to the next one."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

from tools.cloud.aws_errors import InvalidRequest

Item = TypeVar("Item")
_DEFAULT_SIZE = 25


def page(
    items: Sequence[Item], key: Callable[[Item], str], size: int | None, token: str | None, descending: bool = False
) -> tuple[list[Item], str | None]:
    """The items after the one that `token` names, and the token for what follows (None: nothing does).

    `items` must be sorted by `key`, ascending or `descending`. Raises InvalidRequest for a token that is none of ours.
    """
    after = _decode(token) if token else None
    rest = [item for item in items if after is None or (key(item) < after if descending else key(item) > after)]
    chosen = rest[: size or _DEFAULT_SIZE]
    more = len(rest) > len(chosen)
    return chosen, _encode(key(chosen[-1])) if more else None


def page_by_age(made: Mapping[str, float], request: Mapping[str, object]) -> tuple[list[str], str | None]:
    """A page of names by when each was made, in Unix seconds: the newest first unless ascendingOrder says otherwise."""

    def key(name: str) -> str:
        return f"{made[name]:020.6f} {name}"

    descending = not request.get("ascendingOrder")
    names = sorted(made, key=key, reverse=descending)
    return page(names, key, request.get("pageSize"), request.get("marker"), descending)


def _encode(last: str) -> str:
    return base64.b64encode(last.encode()).decode()


def _decode(token: str) -> str:
    try:
        return base64.b64decode(token, validate=True).decode()
    except ValueError:
        raise InvalidRequest("The pagination token is not valid") from None
