"""What the device says when a handshake is not refused in so many words."""

import os

import errors
from aws import tls
from aws.connector import Connector
from aws.mqtt import MQTTClient, Timing
from harness import equal, raises

COMPANIONS = ["tls_between"]
TIMEOUT_S = 20


class Timeouts:
    connect_s = 1


def stored(name):
    with open(name, "rb") as file:
        return file.read()


async def resolve(host, beat=None):
    return "127.0.0.1"


async def failure_of(server, handshake_ms=5000):
    context = tls.make_context([stored("root")], stored("client"), stored("client_key"))
    timing = Timing(connect_ms=2000, handshake_ms=handshake_ms, connack_ms=2000)
    port = int(os.getenv("PORT_" + server))
    client = MQTTClient("me", "broker.test", port, ssl=context, timing=timing, resolve=resolve)
    return await raises(errors.DeviceError, client.connect())


async def is_told(server, code, words, **options):
    failure = await failure_of(server, **options)
    equal((server, failure.code, words in failure.message or failure.message), (server, code, True))


async def test_a_server_that_names_more_cas_than_fit():
    await is_told("MANY_CAS", "tls_failed", "and for the names of the CAs that it takes")


async def test_a_server_that_keeps_silent_about_our_certificate():
    # As s2n does for 10 to 30 s, for one that it refuses.
    await is_told("KEEPS_SILENT", "tls_failed", "no full answer in 1 s to the device's certificate", handshake_ms=1000)


async def test_a_server_that_answers_too_slowly():
    await is_told("DRIBBLES", "tls_failed", "(no full answer in 1 s)", handshake_ms=1000)


async def test_no_certificate_is_shown_for_a_download_so_none_is_named():
    connector = Connector([stored("root")], resolve, Timeouts)
    connecting = connector.connect("broker.test", int(os.getenv("PORT_SILENT_ON_DOWNLOADS")), b"GET")
    failure = await raises(errors.RetryError, connecting)
    equal(failure.message, "The TLS handshake failed (no full answer in 1 s): the device tries again.")


async def test_a_server_that_sends_an_alert_for_an_answer_to_connect():
    await is_told("ALERTS", "not_authorised", "closed without CONNACK")


async def test_a_server_that_ends_the_handshake_by_a_goodbye():
    # As s2n does where no suite is known to both.
    await is_told("ENDED", "tls_failed", "ended it: does it speak TLS 1.2 with ECDHE and AES")


async def test_a_server_that_speaks_first_has_not_closed():
    for _ in range(5):  # the greeting may come before the handshake, or into it
        failure = await failure_of("GREETS")
        equal((failure.code in ("protocol", "tls_failed"), "closed" in failure.message[:60]), (True, False))
