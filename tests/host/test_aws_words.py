"""The pure files of the AWS room, in CPython: topics against a second implementation, packets against paho's, rates."""

import itertools

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from paho.mqtt.client import topic_matches_sub

import errors
from aws import packets, requests, topics
from aws.rate import Rate
from aws.receiver import Receiver

LEVEL = st.sampled_from(["", "a", "b", "ab", "$aws", "+", "#"])
NAME = st.lists(LEVEL, min_size=1, max_size=6).map("/".join)


def is_valid_filter(name):
    levels = name.split("/")
    return name != "" and "#" not in levels[:-1]


def is_valid_topic(name):
    return name != "" and "+" not in name and "#" not in name


# Topics


@given(NAME.filter(is_valid_filter), NAME.filter(is_valid_topic))
@example("a/#", "a")
@example("+/+", "/a")
@example("#", "$aws/things")
@example("+/things", "$aws/things")
@settings(max_examples=2000)
def test_a_filter_covers_what_paho_s_covers(topic_filter, topic):
    expected = topic_matches_sub(topic_filter, topic)
    assert packets.matches(topic_filter.encode(), topic.encode()) == expected


@given(st.text(max_size=300))
def test_a_topic_is_taken_or_refused_by_its_rules(topic):
    size = len(topic.encode())
    fine = 0 < size <= 256 and topic.count("/") <= 7 and not set(topic) & set("#+\0")
    if fine:
        assert topics.check_topic(topic) == topic.encode()
    else:
        with pytest.raises(errors.BugError) as refusal:
            topics.check_topic(topic)
        assert refusal.value.code == "limit"


@given(NAME)
def test_wildcards_stand_only_where_mqtt_has_them(name):
    if is_valid_filter(name) and name.count("/") <= 7:
        assert topics.check_filter(name) == name.encode()
    else:
        with pytest.raises(errors.BugError):
            topics.check_filter(name)


@pytest.mark.parametrize("name", ["a+", "+a/b", "a/#b", "#/a", "a/b#"])
def test_a_wildcard_beside_other_characters_is_refused(name):
    with pytest.raises(errors.BugError):
        topics.check_filter(name)


# Packets


def written(first, topic, packet_id, payload):
    buffer = bytearray(len(topic) + 9)
    return bytes(buffer[: packets.publish_head(buffer, first, topic, packet_id, len(payload))]) + payload


def packets_in(data):
    """(first, body) of each packet, by a parser that shares nothing with ours."""
    found = []
    stream = iter(data)
    for first in stream:
        size = 0
        for shift in itertools.count(0, 7):
            byte = next(stream)
            size += (byte & 127) << shift
            if byte < 128:
                break
        found.append((first, bytes(itertools.islice(stream, size))))
    return found


@given(
    st.binary(min_size=1, max_size=300),
    st.integers(1, 65535),
    st.sampled_from([0, 1, 120, 127, 128, 16000, 16384, 131072]),
    st.sampled_from([0x30, 0x31, 0x32, 0x33, 0x3A]),
)
def test_a_publish_reads_back(topic, packet_id, size, first):
    payload = b"x" * size
    [(read_first, body)] = packets_in(written(first, topic, packet_id, payload))
    identifier = packet_id.to_bytes(2, "big") if first & 6 else b""
    assert (read_first, body) == (first, len(topic).to_bytes(2, "big") + topic + identifier + payload)


def test_connect_is_the_packet_of_the_specification():
    assert requests.connect("me", 60, True, None, None, None) == b"\x10\x0e\x00\x04MQTT\x04\x02\x00\x3c\x00\x02me"
    will = ("w", b"gone", 1, True)
    full = requests.connect(b"me", 0, False, "u", "p", will)
    assert full == b"\x10\x1d\x00\x04MQTT\x04\xec\x00\x00\x00\x02me\x00\x01w\x00\x04gone\x00\x01u\x00\x01p"


