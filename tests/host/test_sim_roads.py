"""The simulated router without a device: single connections, from a socket of this machine to another."""

import contextlib
import gc
import os
import socket
import time

import pytest

from tools.sim import World, router


@contextlib.contextmanager
def road():
    """(access point, the device's end of a connection, its peer's), without a device."""
    with World() as world, socket.create_server(("127.0.0.1", 0)) as listener:
        home = world.access_point("home", "password")
        address, link = world.name("cloud.example", listener.getsockname()[1]), world.attach()
        link.answer("linked", ["home"])
        with socket.create_connection(("127.0.0.1", world.route(link, address, 8883)), 5) as device:
            peer, _ = listener.accept()
            peer.settimeout(5)
            with peer:
                yield home, device, peer


def test_a_cut_at_the_last_byte_of_a_piece_cuts_behind_it():
    with road() as (home, device, peer):
        home.cut_after(5)
        device.sendall(b"hello")
        assert peer.recv(5) == b"hello"
        with pytest.raises(ConnectionResetError):
            device.recv(1)


def test_what_is_fast_does_not_overtake_what_was_slow():
    with road() as (home, device, peer):
        home.latency_ms = 200
        device.sendall(b"slow ")
        time.sleep(0.05)
        home.latency_ms = 0
        device.sendall(b"fast")
        heard = b""
        while len(heard) < 9:
            heard += peer.recv(9)
        assert heard == b"slow fast"


def test_nobody_answers_a_device_that_has_joined_nothing():
    with World() as world, socket.create_server(("127.0.0.1", 0)) as listener:
        world.access_point("home", "password")
        address, link = world.name("cloud.example", listener.getsockname()[1]), world.attach()
        with pytest.raises(TimeoutError):
            socket.create_connection(("127.0.0.1", world.route(link, address, 8883)), 0.3)


def test_only_the_last_connections_of_a_device_without_power_stay_mute(monkeypatch):
    monkeypatch.setattr(router, "_DEAD_PATHS", 2)
    with World() as world, socket.create_server(("127.0.0.1", 0)) as listener:
        world.access_point("home", "password")
        address, link = world.name("cloud.example", listener.getsockname()[1]), world.attach()
        peers = []
        for _ in range(4):
            link.answer("linked", ["home"])
            with socket.create_connection(("127.0.0.1", world.route(link, address, 8883)), 5):
                peers.append(listener.accept()[0])
                link.forget()  # the power goes
        peers[0].settimeout(5)
        with pytest.raises(ConnectionResetError):
            peers[0].recv(1)
        peers[-1].setblocking(False)
        with pytest.raises(BlockingIOError):
            peers[-1].recv(1)
        assert len(world._router._paths) == 3  # one of them was still at work when they were counted
        for peer in peers:
            peer.close()


def test_a_datagram_may_be_lost():
    with World() as world:
        home, link = world.access_point("home", "password"), world.attach()
        link.answer("linked", ["home"])
        home.loss = 1.0
        nobody = None  # to ask: what is lost asks for no answer
        router.Datagrams(nobody, link, "192.168.4.1", 53).datagram_received(b"?", ("127.0.0.1", 1))


def test_a_device_that_restarts_hears_of_the_access_points_again():
    with World() as world:
        world.access_point("home", "password")
        link = world.attach()
        assert [point["name"] for point in link.answer("points", [])["points"]] == ["home"]
        assert link.answer("points", []) is None  # nothing has changed
        link.forget()
        assert link.answer("points", []) is not None


@pytest.mark.parametrize("first", ["device", "peer"])
def test_a_closed_connection_leaves_no_socket_open(first):
    with World() as world, socket.create_server(("127.0.0.1", 0)) as listener:
        world.access_point("home", "password")
        address, link = world.name("cloud.example", listener.getsockname()[1]), world.attach()
        link.answer("linked", ["home"])
        port = world.route(link, address, 8883)
        gc.collect()  # what the tests before have left open
        before = open_files()
        for _ in range(3):
            ends = {"device": socket.create_connection(("127.0.0.1", port), 5), "peer": listener.accept()[0]}
            ends["device"].sendall(b"hello")
            assert ends["peer"].recv(5) == b"hello"
            ends.pop(first).close()
            [other] = ends.values()
            other.settimeout(5)
            assert other.recv(1) == b""
            other.close()
        gc.disable()  # which would clear up as well, some time
        try:
            deadline = time.monotonic() + 5
            while open_files() > before and time.monotonic() < deadline:
                time.sleep(0.01)
            assert open_files() == before
        finally:
            gc.enable()


def open_files():
    return len(os.listdir("/proc/self/fd"))
