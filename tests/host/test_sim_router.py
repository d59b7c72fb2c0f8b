"""Connections through the simulated router: frozen, mute, cut at any byte, late."""

import contextlib
import random
import threading
import time

import pytest

from tests.host.sim_desk import CONNECT, desk, echo, server
from tools.sim import Board

TALK = (
    CONNECT
    + """
sock, _ = connect("cloud.example")
sock.setblocking(True)
print("connected")
n = 0
while True:
    sock.write(b"%06d" % n)
    answer = sock.read(6)
    if answer != b"%06d" % n:
        print("lost after", n, answer)
        break
    print("echo", n)
    n += 1
    time.sleep_ms(10)
"""
)


def test_stalled_network_freezes_an_open_connection_and_lets_it_go_on(tmp_path):
    with desk(tmp_path, TALK) as (world, board), server(echo) as port:
        home = world.access_point("home", "password")
        world.name("cloud.example", port)
        board.power_on()
        board.wait_for("^echo 3$")
        home.stall()
        quiet = _last_echo(board)
        assert _no_line(board, f"^echo {quiet + 3}$")
        home.stall(False)
        board.wait_for(f"^echo {quiet + 5}$")


def test_vanished_access_point_makes_open_connections_mute_for_ever(tmp_path):
    closed = threading.Event()

    def serve(connection):
        echo(connection)
        closed.set()

    with desk(tmp_path, TALK) as (world, board), server(serve) as port:
        home = world.access_point("home", "password")
        world.name("cloud.example", port)
        board.power_on()
        board.wait_for("^echo 3$")
        home.vanish()
        quiet = _last_echo(board)
        home.back()
        assert _no_line(board, f"^echo {quiet + 3}$")
        assert not any("lost" in line for line in board.lines)
        assert not closed.is_set()


def test_device_that_loses_its_power_says_no_farewell(tmp_path):
    closed = threading.Event()

    def serve(connection):
        echo(connection)
        closed.set()

    with desk(tmp_path, TALK) as (world, board), server(serve) as port:
        world.name("cloud.example", port)
        board.power_on()
        board.wait_for("^echo 3$")
        board.power_cut()
        assert not closed.wait(0.5)
    assert closed.wait(10)


def test_closing_a_connection_reaches_the_peer(tmp_path):
    closed = threading.Event()

    def serve(connection):
        with connection:
            closed.data = connection.recv(5)
            if not connection.recv(1):
                closed.set()

    program = CONNECT + 'sock, _ = connect("cloud.example"); sock.write(b"hello"); sock.close()'
    with desk(tmp_path, program) as (world, board), server(serve) as port:
        world.name("cloud.example", port)
        board.power_on()
        assert closed.wait(10)
        assert closed.data == b"hello"


def test_closing_by_the_peer_reaches_the_device(tmp_path):
    def serve(connection):
        with connection:
            connection.recv(6)
            connection.sendall(b"000000")

    with desk(tmp_path, TALK) as (world, board), server(serve) as port:
        world.name("cloud.example", port)
        board.power_on()
        board.wait_for(r"^lost after 1 b''$|ECONNRESET|OSError: 104|OSError: 32")


@pytest.mark.parametrize("count", [1, 6, 7, 23])
def test_connection_is_cut_at_any_byte(tmp_path, count):
    received = []
    ended = threading.Event()

    def serve(connection):
        with connection, contextlib.suppress(ConnectionError):
            while data := connection.recv(100):
                received.append(data)
        ended.set()

    program = (
        CONNECT
        + """
sock, _ = connect("cloud.example")
sock.setblocking(True)
sock.write(bytes(range(100)))
try:
    sock.read(1)
except OSError as error:
    print("error", error)
"""
    )
    with desk(tmp_path, program) as (world, board), server(serve) as port:
        world.name("cloud.example", port)
        world.point("home").cut_after(count)
        board.power_on()
        board.wait_for(r"^error .*104")
        assert ended.wait(10)
        assert b"".join(received) == bytes(range(count))


def test_latency_delays_both_ways_and_keeps_the_order(tmp_path):
    program = (
        CONNECT
        + """
sock, _ = connect("cloud.example")
sock.setblocking(True)
started = time.ticks_ms()
for i in range(50):
    sock.write(b"%02d" % i)
answer = b"".join([sock.read(2) for i in range(50)])
print("in order", answer == b"".join([b"%02d" % i for i in range(50)]))
print("late", time.ticks_diff(time.ticks_ms(), started) >= 115)
"""
    )
    with desk(tmp_path, program) as (world, board), server(echo) as port:
        world.point("home").latency_ms = 60
        world.name("cloud.example", port)
        board.power_on()
        board.wait_for("^in order True$")
        board.wait_for("^late True$")


def test_loss_makes_a_connection_late_and_loses_nothing(tmp_path, monkeypatch):
    chances = iter([0.9, 0.1, 0.1, 0.9])  # the second packet is lost twice, and no other
    monkeypatch.setattr(random, "random", lambda: next(chances, 0.9))
    with desk(tmp_path, TALK) as (world, board), server(echo) as port:
        world.point("home").loss = 0.5
        world.name("cloud.example", port)
        board.power_on()
        board.wait_for("^connected$")
        started = time.monotonic()
        board.wait_for("^echo 5$")
        assert time.monotonic() - started > 0.8  # 300 ms, and then 600 ms
        assert not any("lost" in line for line in board.lines)


def test_two_devices_share_a_world_and_not_their_links(tmp_path):
    with desk(tmp_path, TALK) as (world, board), server(echo) as port:
        world.name("cloud.example", port)
        scripts = {"main": tmp_path / "program.py", "boot": tmp_path / "boot.py"}
        with Board(tmp_path / "second", world, **scripts) as second:
            board.power_on()
            second.power_on()
            board.wait_for("^echo 2$")
            second.wait_for("^echo 2$")
            second.power_cut()
            board.wait_for(f"^echo {_last_echo(board) + 3}$")


def _last_echo(board):
    return max(int(line.split()[1]) for line in board.lines if line.startswith("echo "))


def _no_line(board, pattern):
    with contextlib.suppress(TimeoutError):
        board.wait_for(pattern, timeout_s=0.5)
        return False
    return True
