"""What each failure on the road to a TLS broker is told as, and that a good one is reached."""

import asyncio
import errno
import os
import ssl

import simulation

import errors
from aws import failures, tls
from aws.connector import Connector
from aws.mqtt import MQTTClient, Timing
from harness import equal, raises

COMPANIONS = ["tls_servers"]
TIMEOUT_S = 20


class Timeouts:
    connect_s = 3


def stored(name):
    with open(name, "rb") as file:
        return file.read()


async def resolve(host, beat=None):
    return "127.0.0.1"


def client_for(server, context, connect_ms=2000, handshake_ms=3000):
    timing = Timing(connect_ms=connect_ms, handshake_ms=handshake_ms, connack_ms=2000)
    port = int(os.getenv("PORT_" + server))
    return MQTTClient("me", "broker.test", port, ssl=context, timing=timing, resolve=resolve)


def trusting(*roots, pair="client"):
    return tls.make_context([stored(root) for root in roots or ("root",)], stored(pair), stored(pair + "_key"))


async def code_of(server, context=None, **options):
    client = client_for(server, context or trusting(), **options)
    failure = await raises(errors.DeviceError, client.connect())
    equal(client.is_connected, False)
    return failure.code


async def reach(server, context):
    """Connect, and send what needs several TLS records in both directions."""
    client = client_for(server, context)
    heard = [0]

    def hear(topic, message):
        heard[0] += len(message)

    client.set_callback(hear)
    await client.connect()
    await asyncio.gather(*[client.publish(b"t", b"x" * 5000, qos=1) for _ in range(30)])
    await client.publish(b"$flood", b'{"count": 500, "size": 3000, "qos": 1, "topic": "t"}', qos=1)
    while heard[0] < 1500000:
        await asyncio.sleep_ms(5)
    await client.disconnect()


async def test_a_server_that_shows_a_trusted_certificate_is_reached():
    await reach("GOOD", trusting())


async def test_rsa_certificates_on_both_sides():
    await reach("RSA", trusting(pair="rsa_client"))


async def test_each_of_several_roots_is_trusted():
    context = trusting("other_root", "root")
    await reach("GOOD", context)
    await reach("OTHER", context)


async def test_a_context_serves_many_connections():
    context = trusting()
    for _ in range(3):
        client = client_for("GOOD", context)
        await client.connect()
        await client.publish(b"t", b"x", qos=1)
        await client.disconnect()


def test_a_client_verifies_because_the_firmware_says_so():
    equal(ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).verify_mode, ssl.CERT_NONE)  # the port's default
    equal(trusting().verify_mode, ssl.CERT_REQUIRED)


async def test_an_expired_certificate_is_told_as_expired():
    equal(await code_of("EXPIRED"), "server_cert_expired")


async def test_a_certificate_that_is_not_valid_yet_is_told_as_that():
    equal(await code_of("FUTURE"), "server_cert_not_yet_valid")


async def test_a_certificate_signed_by_a_stranger_is_told_as_untrusted():
    equal(await code_of("OTHER"), "server_cert_untrusted")


async def test_one_that_seems_untrusted_for_want_of_memory_is_told_as_that():
    board = simulation.board
    before = board.idf_heap
    try:
        for free, code in ((20000, "no_memory"), (60000, "server_cert_untrusted")):
            board.idf_heap = 2000, free
            equal(await code_of("OTHER"), code)
        board.idf_heap = 2000, 20000
        equal(await code_of("EXPIRED"), "server_cert_expired")
    finally:
        board.idf_heap = before


async def test_a_certificate_for_another_name():
    equal(await code_of("WRONG_NAME"), "server_cert_wrong_name")


async def test_a_server_that_refuses_our_certificate():
    equal(await code_of("GOOD", trusting(pair="foreign")), "cert_refused")


async def test_a_server_that_wants_a_certificate_we_do_not_have():
    equal(await code_of("GOOD", tls.make_context([stored("root")])), "cert_refused")


async def test_what_ends_before_our_certificate_does_not_refuse_it():
    # The device would throw away credentials that are new.
    equal(await code_of("TLS_1_3"), "tls_failed")
    equal(await code_of("CUT"), "tls_failed")


