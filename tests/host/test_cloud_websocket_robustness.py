"""WebSockets of bad peers harm only themselves, and end when MQTT and AWS say so."""

import contextlib
import http.client
import json
import logging
import ssl
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.host.cloud_desk import TIMEOUT_S, RawClient
from tests.host.cloud_websocket import BINARY, CLOSE, CONTINUATION, PING, TEXT, Frames, trusting
from tools.cloud import LocalCloud, client_packets
from tools.cloud.limits import Limits
from tools.cloud.packets import CONNACK, PINGREQ_PACKET, PINGRESP, SUBACK, Will, decode_publish


@pytest.fixture(scope="module")
def events():
    return []


@pytest.fixture(scope="module")
def cloud(tmp_path_factory, events):
    limits = Limits(bytes_per_s=1e6, publishes_per_s=None)
    log = lambda event, **details: events.append(event)  # noqa: E731
    with LocalCloud(tmp_path_factory.mktemp("cloud"), fast_keys=True, limits=limits, log=log) as cloud:
        yield cloud


@pytest.fixture(scope="module")
def bystander(cloud):
    with contextlib.closing(Frames(cloud).connect("bystander")) as client:
        yield client


@pytest.fixture
def websocket(cloud):
    with contextlib.ExitStack() as made:
        yield lambda *connect: made.enter_context(contextlib.closing(Frames(cloud))).connect(*connect)


@pytest.fixture(autouse=True)
def nothing_unexpected(caplog):
    """aiohttp and asyncio log what nobody has caught."""
    yield
    assert [record.getMessage() for record in caplog.records if record.levelno >= logging.ERROR] == []


def assert_unharmed(client):
    client.send(BINARY, PINGREQ_PACKET)
    assert client.packet() == (PINGRESP, b"")


FRAMES = st.tuples(
    st.sampled_from([BINARY, BINARY, CONTINUATION, TEXT, PING, CLOSE, 3, 11]),
    st.one_of(
        st.binary(max_size=200),
        st.sampled_from(
            [client_packets.publish("a", b"x", 1, 3), client_packets.subscribe(4, ("a/+", 1)), PINGREQ_PACKET]
        ),
    ),
    st.booleans(),
)


@given(st.booleans(), st.lists(FRAMES, min_size=1, max_size=5), st.binary(max_size=8))
@settings(max_examples=60)
def test_rubbish_ends_at_most_the_websocket_it_came_on(cloud, bystander, greets, frames, tail):
    with contextlib.closing(Frames(cloud)) as vandal, contextlib.suppress(ConnectionError, ssl.SSLError):
        if greets:
            vandal.connect("vandal")
        for opcode, payload, fin in frames:
            vandal.send(opcode, payload, fin)
        vandal.send_bytes(tail)
    assert_unharmed(bystander)


@given(st.binary(max_size=300))
@settings(max_examples=30)
def test_rubbish_in_the_place_of_http_harms_nobody(cloud, bystander, rubbish):
    with RawClient(cloud.https_port, trusting(cloud)) as vandal, contextlib.suppress(ConnectionError, ssl.SSLError):
        vandal.send(rubbish + b"\r\n\r\n")
    assert_unharmed(bystander)


def test_who_vanishes_in_the_middle_of_a_frame_is_noticed(cloud, websocket):
    client = websocket("vanishes")
    client.send_head(BINARY, 1000)
    client.close()
    until(cloud, lambda broker: "vanishes" not in broker.sessions)


@pytest.mark.parametrize(
    ("leave", "reason", "told"),
    [
        (lambda tab: tab.send(CLOSE, (1001).to_bytes(2, "big")), "CLIENT_INITIATED_DISCONNECT", []),
        (lambda tab: tab.close(), "CONNECTION_LOST", [b"gone"]),
    ],
    ids=["a tab is closed", "a browser dies"],
)
def test_the_last_will_is_of_those_who_vanish_not_of_those_who_close(cloud, websocket, leave, reason, told):
    watcher = websocket("watcher")
    filters = client_packets.subscribe(1, ("wills/tab", 0), ("$aws/events/presence/disconnected/tab", 0))
    watcher.send(BINARY, filters)
    assert watcher.packet()[0] == SUBACK
    with contextlib.closing(Frames(cloud)) as tab:
        tab.send(BINARY, client_packets.connect("tab", will=Will("wills/tab", b"gone")))
        assert tab.packet()[0] == CONNACK
        leave(tab)
        messages = [decode_publish(*watcher.packet()) for _ in range(len(told) + 1)]
    assert [message.payload for message in messages[:-1]] == told
    assert json.loads(messages[-1].payload)["disconnectReason"] == reason


def test_a_websocket_that_is_too_fast_is_slowed_down_and_loses_nothing(websocket, events):
    client = websocket("fast")
    packet_ids = range(1, 13)
    for packet_id in packet_ids:
        client.send(BINARY, client_packets.publish("fast", bytes(100_000), 1, packet_id))
    assert [client.packet()[1] for _ in packet_ids] == [each.to_bytes(2, "big") for each in packet_ids]
    assert "throughput_delayed" in events


@pytest.mark.parametrize(
    ("attribute", "age_s", "why"),
    [("received_at", 1.5 * 60, "MQTT_KEEP_ALIVE_TIMEOUT"), ("opened_at", 86400, "WEBSOCKET_TTL_EXPIRATION")],
)
def test_silence_and_a_day_end_a_websocket(cloud, websocket, attribute, age_s, why):
    client = websocket("aged")
    connection = cloud.call(lambda: cloud._broker.sessions["aged"].outlet)
    cloud.call(lambda: setattr(connection, attribute, getattr(connection, attribute) - age_s + 2))
    cloud.sweep()
    assert_unharmed(client)
    cloud.call(lambda: setattr(connection, attribute, getattr(connection, attribute) - age_s))
    cloud.sweep()
    assert client.close_code() == 1000
    assert connection.end_reason == why


def test_a_fault_of_the_certificate_is_shown_to_websockets_too(cloud):
    cloud.faults.certificate = "expired"
    try:
        connection = http.client.HTTPSConnection(
            "localhost", cloud.https_port, timeout=TIMEOUT_S, context=trusting(cloud)
        )
        with pytest.raises(ssl.SSLCertVerificationError, match="expired"):
            connection.request("GET", "/mqtt")
    finally:
        cloud.faults.clear()


def until(cloud, is_so):
    """Wait until something is so in the broker."""
    deadline = time.monotonic() + TIMEOUT_S
    while not cloud.call(is_so, cloud._broker):
        assert time.monotonic() < deadline, "it never came to it"
        time.sleep(0.01)
