"""The radio and the router: what a device sees when the network goes wrong."""

import contextlib
import threading
import time

import pytest

from tests.host.sim_desk import JOIN, desk, echo, server
from tools.sim import Board

CONNECT = (
    JOIN
    + """
import socket, select
def connect(name, port=8883):
    sock = socket.socket()
    sock.setblocking(False)
    try:
        sock.connect(socket.getaddrinfo(name, port)[0][-1])
    except OSError as error:
        if error.errno != 115:
            raise
    poller = select.poll()
    poller.register(sock, select.POLLOUT)
    return sock, poller.poll(300)
"""
)

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


def test_names_are_the_routers_to_answer(tmp_path):
    program = (
        JOIN
        + """
import socket
for name in ("cloud.example", "absent.example", "pool.ntp.org", "10.1.2.3"):
    try:
        print(name, socket.getaddrinfo(name, 123, 0, socket.SOCK_DGRAM)[0][-1])
    except OSError as error:
        print(name, error)
"""
    )
    with desk(tmp_path, program) as (world, board):
        address = world.name("cloud.example", 1)
        board.power_on()
        board.wait_for(rf"^cloud.example \('{address}', 123\)$")
        board.wait_for("^absent.example -202$")
        board.wait_for(r"^pool.ntp.org \('10.0.0.1', 123\)$")
        board.wait_for(r"^10.1.2.3 \('10.1.2.3', 123\)$")


def test_without_a_network_no_name_is_known(tmp_path):
    program = """
    import socket
    try:
        socket.getaddrinfo("a.example", 1)
    except OSError as error:
        print(repr(error))
    """
    with desk(tmp_path, program) as (world, board):
        world.name("a.example", 1)
        board.power_on()
        board.wait_for(r"^OSError\(-202,\)$")


def test_silent_name_server_takes_its_time(tmp_path):
    program = (
        JOIN
        + """
import socket
start = time.ticks_ms()
try:
    socket.getaddrinfo("cloud.example", 1)
except OSError as error:
    print(error, time.ticks_diff(time.ticks_ms(), start) >= 200)
"""
    )
    with desk(tmp_path, program) as (world, board):
        world.dns, world.dns_timeout_ms = False, 200
        board.power_on()
        board.wait_for("^-202 True$")


def test_open_refused_and_blocked_ports(tmp_path):
    program = (
        CONNECT
        + """
print("open", connect("cloud.example")[1][0][1])
print("refused", connect("cloud.example", 1)[1][0][1])
print("nobody", connect("nobody.example")[1][0][1])
print("blocked", connect("cloud.example", 8884)[1])
"""
    )
    with desk(tmp_path, program) as (world, board), server(echo) as port:
        world.name("cloud.example", port)
        world.name("nobody.example")
        world.refuse_port(1)
        world.block_port(8884)
        board.power_on()
        board.wait_for("^open 4$")
        board.wait_for("^refused (12|20|28)$")  # POLLERR and POLLHUP beside POLLOUT
        board.wait_for("^nobody (12|20|28)$")
        board.wait_for(r"^blocked \[\]$")


def test_port_that_nobody_listens_on_is_refused(tmp_path):
    with desk(tmp_path, CONNECT + 'print("closed", connect("cloud.example")[1][0][1])') as (world, board):
        with server(echo) as port:
            world.name("cloud.example", port)
        board.power_on()
        board.wait_for("^closed (12|20|28)$")


def test_each_port_of_a_name_may_lead_elsewhere(tmp_path):
    def hello(text):
        def serve(connection):
            with connection:
                connection.sendall(text)

        return serve

    program = (
        CONNECT
        + """
for port in (8883, 443):
    sock, _ = connect("cloud.example", port)
    sock.setblocking(True)
    print(port, sock.read(5))
"""
    )
    with desk(tmp_path, program) as (world, board), server(hello(b"mqtt!")) as mqtt, server(hello(b"https")) as https:
        world.name("cloud.example", {8883: mqtt, 443: https})
        board.power_on()
        board.wait_for("^8883 b'mqtt!'$")
        board.wait_for("^443 b'https'$")


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

    def serve(connection):
        with connection, contextlib.suppress(ConnectionError):
            while data := connection.recv(100):
                received.append(data)

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
        assert b"".join(received) == bytes(range(count))


def test_latency_delays_and_keeps_the_order(tmp_path):
    with desk(tmp_path, TALK) as (world, board), server(echo) as port:
        world.point("home").latency_ms = 60
        world.name("cloud.example", port)
        board.power_on()
        board.wait_for("^echo 5$")


def test_time_servers_answer_with_the_worlds_time(tmp_path):
    program = (
        JOIN
        + """
import socket, struct
def ask(address):
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.settimeout(0.3)
    sock.sendto(b"\\x23" + bytes(47), (address, 123))
    try:
        data, source = sock.recvfrom(100)
        print("time", struct.unpack("!I", data[40:44])[0] - 2208988800, source)
    except OSError as error:
        print("no time", error)
ask("192.168.4.1")
ask("10.77.77.77")
"""
    )
    with desk(tmp_path, program) as (world, board):
        world.ntp_offset_s = -3600
        board.power_on()
        words = board.wait_for("^time ").split()
        assert abs(int(words[1]) - time.time() + 3600) < 60
        assert words[2:] == ["('192.168.4.1',", "123)"]
        board.wait_for("^no time")


def test_radio_is_seen_by_the_device_as_the_world_changes_it(tmp_path):
    program = """
    import network, time
    station = network.WLAN(network.STA_IF)
    station.active(True)
    station.connect("home", "password")
    last = None
    while True:
        status = station.status()
        if status != last:
            print("status", status)
            last = status
        time.sleep_ms(10)
    """
    with desk(tmp_path, program) as (world, board):
        home = world.point("home")
        home.no_address()
        board.power_on()
        board.wait_for("^status 1001$")
        home.no_address(False)
        board.wait_for("^status 1010$")
        home.vanish()
        board.wait_for("^status 1001$")
        board.wait_for("^status 201$")
        home.back()
        board.wait_for("^status 1010$")
        home.kick()
        board.wait_for("^status 1001$")
        board.wait_for("^status 1010$")


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
