"""The JSON layer against whatever decodes, or does not, on its way."""

import json

from hypothesis import given, settings
from hypothesis import strategies as st

from ble import code_table, codes, messages

JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), st.text(max_size=20)),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(st.text(max_size=8), inner, max_size=4)),
    max_leaves=12,
)
NUMBERS = st.sampled_from(code_table.numbers())
TYPES = st.sampled_from(["HELLO", "CFG", "CERT", "SCAN", "STS", "TIME", "APPLY", "RESET", "RST", "APP"])
FIELDS = st.sampled_from(["pub", "role", "cert", "key", "time", "what", "networks", "aws", "app", "other"])
VALUES = st.one_of(JSON, st.sampled_from(["thing", "claim", "ca", "settings", "all", "00" * 32]))
NEARLY_RIGHT = st.fixed_dictionaries(
    {
        "typ": st.one_of(TYPES, JSON),
        "id": st.one_of(st.integers(0, 2**32 - 1), JSON),
        "dat": st.one_of(st.dictionaries(FIELDS, VALUES, max_size=4), JSON),
    }
)


def parsed(data):
    """The message, or the refusal; anything else that is raised is the test's failure."""
    try:
        return messages.parse(data)
    except codes.Refusal as refusal:
        return refusal


def check(data):
    outcome = parsed(data)
    if isinstance(outcome, codes.Refusal):
        assert outcome.number in (codes.NOT_JSON, codes.MISSING_FIELD, codes.INVALID, codes.TOO_LARGE)
        ack = json.loads(messages.ack_of_error(outcome))
        assert ack["dat"]["code"] == outcome.number
        assert len(ack["dat"]["msg"]) < 200
        assert (ack["id"], ack["dat"]["pkt"]) == (outcome.id, outcome.pkt)
    else:
        assert type(outcome.id) is int and 0 <= outcome.id < 2**32
        assert type(outcome.dat) is dict
    return outcome


@given(st.binary(max_size=200))
def test_noise_is_refused(noise):
    check(noise)


@given(JSON)
def test_any_json_is_a_message_or_refused(document):
    check(json.dumps(document).encode())


@settings(max_examples=500)
@given(NEARLY_RIGHT)
def test_nearly_right_messages_are_right_or_refused_with_their_id(document):
    outcome = check(json.dumps(document).encode())
    if type(document["id"]) is int and 0 <= document["id"] < 2**32:
        assert outcome.id == document["id"]


@given(NEARLY_RIGHT, st.integers(0, 400), st.binary(min_size=1, max_size=3))
def test_damaged_messages_are_right_or_refused(document, where, noise):
    data = json.dumps(document).encode()
    where %= len(data)
    check(data[:where] + noise + data[where + len(noise) :])


@given(NEARLY_RIGHT, st.integers(0, 400))
def test_cut_messages_are_never_taken(document, length):
    data = json.dumps(document, separators=(",", ":")).encode()
    outcome = parsed(data[: length % len(data)])
    assert isinstance(outcome, codes.Refusal) and outcome.number == codes.NOT_JSON


@given(st.integers(1, 6144))
def test_nesting_without_end_is_refused(depth):
    for opening in (b"[", b'{"a":'):
        assert check((opening * depth)[:6144]).number == codes.NOT_JSON


@given(TYPES, st.integers(0, 2**32 - 1), NUMBERS, st.dictionaries(st.text(), JSON, max_size=3))
def test_ack_carries_what_it_was_given(typ, message_id, number, details):
    ack = json.loads(messages.ack(typ, message_id, number, None, details))
    assert (ack["typ"], ack["id"]) == ("ACK", message_id)
    expected = {"pkt": typ, "code": number, "msg": codes.sentence(number), **details}
    assert ack["dat"] == expected
