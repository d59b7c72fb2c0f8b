"""The reader of DER stays within what it was given, and within each element."""

import pytest

from der import BIT_STRING, INTEGER, OCTET_STRING, SEQUENCE, Malformed, Reader


def test_elements_are_read_in_their_order():
    reader = Reader(bytes.fromhex("3006 020101 0401ff 020300fffe"))
    inner = reader.enter(SEQUENCE)

    assert inner.enter(INTEGER).contents() == b"\x01"
    assert inner.skip(INTEGER) is False
    assert inner.skip(OCTET_STRING) is True
    assert inner.any() is False
    assert reader.enter(INTEGER).unsigned() == b"\xff\xfe"
    reader.finish()


@pytest.mark.parametrize("length", ["05", "8105", "820005", "83000005"])
def test_length_may_have_up_to_three_bytes(length):
    assert len(Reader(bytes.fromhex("04" + length) + b"hello").enter(OCTET_STRING)) == 5


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ("", "a byte string was expected at byte 0"),
        ("02", "a byte string was expected at byte 0"),
        ("04", "cut off at byte 1"),
        ("0402ff", "cut off: the element at byte 0 wants 2 bytes"),
        ("0480ffff0000", "the length at byte 1 is not one of DER"),
        ("0484000000010a", "the length at byte 1 is not one of DER"),
        ("0482ff", "the length at byte 1 is not one of DER"),
        ("04ff", "the length at byte 1 is not one of DER"),
    ],
)
def test_what_is_not_der_is_told_with_its_place(data, words):
    with pytest.raises(Malformed) as caught:
        Reader(bytes.fromhex(data)).enter(OCTET_STRING)
    assert str(caught.value) == words


def test_element_does_not_reach_beyond_the_one_around_it():
    inner = Reader(bytes.fromhex("3003 0403 01 0203")).enter(SEQUENCE)

    with pytest.raises(Malformed, match="wants 3 bytes"):
        inner.enter(OCTET_STRING)


@pytest.mark.parametrize("number", ["", "80", "ff01"])
def test_number_that_is_negative_or_empty_is_none(number):
    content = bytes.fromhex(number)

    with pytest.raises(Malformed):
        Reader(content).unsigned()


@pytest.mark.parametrize("bits", ["", "01ff"])
def test_bit_string_of_broken_bytes_is_none(bits):
    content = bytes.fromhex(bits)

    with pytest.raises(Malformed):
        Reader(bytes([BIT_STRING, len(content)]) + content).enter(BIT_STRING).bits()


def test_what_is_left_over_is_told():
    reader = Reader(b"\x02\x01\x01\0\0")
    reader.enter(INTEGER)

    with pytest.raises(Malformed, match="2 bytes too many at byte 3"):
        reader.finish()
