"""The radio, the names and the time: what a device sees of the network around it."""

import time

from tests.host.sim_desk import CONNECT, JOIN, desk, echo, server
from tools.sim import World


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


def test_an_address_in_the_place_of_a_name_is_its_own():
    with World() as world:
        assert world.name("192.168.1.10", {8883: 4000}) == "192.168.1.10"
        assert world.target("192.168.1.10", 8883) == ("127.0.0.1", 4000)
        assert world.target("192.168.1.11", 8883) == "blocked"
        world.internet = True
        assert world.target("192.168.1.11", 8883) == ("192.168.1.11", 8883)
        assert world.target("192.168.4.1", 80) == "refused"  # the router


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


def test_a_network_s_name_arrives_whole(tmp_path):
    program = """
    import network
    station = network.WLAN(network.STA_IF)
    station.active(True)
    print("heard", sorted(found[0] for found in station.scan()))
    """
    with desk(tmp_path, program) as (world, board):
        world.access_point("\U0001f600 Müller")
        board.power_on()
        board.wait_for(r"^heard .*\\xf0\\x9f\\x98\\x80 M\\xc3\\xbcller")
