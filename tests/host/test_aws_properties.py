"""Shadow properties in CPython: the shadow's merge against a second implementation, wishes that are followed once."""

from hypothesis import given
from hypothesis import strategies as st

from aws.properties import Property, changed, differs, known, merged, told, untold, wished_at

LEAF = st.one_of(st.booleans(), st.integers(-2, 2), st.text("ab", max_size=2), st.lists(st.integers(0, 1), max_size=2))
STATE = st.recursive(LEAF, lambda inner: st.dictionaries(st.sampled_from("abc"), inner, max_size=3), max_leaves=8)
CHANGE = st.recursive(
    st.one_of(LEAF, st.none()),
    lambda inner: st.dictionaries(st.sampled_from("abc"), inner, min_size=1, max_size=3),
    max_leaves=8,
)


def paths(value, at=()):
    """{path: leaf} of a state; empty objects are nothing."""
    if not isinstance(value, dict):
        return {at: value}
    return {path: leaf for name in value for path, leaf in paths(value[name], (*at, name)).items()}


@given(st.dictionaries(st.sampled_from("abc"), STATE), st.dictionaries(st.sampled_from("abc"), CHANGE))
def test_a_change_is_laid_over_as_the_shadow_does(value, change):
    """By paths: every path that the change names is replaced with all below and above it, null removes."""
    expected = paths(value)
    for path, leaf in paths(change).items():
        expected = {
            known_path: kept
            for known_path, kept in expected.items()
            if known_path[: len(path)] != path and path[: len(known_path)] != known_path
        }
        if leaf is not None:
            expected[path] = leaf
    assert paths(merged(value, change)) == expected


def test_a_change_leaves_what_it_was_laid_over():
    value = {"a": {"b": 1}}
    assert merged(value, {"a": {"c": 2}}) == {"a": {"b": 1, "c": 2}}
    assert value == {"a": {"b": 1}}


def test_a_wish_is_followed_once_until_somebody_wishes_again():
    speed = Property("speed", print, 0)
    assert speed.wish(300, 1) == 300
    speed.follow(300, 1, 100)
    assert (speed.value, speed.wish(300, 1), speed.wish(300, 2), speed.wish(200, 3)) == (100, None, 300, 200)


def test_a_wish_for_what_is_there_already_is_only_told():
    led = Property("led", print, True)
    known([led], {"led": True})
    assert untold([led]) == {}
    assert led.wish(True, 1) is None
    assert untold([led]) == {}
    differs([led], {"led": True, "other": 1}, None)
    assert untold([led]) == {"led": True}
    known([led], {"led": True})
    differs([led], {"led": False}, None)
    assert untold([led]) == {}


def test_a_wish_for_what_is_there_already_is_told_once_until_somebody_wishes_again():
    """As MicroPython reads 52.520008, with single precision: what it reports of it is 52.52001."""
    place = Property("place", print, 52.520008)
    for delta, since, is_repeated in (
        ({"place": 52.520008}, 1, True),
        ({"place": 52.520008}, 1, False),
        ({"place": 52.520008, "other": 1}, 1, False),
        ({"place": 52.520008}, 2, True),
        ({"other": 2}, 2, False),  # the cloud knows it
        ({"place": 52.520008}, 2, True),  # until somebody reports something else for us
    ):
        known([place], {"place": 52.520008})
        differs([place], delta, {"place": {"timestamp": since}})
        assert bool(untold([place])) == is_repeated, (delta, since)


def test_nobody_can_wish_for_what_has_no_setter():
    assert Property("version", None, "1").wish("2", 1) is None


def test_what_the_shadow_does_not_know_is_untold():
    one, two = Property("one", None, {"a": 1, "b": 2}), Property("two", None, None)
    assert untold([one, two]) == {"one": {"a": 1, "b": 2}}
    told([one, two], {"one": {"a": 1, "b": 2}})
    assert untold([one, two]) == {}
    changed([one, two], {"one": {"a": 3}, "two": 0})
    assert untold([one, two]) == {"one": {"a": 3, "b": 2}, "two": 0}
    told([one, two], {"one": {"a": 3}, "two": 0})
    assert untold([one, two]) == {}
    known([one, two], {"two": 0})
    assert untold([one, two]) == {"one": {"a": 3, "b": 2}}


def test_the_time_of_a_wish_is_that_of_its_newest_part():
    metadata = {"a": {"timestamp": 3}, "z": {"low": {"timestamp": 5}, "high": {"timestamp": 9}}}
    metadata["l"] = [{"timestamp": 4}]
    assert wished_at({"a": 1}, metadata) == 3
    assert wished_at({"a": 1, "z": {"low": 2}}, metadata) == 5
    assert wished_at({"l": [1]}, metadata) == 4
    assert wished_at({"new": 1}, metadata) == wished_at({"a": 1}, None) == wished_at({"a": 1}, "?") == 0
