"""The stream parser against whatever a radio or a stranger may send, compared with a second one (ble_reference)."""

import binascii
import itertools

from hypothesis import given, settings
from hypothesis import strategies as st

from ble import codes, framing
from tests import ble_reference

KINDS = st.sampled_from([framing.CLEAR, framing.SEALED])
PAYLOADS = st.one_of(st.binary(max_size=100), st.binary(min_size=0, max_size=6144))
MESSAGES = st.tuples(KINDS, PAYLOADS)
CHUNK = st.integers(20, 509)

# Rubbish that looks like frames: marks, plausible headers with any length and CRC, damaged and cut frames.
HEADERS = st.builds(
    lambda kind, length, crc: bytes((0xA5, kind)) + length.to_bytes(2, "big") + crc.to_bytes(2, "big"),
    st.integers(0, 3),
    st.one_of(st.integers(0, 40), st.sampled_from([6144, 6145, 65535]), st.integers(0, 6200)),
    st.integers(0, 65535),
)
FRAMES = st.builds(ble_reference.frame, KINDS, st.binary(max_size=60))
DAMAGED = st.builds(
    lambda frame, where, bit: _flip(frame, where % len(frame), bit), FRAMES, st.integers(0, 70), st.integers(0, 7)
)
CUT = st.builds(lambda frame, length: frame[: length % len(frame)], FRAMES, st.integers(0, 70))
NOISE = st.one_of(HEADERS, DAMAGED, CUT, st.binary(max_size=30), st.just(b"\xa5"))
STREAMS = st.lists(st.one_of(FRAMES, NOISE), max_size=12)


def _flip(data, where, bit):
    return data[:where] + bytes((data[where] ^ 1 << bit,)) + data[where + 1 :]


def read(parser, data, now_ms=0):
    """(messages, how many were told to be damaged) in `data`, however the parser takes it."""
    rest, messages, damaged = memoryview(data), [], 0
    while rest:
        taken = parser.feed(rest, now_ms)
        assert taken > 0
        rest = rest[taken:]
        while (what := parser.next()) is not None:
            if what in (framing.CLEAR, framing.SEALED):
                messages.append((what, bytes(parser.payload)))
            damaged += what == framing.BAD_CRC
    return messages, damaged


def read_in_pieces(parser, data, cuts):
    """The same, handed over in pieces that end at `cuts`."""
    edges = [0, *sorted(cut % (len(data) + 1) for cut in cuts), len(data)]
    messages, damaged = [], 0
    for start, end in itertools.pairwise(edges):
        found, told = read(parser, data[start:end])
        messages += found
        damaged += told
    return messages, damaged


@given(st.binary(max_size=300), st.integers(0, 300))
def test_crc_is_the_one_of_the_standard_library(data, cut):
    expected = binascii.crc_hqx(data, 0xFFFF)
    assert framing.crc16(data) == expected
    assert framing.crc16(data[cut:], framing.crc16(data[:cut])) == expected


@given(KINDS, PAYLOADS)
def test_frames_are_those_of_the_second_implementation(kind, payload):
    assert bytes(framing.frame(kind, payload)) == ble_reference.frame(kind, payload)


@given(st.lists(MESSAGES, max_size=3), CHUNK)
def test_messages_of_0_to_6144_bytes_arrive_in_chunks_of_20_to_509(messages, chunk):
    stream = b"".join(bytes(framing.frame(kind, payload)) for kind, payload in messages)
    parser, found = framing.Parser(), []
    for piece in framing.chunks(stream, chunk):
        assert len(piece) <= chunk
        found += read(parser, piece)[0]
    assert found == messages
    assert (parser.rubbish, parser.bad_crc, parser.waiting) == (0, 0, False)


@settings(max_examples=400)
@given(STREAMS, st.lists(st.integers(0, 2000), max_size=20))
def test_both_implementations_find_the_same_messages_in_rubbish_cut_anywhere(parts, cuts):
    stream = b"".join(parts)
    parser = framing.Parser()
    messages, damaged = read_in_pieces(parser, stream, cuts)
    assert messages == ble_reference.find_frames(stream)
    assert (messages, damaged) == read(framing.Parser(), stream)
    assert damaged == parser.bad_crc


@given(STREAMS, st.lists(st.integers(0, 2000), max_size=20))
def test_every_byte_is_accounted_for(parts, cuts):
    stream = b"".join(parts)
    parser = framing.Parser()
    messages, _ = read_in_pieces(parser, stream, cuts)
    read_bytes = sum(framing.HEADER + len(payload) for _, payload in messages)
    waiting = parser._end - parser._start
    assert parser.rubbish + read_bytes + waiting == len(stream)


@given(STREAMS, MESSAGES)
def test_after_any_rubbish_and_a_gap_the_next_message_is_read(parts, message):
    parser = framing.Parser()
    read(parser, b"".join(parts), 1000)
    messages, _ = read(parser, ble_reference.frame(*message), 6000)
    assert messages == [message]


@given(KINDS, st.binary(min_size=1, max_size=200), st.integers(0, 199), st.integers(0, 7))
def test_flipped_bit_in_a_payload_is_never_delivered(kind, payload, where, bit):
    frame = ble_reference.frame(kind, payload)
    messages, damaged = read(framing.Parser(), _flip(frame, 6 + where % len(payload), bit))
    assert (kind, payload) not in messages
    assert damaged == 1


@given(st.integers(0, 2**30 - 1), st.integers(0, 20000))
def test_gap_is_five_seconds_wherever_the_clock_stands(start_ms, gap_ms):
    parser = framing.Parser()
    frame = ble_reference.frame(framing.CLEAR, b"{}")
    read(parser, frame[:3], start_ms)
    messages, _ = read(parser, frame[3:], (start_ms + gap_ms) % 2**30)
    assert messages == ([(framing.CLEAR, b"{}")] if gap_ms < 5000 else [])
    assert parser.late == (gap_ms >= 5000)


@given(st.integers(6145, 70000))
def test_message_beyond_the_limit_is_never_framed(length):
    try:
        framing.frame(framing.CLEAR, bytes(length))
    except codes.Refusal as refusal:
        assert refusal.number == codes.TOO_LARGE
    else:
        raise AssertionError("framed")
