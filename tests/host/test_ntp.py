"""The NTP word against whatever the network may send, and against the calendar."""

from hypothesis import given
from hypothesis import strategies as st

import ntp

NONCE = bytes(range(8))
LAST = 2**32 + 2**31 - 2208988800


def reply(unix, fraction=1, head=b"\x24\x02\x06\xec"):
    stamp = ((unix + 2208988800) % 2**32).to_bytes(4, "big") + fraction.to_bytes(4, "big")
    return head + bytes(20) + NONCE + bytes(8) + stamp


@given(st.integers(-(2**31) + 2085978496, LAST - 1), st.integers(1, 2**32 - 1))
def test_every_second_of_both_eras_is_read_back(unix, fraction):
    assert ntp.answer(reply(unix, fraction), NONCE) == unix


@given(st.binary(max_size=200))
def test_noise_is_never_a_time(noise):
    assert ntp.answer(noise, NONCE) is None


@given(st.binary(min_size=24, max_size=24), st.binary(min_size=16, max_size=80))
def test_any_packet_with_our_nonce_is_a_time_none_or_a_refusal(before, behind):
    try:
        seconds = ntp.answer(before + NONCE + behind, NONCE)
    except ntp.Refused as refusal:
        assert str(refusal).isprintable() and len(str(refusal)) < 40
    else:
        assert seconds is None or -(2**31) < seconds < 2**33


@given(st.binary(min_size=8, max_size=8).filter(lambda echo: echo != NONCE))
def test_no_answer_without_our_nonce_is_believed(echo):
    packet = reply(1793491200)
    assert ntp.answer(packet[:24] + echo + packet[32:], NONCE) is None