def test_subscribe_and_unsubscribe_are_the_packets_of_the_specification():
    assert requests.subscribe(10, [b"a/b", b"c"], 1) == b"\x82\x0c\x00\x0a\x00\x03a/b\x01\x00\x01c\x01"
    assert requests.unsubscribe(10, [b"a/b"]) == b"\xa2\x07\x00\x0a\x00\x03a/b"


# The receiver


class Collector:
    """Feeds a receiver in pieces and keeps what it finds; `None` for the body of what is too large."""

    def __init__(self, size):
        self.found = []
        self._receiver = Receiver(bytearray(size))

    def feed(self, piece):
        while piece:
            space = self._receiver.space()
            assert len(space) > 0
            part = piece[: len(space)]
            space[: len(part)] = part
            self._receiver.added(len(part))
            piece = piece[len(part) :]
            while self._receiver.next():
                self._keep(self._receiver)

    def _keep(self, receiver):
        body = bytes(receiver.buffer[receiver.body : receiver.stop])
        self.found.append((receiver.first, None if receiver.too_large else body))


PUBLISH = st.builds(
    lambda topic, payload, qos: written(0x30 | qos << 1, topic, 7, payload),
    st.binary(min_size=1, max_size=20),
    st.one_of(st.binary(max_size=60), st.sampled_from([b"y" * 200, b"z" * 5000])),
    st.sampled_from([0, 1]),
)
ANSWER = st.sampled_from([b"\x40\x02\x00\x07", b"\xd0\x00", b"\x90\x03\x00\x01\x01"])


@given(st.lists(st.one_of(PUBLISH, ANSWER), max_size=12), st.data())
@settings(max_examples=500)
def test_packets_are_found_however_the_stream_is_cut(sent, data):
    stream = b"".join(sent)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=20)))
    collector = Collector(64)
    for begin, end in zip([0, *cuts], [*cuts, len(stream)], strict=True):
        collector.feed(stream[begin:end])
    known = zip(sent, packets_in(stream), strict=True)
    expected = [(first, body if len(packet) <= 64 else None) for packet, (first, body) in known]
    assert collector.found == expected


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


# Rates


@given(
    st.integers(1, 200),
    st.lists(st.tuples(st.integers(0, 400), st.integers(1, 3)), min_size=1, max_size=200),
)
@settings(max_examples=300)
def test_no_second_carries_more_than_the_limit(limit, wishes):
    rate, now_ms, taken = Rate(limit, 0), 0, []
    for pause_ms, amount in wishes:
        now_ms += pause_ms
        wait_ms = rate.wait_ms(amount, now_ms)
        while wait_ms:
            now_ms += wait_ms
            wait_ms = rate.wait_ms(amount, now_ms)
        rate.take(amount)
        taken.append((now_ms, amount))
    largest = max(amount for _, amount in taken)
    for begin_ms, _ in taken:
        in_a_second = sum(amount for at_ms, amount in taken if begin_ms <= at_ms < begin_ms + 1000)
        assert in_a_second <= limit + largest


def test_the_whole_rate_is_used_when_there_is_enough_to_send():
    rate, now_ms, sent = Rate(100, 0), 0, 0
    while now_ms < 60000:
        wait_ms = rate.wait_ms(1, now_ms)
        now_ms += wait_ms
        if not wait_ms:
            rate.take(1)
            sent += 1
    assert sent >= 60 * 88


def test_a_rate_goes_on_when_the_clock_of_ticks_wraps_around():
    end = 1 << 30
    rate = Rate(10, end - 100)
    assert rate.wait_ms(1, end - 100) == 0
    rate.take(1)
    assert 0 < rate.wait_ms(1, end - 100) < 200
    assert rate.wait_ms(1, 100) == 0


def test_no_limit_is_no_limit():
    rate = Rate(0, 0)
    for _ in range(1000):
        assert rate.wait_ms(1000, 0) == 0
        rate.take(1000)
