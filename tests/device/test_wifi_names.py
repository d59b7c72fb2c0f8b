"""Names asked of the network's servers: silence, forged and hostile answers, the chip's own resolver."""

import asyncio
import time

import network

import errors
import resolver
from fakes import Group
from harness import equal, raises
from radio import Radio, online, world


async def test_name_is_resolved():
    radio = await online()
    address = world.name("broker.example", 1)
    equal(await radio.wifi.resolve("broker.example"), address)


async def test_address_needs_no_network():
    equal(await Radio().wifi.resolve("10.1.2.3"), "10.1.2.3")


async def test_a_name_that_nobody_knows_is_told_as_unknown_name():
    radio = await online()
    equal((await raises(errors.PersonError, radio.wifi.resolve("nobody.example"))).code, "unknown_name")


async def test_no_answer_to_names():
    radio = await online()
    world.name("broker.example", 1)
    world.dns = False
    world.dns_timeout_ms = 1
    equal((await raises(errors.RetryError, radio.wifi.resolve("broker.example"))).code, "no_dns")


def test_each_server_is_asked_once_and_only_those_that_are():
    usual = network.ipconfig
    try:
        for shown, known, servers in (
            ("10.0.0.1", "10.0.0.1", ["10.0.0.1"]),
            ("10.0.0.1", "10.0.0.2", ["10.0.0.1", "10.0.0.2"]),
            ("0.0.0.0", "", []),
        ):
            network.ipconfig = lambda what: known
            equal(resolver._servers(Group(ifconfig=lambda: ("", "", "", shown))), servers)
    finally:
        network.ipconfig = usual


async def test_chip_is_asked_when_nobody_else_answers():
    """The port shows one name server; the resolver inside may know another that works."""
    radio = await online()
    address = world.name("broker.example", 1)
    world.hostile = "wrong_id"
    equal(await radio.wifi.resolve("broker.example"), address)


async def test_names_without_a_network_fail_at_once():
    radio = Radio(("home", "secret12"))
    equal((await raises(errors.RetryError, radio.wifi.resolve("broker.example"))).code, "no_dns")


async def test_local_names_are_left_to_the_chip():
    radio = await online()
    address = world.name("printer.local", 1)
    world.name("printer", 1)
    equal(await radio.wifi.resolve("printer.local"), address)
    error = await raises(errors.PersonError, radio.wifi.resolve("nothing.local"))
    equal(error.code, "unknown_name")


async def test_hostile_answers_are_never_taken():
    for how in ("garbage", "wrong_id", "short", "loop"):
        radio = await online()
        world.name("broker.example", 1)
        world.hostile = how
        world.lookup = lambda host: None  # what the chip's own resolver knows
        try:
            error = await raises(errors.DeviceError, radio.wifi.resolve("broker.example"))
        finally:
            del world.lookup
        equal(error.code, "no_dns")


async def test_answer_from_another_server_is_not_taken():
    radio = await online()
    real = world.name("broker.example", 1)
    forged = bytes((6, 6, 6, 6))

    class Forger:
        """Sends a perfect answer from the wrong address before the right one arrives."""

        def __init__(self, endpoint):
            self._endpoint = endpoint
            self._first = None

        def send(self, data, address, port):
            self._endpoint.send(data, address, port)
            answer, source = self._endpoint.receive(512)
            self._endpoint._received.append((time.ticks_ms(), answer[:-4] + forged, ("192.168.4.77", 53)))
            self._endpoint._received.append((time.ticks_ms(), answer[:-4] + forged, (address, 5353)))
            self._endpoint._received.append((time.ticks_ms(), answer, source))

        def __getattr__(self, name):
            return getattr(self._endpoint, name)

    real_datagrams = world.datagrams
    world.datagrams = lambda: Forger(real_datagrams())
    try:
        equal(await radio.wifi.resolve("broker.example"), real)
    finally:
        del world.datagrams


async def test_resolving_does_not_hold_up_the_loop():
    radio = await online()
    world.name("broker.example", 1)
    world.dns = False
    world.dns_timeout_ms = 0
    turns = [0]

    async def turn():
        while True:
            turns[0] += 1
            await asyncio.sleep_ms(10)

    task = asyncio.create_task(turn())
    await raises(errors.RetryError, radio.wifi.resolve("broker.example"))
    task.cancel()
    equal(turns[0] > 10, True)
