"""The pure files of the AWS room, in CPython: topics against a second implementation, packets against paho's, rates."""

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from paho.mqtt.client import topic_matches_sub

import errors
from aws import packets, requests, topics
from aws.rate import Rate
from tests.host.mqtt_packets import packets_in, written

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


@pytest.mark.parametrize("check", [topics.check_topic, topics.check_filter])
def test_bytes_that_are_no_text_are_refused(check):
    with pytest.raises(errors.BugError) as refusal:
        check(b"devices/\x24\x0a\xc4")
    assert refusal.value.code == "limit"
    assert "devices/" in refusal.value.message


@pytest.mark.parametrize("name", ["a+", "+a/b", "a/#b", "#/a", "a/b#"])
def test_a_wildcard_beside_other_characters_is_refused(name):
    with pytest.raises(errors.BugError):
        topics.check_filter(name)


# Packets


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
