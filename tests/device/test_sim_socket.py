"""The simulated `socket` in a test's own process: names, datagrams and connections behind the access point."""

import asyncio
import errno
import select
import socket
import struct
import time

import network
import ntptime
import simulation
import utime

from harness import equal, raises

FRESH = True
PORT = 20000 + time.ticks_us() % 10000


def join(**properties):
    home = simulation.world.access_point("home")
    for name in properties:
        setattr(home, name, properties[name])
    wlan = network.WLAN(network.STA_IF)
    wlan.active(True)
    wlan.connect("home")
    while not wlan.isconnected():
        time.sleep_ms(5)
    return home


def datagram_socket(timeout_s=0.05):
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.settimeout(timeout_s)
    return sock


QUESTION = b"\x12\x34\x01\0\0\x01\0\0\0\0\0\0\x05cloud\x07example\0\0\x01\0\x01"
TIME_QUESTION = b"\x23" + bytes(39) + b"8 bytes!"


def ask(question, port, sock=None):
    sock = sock or datagram_socket()
    sock.sendto(question, ("192.168.4.1", port))
    return sock.recvfrom(512)


def test_names_need_a_network():
    simulation.world.name("cloud.example", 1)
    equal(raises(OSError, lambda: socket.getaddrinfo("cloud.example", 1)).args, (-202,))
    join()
    socket.getaddrinfo("Cloud.Example", 1)
    equal(raises(OSError, lambda: socket.getaddrinfo("absent.example", 1)).args, (-202,))
    simulation.world.forget_name("cloud.example")
    equal(raises(OSError, lambda: socket.getaddrinfo("cloud.example", 1)).args, (-202,))


def test_name_server_answers_over_udp():
    join()
    simulation.world.name("cloud.example", 1)
    answer, source = ask(QUESTION, 53)
    equal(source, ("192.168.4.1", 53))
    equal(answer[:8], b"\x12\x34\x81\x80\0\x01\0\x01")
    equal(answer[-4:], bytes([int(part) for part in simulation.world.lookup("cloud.example").split(".")]))


def test_a_datagram_needs_a_network_and_somebody_to_go_to():
    sock = datagram_socket()
    error = raises(OSError, lambda: sock.sendto(QUESTION, ("192.168.4.1", 53)))
    equal(error.errno, errno.EHOSTUNREACH)
    equal(raises(OSError, lambda: sock.send(QUESTION)).errno, errno.EINVAL)
    join()
    simulation.world.time_server("time.example")
    sock.connect(("time.example", 123))
    sock.send(TIME_QUESTION)
    equal(len(sock.recv(100)), 48)
    equal(raises(ValueError, lambda: sock.sendto(b"", ("time.example", 123))).args, ("invalid arguments",))


def test_select_tells_who_is_ready():
    join()
    silent, asking = datagram_socket(), datagram_socket()
    equal(select.select([silent], [], [], 0.01), ([], [], []))
    asking.sendto(TIME_QUESTION, ("192.168.4.1", 123))
    equal(select.select([silent, asking], [], [], 5), ([asking], [], []))
    equal(select.select([silent], [silent], [silent]), ([], [silent], []))
    equal(select.select([silent, asking], [asking], [], 0), ([asking], [asking], []))


def test_the_clock_is_set_as_every_tutorial_does_it():
    join()
    simulation.board.use_chip_clock()
    ntptime.settime()
    equal(abs(time.time() + 946684800 - utime.time()) < 5, True)
    simulation.world.ntp = False
    ntptime.timeout = 0.1
    equal(raises(OSError, ntptime.settime).errno, errno.ETIMEDOUT)


def test_what_only_a_desk_has_is_not_there():
    for module, name in ((socket, "SO_KEEPALIVE"), (socket, "inet_pton"), (time, "clock")):
        equal(hasattr(module, name), False)
    equal(hasattr(socket, "SO_BINDTODEVICE"), True)


def test_unknown_name_is_nxdomain():
    join()
    equal(ask(QUESTION, 53)[0][2:8], b"\x81\x83\0\x01\0\0")


def test_time_server_answers_with_the_question_as_origin():
    join()
    simulation.world.ntp_offset_s = 7200
    answer, _ = ask(TIME_QUESTION, 123)
    equal((len(answer), answer[0], answer[24:32]), (48, 0x24, b"8 bytes!"))
    equal(abs(struct.unpack("!I", answer[40:44])[0] - 2208988800 - time.time() - 7200) < 5, True)


def test_silence_of_the_servers_and_of_the_network():
    home = join()
    simulation.world.dns = False
    equal(raises(OSError, lambda: ask(QUESTION, 53)).args, (errno.ETIMEDOUT,))
    simulation.world.dns = True
    simulation.world.block_port(53)
    raises(OSError, lambda: ask(QUESTION, 53))
    simulation.world.block_port(53, False)
    ask(QUESTION, 53)
    home.stall()
    raises(OSError, lambda: ask(QUESTION, 53))
    home.stall(False)
    ask(QUESTION, 53)


def test_hostile_servers_answer_what_was_ordered():
    join()
    simulation.world.name("cloud.example", 1)
    honest = ask(QUESTION, 53)[0]
    for how, port, question in (
        ("garbage", 53, QUESTION),
        ("short", 53, QUESTION),
        ("wrong_id", 53, QUESTION),
        ("loop", 53, QUESTION),
        ("garbage", 123, TIME_QUESTION),
        ("wrong_id", 123, TIME_QUESTION),
        ("kiss", 123, TIME_QUESTION),
    ):
        simulation.world.hostile = how
        equal(ask(question, port)[0] != honest, True)
    equal(ask(TIME_QUESTION, 123)[0][12:16], b"RATE")


def test_socket_without_blocking_says_so():
    join()
    sock = datagram_socket()
    sock.setblocking(False)
    equal(raises(OSError, lambda: sock.recvfrom(10)).args, (errno.EAGAIN,))


def readable(sock):
    yield asyncio.core._io_queue.queue_read(sock)


async def test_datagrams_can_be_awaited():
    join(latency_ms=30)
    sock = datagram_socket()
    sock.setblocking(False)
    sock.sendto(TIME_QUESTION, ("192.168.4.1", 123))
    started = time.ticks_ms()
    await readable(sock)
    equal(time.ticks_diff(time.ticks_ms(), started) >= 25, True)
    equal(len(sock.recv(100)), 48)
    sock.close()


async def test_connections_are_open_refused_or_unanswered():
    join()
    server = await asyncio.start_server(greet, "127.0.0.1", PORT)
    simulation.world.name("cloud.example", PORT)
    reader, writer = await asyncio.open_connection("cloud.example", 8883)
    equal(await reader.readexactly(5), b"hello")
    writer.close()
    simulation.world.refuse_port(1)
    equal(await refusal("cloud.example", 1), errno.ECONNREFUSED)
    simulation.world.block_port(8883)
    await raises(asyncio.TimeoutError, asyncio.wait_for(asyncio.open_connection("cloud.example", 8883), 0.2))
    server.close()


async def greet(reader, writer):
    writer.write(b"hello")
    await writer.drain()
    writer.close()


async def refusal(host, port):
    try:
        reader, _ = await asyncio.open_connection(host, port)
        await reader.read(1)
    except OSError as error:
        return error.errno
    return None
