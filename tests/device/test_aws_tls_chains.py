"""Servers that others run: their certificates lead to a root in many ways, or do not; what the device says of each."""

import os

import certificates
import errors
from aws import failures, tls
from aws.connector import Connector
from aws.mqtt import MQTTClient, Timing
from harness import equal, raises

COMPANIONS = ["tls_chains"]
TIMEOUT_S = 20
HOST = "broker.test"


class Timeouts:
    connect_s = 3


def stored(name):
    with open(name, "rb") as file:
        return file.read()


async def resolve(host, beat=None):
    return "127.0.0.1"


async def connect(server, *roots, host=HOST, pair=None):
    """Connect to the server, have something acknowledged, and say goodbye."""
    cert, key = pair or (stored("client"), stored("client_key"))
    context = tls.make_context([stored(root) for root in roots or ("root",)], cert, key)
    timing = Timing(connect_ms=2000, handshake_ms=5000, connack_ms=2000)
    client = MQTTClient("me", host, int(os.getenv("PORT_" + server)), ssl=context, timing=timing, resolve=resolve)
    await client.connect()
    await client.publish(b"t", b"x", qos=1)
    await client.disconnect()


async def told(server, *roots, **options):
    failure = await raises(errors.DeviceError, connect(server, *roots, **options))
    return failure.code, failure.message


async def is_told(server, code, words, *roots, **options):
    found, message = await told(server, *roots, **options)
    equal((server, found, words in message or message), (server, code, True))


async def test_all_that_leads_to_a_trusted_root_is_reached():
    for server in ("CHAIN", "WITH_OTHERS", "LARGE", "DEEP", "STRANGE_NAMES", "LONG_VALID"):
        await connect(server)
    await connect("P384", "p384_root")
    await connect("P521", "p521_root")


async def test_a_root_that_another_signed_may_be_trusted_itself_or_by_that():
    for roots in (("new_root",), ("old_root",), ("old_root", "new_root"), ("new_root", "old_root")):
        await connect("CROSS_SIGNED", *roots)


async def test_a_root_does_not_suffer_from_those_beside_it():
    for others in (("root", "root"), ("expired_root", "root"), ("name_twice", "root"), ("root", "name_twice")):
        await connect("CHAIN", *others)


async def test_a_root_that_cannot_be_read_is_named():
    code, message = await told("CHAIN", "root", "unreadable_root")
    equal((code, message[:21]), ("bad_certificate", "Trusted root 2 of 2 i"))


async def test_a_name_is_that_of_the_endpoint_however_it_is_written():
    for server in ("WILDCARD", "UPPER_CASE", "NAME_ALONE"):
        await connect(server)
    await connect("CHAIN", host="Broker.TEST")
    await connect("ADDRESS_ALONE", host="127.0.0.1")
    await is_told("ADDRESS_ALONE", "server_cert_wrong_name", "'broker.test': check the AWS endpoint or server name")
    await is_told("CHAIN", "server_cert_wrong_name", "127.0.0.1", host="127.0.0.1")


async def test_a_chain_that_leads_nowhere():
    for server in ("OUT_OF_ORDER", "INCOMPLETE"):
        await is_told(server, "server_cert_untrusted", "send its chain")
    await is_told("CHAIN", "server_cert_untrusted", "set the right CA", "name_twice")


async def test_whatever_of_a_chain_has_expired():
    await is_told("EXPIRED_ABOVE", "server_cert_expired", "or one above it")
    await is_told("EXPIRED_ROOT", "server_cert_expired", "or one above it", "expired_root")


async def test_a_certificate_that_is_none_for_servers_is_not_called_one_for_another_name():
    await is_told("FOR_CLIENTS", "tls_failed", "not one for servers")
    await is_told("FOR_CLIENTS_EXPIRED", "server_cert_expired", "has expired")


async def test_more_than_tls_on_the_chip_takes():
    await is_told("TOO_LARGE", "tls_failed", "16 KB")
    await is_told("TOO_DEEP", "tls_failed", "more than 8 certificates")
    await is_told("UNKNOWN_CRITICAL", "tls_failed", "does not know: MBEDTLS_ERR_X509_INVALID_EXTENSIONS")


async def test_a_router_in_between_is_a_stranger():
    # So much is wrong with its certificate that MicroPython has no room to say it.
    await is_told("ROUTER", "server_cert_untrusted", "No trusted root")


async def test_what_a_server_insists_on():
    for server in ("AES_256", "CBC", "STATIC_RSA", "UP_TO_1_3", "ASKS"):
        await connect(server)
    await is_told("CHACHA", "tls_failed", "ECDHE and AES")
    await is_told("BRAINPOOL", "tls_failed", "its key RSA or P-256")
    await is_told("TLS_1_0", "tls_failed", "does not speak TLS 1.2")


async def test_a_device_may_have_a_key_of_any_curve_that_aws_takes():
    for name in ("p384", "p521"):
        for form in ("_key", "_pkcs8"):
            pair = certificates.pair(stored(name), stored(name + form))
            await connect("ASKS", pair=pair)
        failure = raises(errors.PersonError, lambda it=name: certificates.pair(stored("client"), stored(it + "_key")))
        equal(failure.code, "key_mismatch")


async def test_servers_of_downloads_are_judged_alike():
    async def open_connection(server):
        connector = Connector([stored("root")], resolve, Timeouts)
        link = await connector.connect(HOST, int(os.getenv("PORT_" + server)), b"GET ")
        link.close()

    for server in ("CHAIN", "UP_TO_1_3", "ASKS_POLITELY"):
        await open_connection(server)
    for server, code in (
        ("INCOMPLETE", "server_cert_untrusted"),
        ("EXPIRED_ABOVE", "server_cert_expired"),
        ("ADDRESS_ALONE", "server_cert_wrong_name"),
        ("TOO_DEEP", "tls_failed"),
        ("ASKS", "connection_lost"),  # no certificate was shown, so none was refused
    ):
        equal((server, (await raises(errors.DeviceError, open_connection(server))).code), (server, code))


def test_a_goodbye_in_the_handshake_is_no_verdict_before_our_certificate_was_seen():
    equal(failures.handshake_failure(OSError(-30848), "host", False, False).code, "tls_failed")
    equal(failures.handshake_failure(OSError(-30848), "host", True, False).code, "cert_refused")


def test_what_has_a_name_in_mbed_tls_is_told_by_it():
    lost = failures.connection_failure(OSError(-29056, "MBEDTLS_ERR_SSL_INVALID_MAC"))
    equal("MBEDTLS_ERR_SSL_INVALID_MAC" in lost.message, True)
    equal("error -29056" in failures.connection_failure(OSError(-29056)).message, True)
