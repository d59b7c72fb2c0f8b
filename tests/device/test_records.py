"""A few named values as bytes and back."""

import records
from harness import equal, raises

FIELDS = {"name": "lämp", "cert": bytes(range(256)) * 8, "empty": b"", "port": -(2**62), "none": None}


def test_what_was_packed_comes_back_without_what_was_none():
    back = records.unpack(records.pack(FIELDS))
    expected = dict(FIELDS)
    del expected["none"]
    equal(back, expected)
    equal(records.unpack(records.pack({})), {})


def test_every_cut_is_noticed_or_ends_between_two_values():
    data = records.pack(FIELDS)
    whole = 0
    for size in range(len(data)):
        try:
            found = records.unpack(memoryview(data)[:size])
            equal({name: FIELDS[name] for name in found}, found)
            whole += 1
        except ValueError:
            pass
    equal(whole, 4)


def test_rubbish_is_a_value_error():
    for data in (
        b"\x01",
        b"\x01a\x07\0\0\0\0",
        b"\x01a\x02\x01\0\0\0x",
        b"\x01\xff\0\0\0\0\0",
        b"\x01a\x01\x01\0\0\0\xff",
    ):
        raises(ValueError, lambda it=data: records.unpack(it))
