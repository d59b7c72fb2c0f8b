"""bleak, unmodified, against simulated boards through the small BlueZ."""

import asyncio
import contextlib
import random

import pytest

from tests.host.radio_desk import RX, SERVICE, STATE, TX, echo_desk
from tools.sim import Board
from tools.sim.radio import dbus_daemon

if not dbus_daemon.is_installed():
    pytest.skip("no dbus-daemon on this machine; on Debian: apt-get install dbus", allow_module_level=True)

from bleak import BleakClient, BleakScanner
from bleak.exc import BleakError

from tools.sim.radio.bluez import BlueZ

WAIT_S = 20


@contextlib.contextmanager
def bluez_desk(folder, monkeypatch):
    """(world, board): the board advertises, and bleak's BlueZ is the simulated one."""
    with echo_desk(folder) as (world, board), BlueZ(world.radio) as bluez:
        for name, value in bluez.environment.items():
            monkeypatch.setenv(name, value)
        yield world, board


def run(story):
    """Run the coroutine function as a program of its own would."""
    asyncio.run(asyncio.wait_for(story(), 3 * WAIT_S))


async def find(name=None):
    """The board, by its service, and by its name when one is given."""
    device = await BleakScanner.find_device_by_filter(
        lambda device, seen: SERVICE in seen.service_uuids and name in (None, device.name), timeout=WAIT_S
    )
    assert device is not None
    return device


class Notifications:
    """What is notified of one characteristic, in order."""

    def __init__(self):
        self._queue = asyncio.Queue()

    def __call__(self, _characteristic, data):
        self._queue.put_nowait(bytes(data))

    async def next(self):
        return await asyncio.wait_for(self._queue.get(), WAIT_S)

    async def bytes(self, size):
        data = b""
        while len(data) < size:
            data += await self.next()
        return data


def test_scan_shows_name_services_and_strength(tmp_path, monkeypatch):
    async def story():
        found = await BleakScanner.discover(timeout=1, return_adv=True)
        ((device, seen),) = found.values()
        assert (device.name, seen.local_name) == ("thing-123456", "thing-123456")
        assert seen.service_uuids == [SERVICE]
        assert seen.rssi == -50

    with bluez_desk(tmp_path, monkeypatch):
        run(story)


def test_write_notify_and_read(tmp_path, monkeypatch):
    async def story():
        notified = Notifications()
        async with BleakClient(await find()) as client:
            sizes = {
                one.uuid: one.max_write_without_response_size
                for one in client.services.get_service(SERVICE).characteristics
            }
            assert sizes == {TX: 509, RX: 509, STATE: 509}
            await client.start_notify(TX, notified)
            for message in (b"hello", b"hello", b"x" * 500):  # the same twice: no notification is swallowed
                await client.write_gatt_char(RX, message, response=True)
                assert await notified.next() == message
            assert await client.read_gatt_char(STATE) == b"s" * 400
            await client.stop_notify(TX)

    with bluez_desk(tmp_path, monkeypatch) as (_, board):
        run(story)
        board.wait_for("^disconnected$")


def test_long_message_in_write_commands(tmp_path, monkeypatch):
    message = random.Random(3).randbytes(6000)

    async def story():
        notified = Notifications()
        async with BleakClient(await find()) as client:
            await client.start_notify(TX, notified)
            for start in range(0, len(message), 500):
                await client.write_gatt_char(RX, message[start : start + 500], response=False)
            assert await notified.bytes(len(message)) == message

    with bluez_desk(tmp_path, monkeypatch):
        run(story)


def test_refusals_are_errors(tmp_path, monkeypatch):
    async def story():
        async with BleakClient(await find()) as client:
            with pytest.raises(BleakError, match="Write Not Permitted"):
                await client.write_gatt_char(STATE, b"x", response=True)
            with pytest.raises(BleakError):
                await client.start_notify(STATE, print)

    with bluez_desk(tmp_path, monkeypatch):
        run(story)


def test_lost_link_is_told_and_the_device_found_again(tmp_path, monkeypatch):
    with bluez_desk(tmp_path, monkeypatch) as (world, board):

        async def story():
            lost = asyncio.Event()
            async with BleakClient(await find(), disconnected_callback=lambda _: lost.set()) as client:
                world.radio.cut()
                await asyncio.wait_for(lost.wait(), WAIT_S)
                assert not client.is_connected
            async with BleakClient(await find()) as client:
                await client.write_gatt_char(RX, b"again", response=True)

        world.radio.supervision_s = 0.2
        run(story)
        board.wait_for("^got 5$")


def test_board_that_went_cannot_be_connected(tmp_path, monkeypatch):
    with bluez_desk(tmp_path, monkeypatch) as (_, board):

        async def story():
            device = await find()
            board.power_cut()
            with pytest.raises((BleakError, TimeoutError, asyncio.TimeoutError)):
                await BleakClient(device, timeout=1).connect()
            board.power_on()
            async with BleakClient(device) as client:  # what was given up does not stand in the way
                await client.write_gatt_char(RX, b"here", response=True)

        run(story)
        board.wait_for("^got 4$")


def test_two_boards_at_once(tmp_path, monkeypatch):
    with bluez_desk(tmp_path, monkeypatch) as (world, board):
        program = tmp_path / "other.py"
        program.write_text((tmp_path / "program.py").read_text().replace("thing-123456", "thing-abcdef"))
        with Board(tmp_path / "second", world, main=program, boot=tmp_path / "boot.py") as second:
            second.power_on()
            second.wait_for("^advertising$")

            async def story():
                one, other = Notifications(), Notifications()
                devices = await find("thing-123456"), await find("thing-abcdef")
                async with BleakClient(devices[0]) as first, BleakClient(devices[1]) as last:
                    await first.start_notify(TX, one)
                    await last.start_notify(TX, other)
                    await first.write_gatt_char(RX, b"one", response=True)
                    await last.write_gatt_char(RX, b"other", response=True)
                    assert (await one.next(), await other.next()) == (b"one", b"other")

            run(story)
            board.wait_for("^got 3$")
            second.wait_for("^got 5$")
