"""What a TLS client offers is read from its first record. The oracle is OpenSSL, which writes that record."""

import socket
import ssl

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.host.cloud_desk import TIMEOUT_S
from tools.cloud import LocalCloud
from tools.cloud.client_hello import read


def hello(*protocols):
    """The first record of a client, and the client that goes on with what is answered."""
    context = ssl.create_default_context()
    if protocols:
        context.set_alpn_protocols(list(protocols))
    outgoing = ssl.MemoryBIO()
    client = context.wrap_bio(ssl.MemoryBIO(), outgoing, server_hostname="localhost")
    with pytest.raises(ssl.SSLWantReadError):
        client.do_handshake()
    return outgoing.read()


@pytest.mark.parametrize("protocols", [(), ("http/1.1",), ("x-amzn-mqtt-ca",), ("h2", "http/1.1", "x" * 255)])
def test_what_a_client_offers_is_read(protocols):
    assert read(hello(*protocols)) == list(protocols)


HELLO = hello("h2", "x-amzn-mqtt-ca")


@given(st.integers(0, len(HELLO) - 1), st.binary(max_size=3))
def test_what_is_damaged_is_read_as_something_or_nothing(at, damage):
    assert isinstance(read(HELLO[:at] + damage + HELLO[at + len(damage) :]), list)
    assert isinstance(read(HELLO[:at] + damage), list)


def test_a_record_in_pieces_is_waited_for_and_what_is_no_tls_is_refused(tmp_path):
    with LocalCloud(tmp_path, fast_keys=True) as cloud:
        for pieces, answer in (((HELLO[:3], HELLO[3:100], HELLO[100:]), b"\x16\x03\x03"), ((b"GET /",), b"")):
            with socket.create_connection(("127.0.0.1", cloud.https_port), TIMEOUT_S) as client:
                client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                for piece in pieces:
                    client.sendall(piece)
                assert received(client) == answer


def received(client):
    """The head of what is answered; nothing at the end of the stream."""
    try:
        return client.recv(3)
    except ConnectionResetError:
        return b""
