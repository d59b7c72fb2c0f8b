"""Peers over TLS 1.2 that ask for a certificate, behind something that changes what they say in the handshake.

Environment: PORT_<NAME> for each of `_AT`; PORT_SILENT_ON_DOWNLOADS, where no certificate is asked for; PORT_ENDED,
which ends every handshake by a goodbye; PORT_GREETS, which speaks first, and no TLS. Files: those of tls_servers. The
servers are called `broker.test`.
"""

import contextlib
import socket
import struct
import threading
import time

from tests.device.companions.tls_servers import HOST, Authority, server_context, write_credentials
from tools.bench.peer import Peer

_CCS, _ALERT, _HANDSHAKE, _DATA = 20, 21, 22, 23
_CERTIFICATE_REQUEST = 13
_GOODBYE = bytes([_ALERT, 3, 3, 0, 2, 1, 0])


def _record(kind, body):
    return struct.pack("!BHH", kind, 0x0303, len(body)) + body


def _records(sock):
    """(type, body) of every record until the end."""
    file = sock.makefile("rb")
    while head := file.read(5):
        yield head[0], file.read(int.from_bytes(head[3:], "big"))


def _messages(records):
    """The same with a record for each message of the handshake, as long as that is in clear."""
    clear = True
    for kind, body in records:
        clear = clear and kind == _HANDSHAKE
        while clear and body:
            size = 4 + int.from_bytes(body[1:4], "big")
            yield kind, body[:size]
            body = body[size:]
        if not clear:
            yield kind, body


def _many_names(body):
    """A CertificateRequest that names so many CAs that it takes 24 KB."""
    at = 4 + 1 + body[4]  # behind the kinds of certificates
    at += 2 + int.from_bytes(body[at : at + 2], "big")  # and the signatures
    body = body[4:at] + struct.pack("!H", 24000) + (struct.pack("!H", 118) + bytes(118)) * 200
    return bytes([_CERTIFICATE_REQUEST]) + len(body).to_bytes(3, "big") + body


def _names_pass(records, client):
    """The server's side: with many names of CAs."""
    for kind, body in _messages(records):
        if kind == _HANDSHAKE and body[0] == _CERTIFICATE_REQUEST:
            body = _many_names(body)
        for at in range(0, len(body), 16384):
            client.sendall(_record(kind, body[at : at + 16384]))


def _all_pass(records, target):
    for kind, body in records:
        target.sendall(_record(kind, body))


def _none_from_finished_pass(records, target):
    """The client's side: the server hears nothing of it once our certificate was shown, and so says nothing."""
    for kind, body in records:
        if kind != _HANDSHAKE:
            break
        target.sendall(_record(kind, body))
    for _ in records:
        pass


def _first_data_broken(records, target):
    """The client's side: what it sends first behind the handshake is damaged, which the server answers by an alert."""
    for kind, body in records:
        if kind == _DATA:
            body = body[:-1] + bytes([body[-1] ^ 1])
        target.sendall(_record(kind, body))


def _a_byte_at_a_time(records, target):
    for kind, body in records:
        for byte in _record(kind, body):
            target.sendall(bytes([byte]))
            time.sleep(0.01)


# What becomes of the client's records, and of the server's.
_AT = {
    "MANY_CAS": (_all_pass, _names_pass),
    "KEEPS_SILENT": (_none_from_finished_pass, _all_pass),
    "DRIBBLES": (_all_pass, _a_byte_at_a_time),
    "ALERTS": (_first_data_broken, _all_pass),
}


def _run(work, source, target):
    with contextlib.suppress(OSError):
        work(_records(source), target)
    for sock in (source, target):
        with contextlib.suppress(OSError):
            sock.shutdown(socket.SHUT_RDWR)


@contextlib.contextmanager
def _listening(serve):
    """Calls serve(client) for each connection, until the end."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def accept():
            with contextlib.suppress(OSError):  # closed at the end
                while True:
                    serve(listener.accept()[0])

        threading.Thread(target=accept, daemon=True).start()
        yield listener.getsockname()[1]


def _between(port, upward, downward):
    def serve(client):
        server = socket.create_connection(("127.0.0.1", port))
        for details in ((upward, client, server), (downward, server, client)):
            threading.Thread(target=_run, args=details, daemon=True).start()

    return _listening(serve)


def _say_goodbye(client):
    with client, contextlib.suppress(OSError):
        client.recv(4096)
        client.sendall(_GOODBYE)


def _greet(client):
    with client, contextlib.suppress(OSError):  # it closes with our greeting unread
        client.sendall(b"220 mail.test ESMTP\r\n")
        client.recv(4096)


@contextlib.contextmanager
def companion(folder):
    root, other = Authority("root"), Authority("other root")
    write_credentials(folder, root, other)
    pair = root.issue("server", names=[HOST])
    asks, asks_nothing = server_context(folder, pair, clients=root), server_context(folder, pair)
    with Peer(asks) as peer, Peer(asks_nothing) as other_peer, contextlib.ExitStack() as stack:
        ports = {name: stack.enter_context(_between(peer.port, *works)) for name, works in _AT.items()}
        silent = _between(other_peer.port, *_AT["KEEPS_SILENT"])
        ports["SILENT_ON_DOWNLOADS"] = stack.enter_context(silent)
        ports["ENDED"] = stack.enter_context(_listening(_say_goodbye))
        ports["GREETS"] = stack.enter_context(_listening(_greet))
        yield {f"PORT_{name}": port for name, port in ports.items()}
