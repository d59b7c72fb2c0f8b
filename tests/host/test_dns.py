"""The DNS word against whatever the network may send: no packet may do more than be ignored or be an error of ours."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

import dns
import errors

NAME = "ab.example"
IDENT = 0x1234
QUESTION = b"\x02ab\x07example\x00\x00\x01\x00\x01"

labels = st.lists(st.binary(min_size=1, max_size=63), min_size=1, max_size=4)
owners = st.one_of(
    st.just(b"\xc0\x0c"),
    st.integers(0, 0x3FFF).map(lambda target: (0xC000 | target).to_bytes(2, "big")),
    labels.map(lambda parts: b"".join(bytes([len(part)]) + part for part in parts) + b"\x00"),
)
records = st.builds(
    lambda owner, kind, data, size: (
        owner + kind.to_bytes(2, "big") + b"\x00\x01\x00\x00\x00\x3c" + (size or len(data)).to_bytes(2, "big") + data
    ),
    owners,
    st.sampled_from([1, 5, 28, 41]),
    st.one_of(st.binary(min_size=4, max_size=4), owners, st.binary(max_size=40)),
    st.one_of(st.none(), st.integers(0, 0xFFFF)),
)


def read(packet):
    """What the device makes of it: an address list, an alias, None, or an error of the table."""
    try:
        return dns.answer(packet, NAME, IDENT)
    except errors.DeviceError as error:
        assert error.code in ("unknown_name", "no_dns")
        return None


@given(st.binary(max_size=dns.LIMIT))
def test_noise_is_never_an_answer(noise):
    assert read(noise) is None


@given(st.binary(max_size=dns.LIMIT - 30), st.integers(0, 0xFFFF))
def test_noise_behind_a_right_question_is_survived(noise, count):
    packet = IDENT.to_bytes(2, "big") + b"\x81\x80\x00\x01" + count.to_bytes(2, "big") + bytes(4) + QUESTION + noise
    check(read(packet))


@given(st.lists(records, max_size=8), st.sampled_from([0x8180, 0x8380, 0x8183]), st.integers(0, 400))
def test_records_of_every_shape_and_cut_are_survived(parts, flags, cut):
    packet = IDENT.to_bytes(2, "big") + flags.to_bytes(2, "big") + b"\x00\x01" + len(parts).to_bytes(2, "big")
    packet += bytes(4) + QUESTION + b"".join(parts)
    check(read(packet[: len(packet) - cut] if cut < 200 else packet))


def check(result):
    if result is None:
        return
    addresses, alias = result
    assert all(dns.is_address(address) for address in addresses)
    assert bool(addresses) != (alias is not None)
    if alias is not None:
        try:
            dns.question(alias, IDENT)
        except errors.PersonError as error:
            assert error.code == "unknown_name"


@given(st.text(max_size=300))
def test_any_text_is_a_question_within_one_datagram_or_an_error(host):
    try:
        packet = dns.question(host, IDENT)
    except errors.PersonError as error:
        assert error.code == "unknown_name"
    else:
        assert len(packet) <= 12 + 255 + 4


@given(st.integers(0, 0xFFFF).filter(lambda ident: ident != IDENT))
def test_no_other_id_passes(ident):
    packet = ident.to_bytes(2, "big") + b"\x81\x80\x00\x01\x00\x01" + bytes(4) + QUESTION
    packet += b"\xc0\x0c\x00\x01\x00\x01\x00\x00\x00\x3c\x00\x04\x06\x06\x06\x06"
    assert read(packet) is None
    assert read(IDENT.to_bytes(2, "big") + packet[2:]) == (["6.6.6.6"], None)


@pytest.mark.parametrize("text", ["1.2.3.4", "255.0.0.255"])
def test_an_address_is_one(text):
    assert dns.is_address(text)


@given(st.text(max_size=20))
def test_only_dotted_decimal_is_an_address(text):
    if dns.is_address(text):
        assert all(0 <= int(part) <= 255 for part in text.split(".")) and text.count(".") == 3
