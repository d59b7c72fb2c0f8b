"""What a shadow's two halves, `desired` and `reported`, do with an update. Pure.

A half is a JSON object; its metadata has the same form with `{"timestamp": seconds}` in the place of each value.
"""

from __future__ import annotations

from typing import NamedTuple

Json = dict[str, object]


class Half(NamedTuple):
    state: Json
    metadata: Json


EMPTY = Half({}, {})


def merged(half: Half, patch: Json, now: int) -> Half:
    """The half after `patch`: objects are merged, null deletes, everything else, arrays too, replaces."""
    state, metadata = dict(half.state), dict(half.metadata)
    for key, value in patch.items():
        old = state.get(key)
        if value is None:
            state.pop(key, None)
            metadata.pop(key, None)
        elif not isinstance(value, dict):
            state[key], metadata[key] = value, stamps(value, now)
        elif isinstance(old, dict):
            state[key], metadata[key] = merged(Half(old, metadata[key]), value, now)
        elif new := _without_nulls(value):
            state[key], metadata[key] = new, stamps(new, now)
    return Half(state, metadata)


def stamps(value: object, now: int) -> object:
    """The metadata of a value that was set `now`."""
    if isinstance(value, dict):
        return {key: stamps(each, now) for key, each in value.items()}
    if isinstance(value, list):
        return [stamps(each, now) for each in value]
    return {"timestamp": now}


def delta(desired: Json, reported: Json) -> Json:
    """What is desired and not reported so; what is only reported is no difference."""
    found = {}
    for key, wanted in desired.items():
        is_known = key in reported
        own = reported.get(key)
        if is_known and isinstance(wanted, dict) and isinstance(own, dict):
            if inner := delta(wanted, own):
                found[key] = inner
        elif not is_known or not _same(wanted, own):
            found[key] = wanted
    return found


def part(metadata: object, chosen: object) -> object:
    """The metadata of those values that are in `chosen`."""
    if not isinstance(chosen, dict):
        return metadata
    return {key: part(metadata[key], value) for key, value in chosen.items()}


def is_deeper(value: object, levels: int) -> bool:
    """Are there more than so many levels of objects and arrays below each other? Looks no further than needed."""
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else None
    return inner is not None and (levels == 0 or any(is_deeper(each, levels - 1) for each in inner))


def _without_nulls(value: Json) -> Json:
    """A new object without its nulls, and without objects that have nothing else."""
    kept = {}
    for key, each in value.items():
        new = _without_nulls(each) if isinstance(each, dict) else each
        if new is not None and new != {}:
            kept[key] = new
    return kept


def _same(one: object, other: object) -> bool:
    """Equal as JSON: 1 is 1.0, but true is not 1, as it is for Python."""
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(_same(*pair) for pair in zip(one, other, strict=True))
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(_same(one[key], other[key]) for key in one)
    return one == other
