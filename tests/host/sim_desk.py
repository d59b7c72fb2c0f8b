"""A simulated board that runs a program of the test instead of the firmware."""

import contextlib
import socket
import textwrap
import threading

from tests import precompiled
from tools.sim import Board, World

JOIN = """
import network, time
station = network.WLAN(network.STA_IF)
station.active(True)
station.connect("home", "password")
while not station.isconnected():
    time.sleep_ms(5)
"""

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


@contextlib.contextmanager
def desk(folder, program, boot="", **options):
    """(world, board) with the network "home" in range; the board is off, and would run `program` as its main.py."""
    scripts = {"main": folder / "program.py", "boot": folder / "boot.py"}
    scripts["main"].write_text(textwrap.dedent(program), encoding="utf-8")
    scripts["boot"].write_text(textwrap.dedent(boot), encoding="utf-8")
    options = {"compiled": precompiled.folders(), **options}
    with World() as world, Board(folder / "flash", world, **scripts, **options) as board:
        world.access_point("home", "password")
        yield world, board


@contextlib.contextmanager
def server(serve):
    """A TCP server of this machine that hands each connection to `serve(connection)`; yields its port."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=_accept, args=(listener, serve), daemon=True).start()
        try:
            yield listener.getsockname()[1]
        finally:
            listener.shutdown(socket.SHUT_RDWR)  # closing alone leaves it open while `accept` waits


def _accept(listener, serve):
    while True:
        try:
            connection, _ = listener.accept()
        except OSError:
            return
        threading.Thread(target=serve, args=(connection,), daemon=True).start()


def echo(connection):
    """Send back what comes."""
    with connection, contextlib.suppress(ConnectionError):
        while data := connection.recv(4096):
            connection.sendall(data)
