"""A server is asked for its certificate with an EC key first, which takes less memory; then for any."""

import os

import errors
import events
from aws import tls
from aws_desk import THING, Desk, stored
from harness import equal
from scripted_broker import until

COMPANIONS = ["tls_servers"]
TIMEOUT_S = 20


class Device(Desk):
    """Its road gives the credentials again whenever they are asked for."""

    def __init__(self, server, **options):
        super().__init__(port=int(os.getenv("PORT_" + server)), run=False, **options)
        self.only_ec_at_reloads = []
        self.aws.only_ec = True  # as before the desk gave the credentials
        self.aws.reload = self._reload
        self._use()

    def _use(self):
        self.aws.use(THING, stored("client"), stored("client_key"))

    @property
    def reloads(self):
        return len(self.only_ec_at_reloads)

    def _reload(self):
        self.only_ec_at_reloads.append(self.aws.only_ec)
        self._use()

    def codes(self):
        return [data["code"] for data in self.of(events.AWS_DISCONNECTED)]


async def test_where_there_are_both_the_one_with_an_ec_key_is_taken():
    async with Device("EC_BESIDE_RSA") as device:
        device.start()
        await device.aws.connected()
        equal((device.reloads, device.aws.only_ec, device.codes()), (0, True, []))


async def test_without_a_way_back_all_are_taken_from_the_beginning():
    async with Desk(port=int(os.getenv("PORT_RSA_BESIDE_EC"))) as desk:
        await desk.aws.connected()
        equal(desk.of(events.AWS_DISCONNECTED), [])


async def test_a_server_without_an_ec_key_is_taken_at_once():
    async with Device("RSA") as device:
        device.start()
        await device.aws.connected()
        equal((device.reloads, device.aws.only_ec, device.codes()), (1, False, []))


async def test_a_server_whose_ec_key_nobody_vouches_for_is_taken_by_its_other_one():
    async with Device("RSA_BESIDE_EC") as device:
        device.start()
        await device.aws.connected()
        equal((device.reloads, device.aws.only_ec, device.codes()), (1, False, []))


async def test_where_both_fail_the_next_attempt_begins_with_the_one_of_less_memory():
    async with Device("TLS_1_3") as device:
        device.start()
        await until(lambda: len(device.codes()) > 1)
        equal(device.codes()[:2], ["tls_failed"] * 2)
        equal(device.only_ec_at_reloads[:3], [False, True, False])  # the first of four had the pair


async def test_a_network_that_goes_away_in_the_handshake_does_not_settle_the_kind():
    asked = []

    async def resolve(host, beat=None):
        asked.append(host)
        if len(asked) == 2:  # the first one stood for a network that cuts, this is the second of that attempt
            device.aws._client.port = int(os.getenv("PORT_EC_BESIDE_RSA"))
            raise errors.error("no_dns", host)
        return "127.0.0.1"

    async with Device("RSA", resolve=resolve) as device:
        device.start()
        await device.aws.connected()
        equal((device.codes(), device.aws.only_ec, len(asked)), (["no_dns"], True, 3))


async def test_a_silent_server_is_waited_for_once():
    async with Device("SILENT", connect_s=1) as device:
        device.start()
        await until(device.codes)
        equal((device.codes()[0], device.reloads), ("tls_failed", 0))


async def test_what_no_other_key_would_change_is_told_after_one_attempt():
    for server, code in (
        ("EXPIRED", "server_cert_expired"),
        ("WRONG_NAME", "server_cert_wrong_name"),
    ):
        async with Device(server) as device:
            device.start()
            await until(device.codes)
            equal((device.codes()[0], device.reloads), (code, 0))


async def test_a_server_that_changes_its_key_is_found_again():
    async with Device("EC_BESIDE_RSA") as device:
        device.start()
        await device.aws.connected()
        device.aws._settings.aws.port = device.aws._client.port = int(os.getenv("PORT_RSA"))
        await device.aws._client.disconnect()
        await until(lambda: device.aws.connections == 2)
        equal((device.reloads, device.aws.only_ec, len(device.codes())), (1, False, 1))


async def test_credentials_that_are_gone_are_told_as_that():
    async with Device("RSA") as device:
        device.aws.reload = lambda: None
        device.start()
        await until(device.codes)
        equal(device.codes()[0], "settings_missing")


def test_only_roots_with_such_a_key_count():
    equal((tls.has_ec([stored("root")]), tls.has_ec([]), tls.has_ec([b"0123"])), (True, False, False))


async def test_a_micropython_that_cannot_choose_takes_all():
    class Unable:
        def set_ciphers(self, names):
            raise OSError(-24192, "MBEDTLS_ERR_SSL_BAD_CONFIG")

    equal(tls._take_ec_only(Unable()), False)