async def test_a_download_shows_no_certificate_that_could_be_refused():
    connector = Connector([stored("root")], resolve, Timeouts)
    failure = await raises(errors.RetryError, connector.connect("broker.test", int(os.getenv("PORT_GOOD")), b"GET"))
    equal((failure.code, "downloads show no certificate" in failure.message), ("connection_lost", True))


async def test_a_port_that_does_not_speak_tls():
    equal(await code_of("PLAIN"), "tls_failed")


async def test_a_server_that_never_answers_the_handshake():
    equal(await code_of("SILENT", handshake_ms=300), "tls_failed")


async def test_where_the_chip_has_no_memory_left_no_server_is_blamed():
    simulation.board.idf_heap = (1000, 2000)
    try:
        equal(await code_of("SILENT", handshake_ms=300), "no_memory")
        equal(await code_of("EXPIRED"), "no_memory")
    finally:
        simulation.board.idf_heap = (8180, 41000)


async def test_a_port_that_is_blocked():
    equal(await code_of("BLOCKED", connect_ms=300), "port_blocked")


def test_what_only_the_chip_or_a_bad_network_raises():
    def connecting(number):
        return failures.connect_failure(OSError(number), "host", 8883).code

    equal(connecting(errno.EHOSTUNREACH), "unreachable")
    equal(connecting(errno.ECONNRESET), "refused")  # lwIP's word for it
    equal(connecting(errno.ETIMEDOUT), "port_blocked")
    equal(connecting(errno.ENOMEM), "no_memory")


def test_memory_that_runs_out_in_the_handshake():
    equal(failures.handshake_failure(MemoryError(), "host", False, False).code, "no_memory")
    for number in (errno.ENOMEM, -32512, -10368, -0x3B10, 16):
        equal(failures.handshake_failure(OSError(number), "host", False, False).code, "no_memory")


def test_a_server_that_closes_once_it_has_seen_our_certificate_refuses_it():
    for number in (-29312, errno.ECONNRESET):
        equal(failures.handshake_failure(OSError(number), "host", False, False).code, "tls_failed")
        equal(failures.handshake_failure(OSError(number), "host", True, False).code, "cert_refused")
    equal(failures.handshake_failure(OSError(errno.ECONNRESET), "host", True, True).code, "cert_refused")


def test_a_handshake_that_is_broken_off_is_told_without_numbers():
    for number in (errno.ECONNRESET, -errno.ECONNRESET, 32):  # as by a broker that has enough clients
        failure = failures.handshake_failure(OSError(number), "host", False, False)
        equal((failure.code, "does the server take one more client" in failure.message), ("tls_failed", True))


def test_errors_of_the_socket_below_tls_have_another_sign_in_micropython_1_24():
    for number in (errno.ECONNRESET, 32):
        equal(failures.handshake_failure(OSError(-number), "host", True, False).code, "cert_refused")
        lost = failures.connection_failure(OSError(-number))
        equal((lost.code, lost.message), ("connection_lost", failures.connection_failure(OSError(number)).message))
        equal(failures.unanswered_failure(lost).code, "not_authorised")
    equal(failures.connection_failure(OSError(-errno.ENOMEM)).code, "no_memory")
    equal(failures.handshake_failure(OSError(-errno.ENOMEM), "host", False, False).code, "no_memory")


def test_a_connect_that_is_answered_by_the_end_of_the_connection_is_refused():
    # Not by a goodbye of TLS: the socket was just closed.
    equal(failures.unanswered_failure(failures.connection_failure(OSError(-29312))).code, "not_authorised")


def test_the_worst_of_several_verdicts_is_told():
    both = ValueError(
        "\nThe certificate validity has expired\nThe certificate is not correctly signed by the trusted CA\n"
    )
    equal(failures.handshake_failure(both, "host", False, False).code, "server_cert_untrusted")


def test_every_connack_code_is_told():
    codes = [failures.connack_failure(code).code for code in range(1, 8)]
    equal(codes, ["protocol", "not_authorised", "server_busy"] + ["not_authorised"] * 4)
    equal("client id" in failures.connack_failure(2).message, True)


def test_without_a_root_there_is_no_context():
    failure = raises(errors.PersonError, lambda: tls.make_context([]))
    equal(failure.code, "settings_missing")


def test_a_root_that_is_none_is_told():
    failure = raises(errors.PersonError, lambda: tls.make_context([b"\x30\x03abc"]))
    equal(failure.code, "bad_certificate")
