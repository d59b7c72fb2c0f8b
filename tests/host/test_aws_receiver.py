"""The receiver cuts a stream into packets, however it arrives, with little memory for small ones and more for large."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import errors
from aws import receiver
from tests.host.mqtt_packets import packets_in, written


class Collector:
    """Feeds a receiver in pieces and keeps what it finds; `None` for the body of what is skipped."""

    def __init__(self, size):
        self.found = []
        self.reasons = []
        self.receiver = receiver.Receiver(size)

    def feed(self, piece):
        while piece:
            space = self.receiver.space()
            assert len(space) > 0
            part = piece[: len(space)]
            space[: len(part)] = part
            self.receiver.added(len(part))
            piece = piece[len(part) :]
            while self.receiver.next():
                self._keep(self.receiver)

    def _keep(self, found):
        body = bytes(found.buffer[found.body : found.stop])
        self.found.append((found.first, None if found.skipped else body))
        if found.skipped:
            self.reasons.append(found.skipped)


PUBLISH = st.builds(
    lambda topic, payload, qos: written(0x30 | qos << 1, topic, 7, payload),
    st.binary(min_size=1, max_size=20),
    st.one_of(st.binary(max_size=60), st.sampled_from([200, 5000]).map(lambda size: b"y" * size)),
    st.sampled_from([0, 1]),
)
ANSWER = st.sampled_from([b"\x40\x02\x00\x07", b"\xd0\x00", b"\x90\x03\x00\x01\x01"])


SMALL = 1024  # the buffer that is always there
LIMIT = 3000
# A topic of 5 bytes and a packet id: packets of sizes around those at which something changes.
SIZES = [0, 50, *range(SMALL - 16, SMALL), 1500, *range(LIMIT - 16, LIMIT), 5000]
LARGE = st.builds(
    lambda first, size, qos: written(0x30 | qos << 1, b"topic", 7, bytes([first]) * size),
    st.integers(0, 255),
    st.sampled_from(SIZES),
    st.sampled_from([0, 1]),
)


def cut(data, stream):
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=20)))
    return [stream[begin:end] for begin, end in zip([0, *cuts], [*cuts, len(stream)], strict=True)]


def found_of(sent, limit):
    """What a receiver finds that takes packets of at most `limit` bytes."""
    known = zip(sent, packets_in(b"".join(sent)), strict=True)
    return [(first, body if len(packet) <= limit else None) for packet, (first, body) in known]


@given(st.lists(st.one_of(PUBLISH, ANSWER), max_size=12), st.data())
@settings(max_examples=500)
def test_packets_are_found_however_the_stream_is_cut(sent, data):
    collector = Collector(64)
    for piece in cut(data, b"".join(sent)):
        collector.feed(piece)
    assert collector.found == found_of(sent, 64)


@given(st.lists(st.one_of(LARGE, ANSWER), max_size=12), st.sampled_from([0, 2000, 5120]), st.data())
@settings(max_examples=300)
def test_large_packets_have_a_buffer_of_their_own_for_as_long_as_they_are_there(sent, reserved, data):
    collector = Collector(LIMIT)
    collector.receiver.reserve(reserved)
    for piece in cut(data, b"".join(sent)):
        collector.feed(piece)
    assert collector.found == found_of(sent, LIMIT)
    assert len(collector.receiver.buffer) == SMALL


@given(st.lists(st.one_of(LARGE, ANSWER), max_size=12), st.sampled_from([0, 2000]), st.data())
@settings(max_examples=300)
def test_large_packets_are_skipped_without_memory_except_for_what_is_reserved(sent, reserved, data):
    collector = Collector(LIMIT)
    collector.receiver.reserve(reserved)
    receiver.bytearray = refuse
    try:
        for piece in cut(data, b"".join(sent)):
            collector.feed(piece)
    finally:
        del receiver.bytearray
    assert collector.found == found_of(sent, max(SMALL, reserved))
    large = [len(packet) for packet in sent if len(packet) > max(SMALL, reserved)]
    assert collector.reasons == ["too_large" if size > LIMIT else "no_memory" for size in large]


def refuse(size):
    raise MemoryError


def test_a_connection_that_ends_within_a_large_packet_leaves_nothing_behind():
    collector = Collector(LIMIT)
    collector.feed(written(0x30, b"topic", 7, bytes(2000))[:1500])
    assert len(collector.receiver.buffer) > SMALL
    collector.receiver.reset()
    assert len(collector.receiver.buffer) == SMALL
    collector.feed(b"\xd0\x00")
    assert collector.found == [(0xD0, b"")]


@given(st.lists(st.binary(max_size=200), max_size=20))
@settings(max_examples=1000)
def test_rubbish_is_a_protocol_error_or_waited_for_but_never_anything_else(pieces):
    collector = Collector(64)
    try:
        for piece in pieces:
            collector.feed(piece)
    except errors.RetryError as error:
        assert error.code == "protocol"


@pytest.mark.parametrize(
    "rubbish",
    [
        b"\x30\xff\xff\xff\xff\x01",  # a length of five bytes
        b"\x90\xff\x7f" + bytes(100),  # a SUBACK of 16 KB
        b"\x30\xff\x7f\x50\x00" + bytes(100),  # a topic longer than its packet
        b"\x30\xff\x7f\x30\x00" + bytes(100),  # a topic longer than the buffer
    ],
)
def test_what_can_never_become_a_packet_is_refused_at_once(rubbish):
    with pytest.raises(errors.RetryError) as refusal:
        Collector(64).feed(rubbish)
    assert refusal.value.code == "protocol"
