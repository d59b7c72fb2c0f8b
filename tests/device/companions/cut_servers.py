"""The server of images behind a link that is cut after so many bytes to the client.

Environment: PORT. Beside the files of image_servers.py: `cut`, written by the test: after how many bytes, of what
("handshake": of all; "answer": from its first record of TLS on; the length of a handshake varies with its signature),
and "closed" or "reset"; without it nothing is cut. `records`: a line for each record of the last link that was whole,
with its type and the byte at which it ends.
"""

import contextlib
import socket
import struct
import threading

from tests.device.companions import image_servers

_HEADER = 5  # of a record: type, version, length
_ANSWER = 23


class Cutter:
    """Forwards connections to `port`."""

    def __init__(self, folder, port):
        self._folder = folder
        self._target = port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._forward, args=(client,), daemon=True).start()

    def _forward(self, client):
        with contextlib.suppress(OSError), client, socket.create_connection(("127.0.0.1", self._target)) as server:
            copying = threading.Thread(target=_copy, args=(client, server), daemon=True)
            copying.start()
            at, since, how = self._order()
            said, end = bytearray(), at if since == "handshake" else None
            while end is None or len(said) < end:
                data = server.recv(4096)
                if not data:
                    break
                before = len(said)
                said += data
                if at is None:
                    self._note(said)  # before the client has read it
                elif end is None:
                    end = next((start + at for kind, start, _ in _records(said) if kind == _ANSWER), None)
                client.sendall(data[: len(data) if end is None else max(0, end - before)])
            if at is not None:
                # The other thread must not wait for it any more: until then closing ends nothing.
                client.shutdown(socket.SHUT_RDWR if how == "closed" else socket.SHUT_RD)
                copying.join()
                if how == "reset":
                    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    def _order(self):
        try:
            at, since, how = (self._folder / "cut").read_text().split()
            return int(at), since, how
        except FileNotFoundError:
            return None, None, None

    def _note(self, said):
        (self._folder / "new").write_text("".join(f"{kind} {end}\n" for kind, _, end in _records(said)))
        (self._folder / "new").replace(self._folder / "records")

    def close(self):
        self._listener.close()


def _copy(source, target):
    with contextlib.suppress(OSError):
        while True:
            data = source.recv(4096)
            if not data:
                return
            target.sendall(data)


def _records(said):
    """(type, start, end) of the records of TLS that have begun."""
    at = 0
    while at + _HEADER <= len(said):
        end = at + _HEADER + int.from_bytes(said[at + 3 : at + _HEADER], "big")
        yield said[at], at, end
        at = end


@contextlib.contextmanager
def companion(folder):
    with image_servers.companion(folder) as environment:
        cutter = Cutter(folder, environment["PORT"])
        try:
            yield {"PORT": cutter.port}
        finally:
            cutter.close()
