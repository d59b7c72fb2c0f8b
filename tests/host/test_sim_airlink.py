"""The pace of the simulated radio, in a loop whose time is counted and not waited for."""

import asyncio
import itertools
import selectors
from types import SimpleNamespace

import pytest

pytest.importorskip("bumble")
from tools.sim.radio.airlink import PACKET, AirLink

LOSSLESS = itertools.repeat(1.0)  # what a generator of random numbers gives: below `loss`, the packet is lost


class Clock(selectors.SelectSelector):
    """Instead of waiting it sets the time forward."""

    now_s = 0.0

    def select(self, timeout=None):
        self.now_s += timeout or 0
        return super().select(0)


class Antenna:
    """Notes what it hears, with the time in milliseconds."""

    def __init__(self, peer):
        self.le_connections = {peer: SimpleNamespace(peer_address=peer)}
        self.heard = []
        self.ended = []

    def on_link_acl_data(self, sender, transport, data):
        self.heard.append((round(asyncio.get_running_loop().time() * 1000, 3), data))

    def on_le_disconnected(self, connection, reason):
        self.ended.append((round(asyncio.get_running_loop().time() * 1000, 3), int(reason)))
        del self.le_connections[connection.peer_address]


class Air:
    """A link between two antennas, and the conditions."""

    def __init__(self, chances=LOSSLESS, **conditions):
        chosen = {"interval_ms": 30, "packets_per_event": 4, "loss": 0.0, "supervision_s": 1.0, **conditions}
        self.conditions = SimpleNamespace(**chosen)
        self.random = SimpleNamespace(random=iter(chances).__next__)
        self.frames = []
        self.phone, self.board = Antenna("board"), Antenna("phone")
        self.link = AirLink(self, self.phone, "phone", self.board, "board")

    def link_of(self, connection):
        return self.link

    def hear(self, kind, source, target, data):
        self.frames.append(data)

    def passed(self, link):
        pass

    def closed(self, link):
        pass


def in_virtual_time(story):
    """Run the coroutine function."""
    clock = Clock()
    loop = asyncio.SelectorEventLoop(clock)
    loop.time = lambda: clock.now_s
    loop.run_until_complete(asyncio.wait_for(story(), 3600))
    loop.close()


def test_frames_pass_when_the_two_meet_and_an_answer_waits_for_the_next_meeting():
    async def story():
        air = Air()
        air.board.on_link_acl_data = lambda *heard: air.link.send(air.board, "data", b"answer")
        await asyncio.sleep(0.007)
        air.link.send(air.phone, "data", b"request")
        await asyncio.sleep(1)
        assert air.phone.heard == [(60.0, b"answer")]

    in_virtual_time(story)


def test_what_exceeds_a_meeting_waits_for_the_next():
    async def story():
        air = Air(packets_per_event=2)
        for size in (10, PACKET, 10, 10):  # with its header the second takes two packets
            air.link.send(air.phone, "data", bytes(size))
        await asyncio.sleep(1)
        assert [at_ms for at_ms, _ in air.board.heard] == [30.0, 60.0, 60.0, 90.0]

    in_virtual_time(story)


def test_without_an_interval_everything_passes_at_once():
    async def story():
        air = Air(interval_ms=0)
        for _ in range(20):
            air.link.send(air.phone, "data", bytes(PACKET))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert [at_ms for at_ms, _ in air.board.heard] == [0.0] * 20

    in_virtual_time(story)


def test_lost_packet_ends_the_meeting_and_is_repeated_in_order():
    async def story():
        air = Air(chances=[1.0, 0.0, 1.0, 1.0], loss=0.5)
        for data in (b"1", b"2", b"3"):
            air.link.send(air.phone, "data", data)
        await asyncio.sleep(1)
        assert air.board.heard == [(30.0, b"1"), (60.0, b"2"), (60.0, b"3")]
        assert air.frames == [b"1", b"2", b"2", b"3"]  # a listener hears the repetition, too

    in_virtual_time(story)


def test_link_on_which_nothing_passes_ends_after_the_supervision_time_out():
    async def story():
        air = Air(chances=itertools.repeat(0.0), loss=1.0)
        air.link.send(air.phone, "data", b"x")
        await asyncio.sleep(10)
        assert air.board.heard == []
        assert air.phone.ended == air.board.ended == [(1020.0, 0x08)]

    in_virtual_time(story)


def test_silence_before_the_first_loss_does_not_count():
    async def story():
        air = Air(chances=[0.0, 1.0], loss=0.5)
        await asyncio.sleep(100)
        air.link.send(air.phone, "data", b"x")
        await asyncio.sleep(10)
        assert [data for _, data in air.board.heard] == [b"x"]
        assert air.phone.ended == []

    in_virtual_time(story)


def test_cut_link_drops_what_waits_and_ends_for_both_after_the_time_out():
    async def story():
        air = Air(supervision_s=4.0)
        air.link.send(air.phone, "data", b"x")
        air.link.cut()
        air.link.cut()
        await asyncio.sleep(10)
        assert air.board.heard == []
        assert air.phone.ended == air.board.ended == [(4000.0, 0x08)]

    in_virtual_time(story)
