"""The host's end of the wire to a device's process; the other one is board/simulated/channel.py."""

import contextlib
import json
import socket
import struct


def pair():
    """(the host's end, the socket that the device's process inherits)."""
    ours, theirs = socket.socketpair()
    return Channel(ours), theirs


class Channel:
    """`fileno()` is readable when the device asks something, or has ended."""

    def __init__(self, connection):
        self._connection = connection

    def fileno(self):
        return self._connection.fileno()

    def receive(self):
        """[operation, arguments...], or None from a process that is gone."""
        header = self._receive(4)
        if header is None:
            return None
        data = self._receive(struct.unpack("!I", header)[0])
        return None if data is None else json.loads(data)

    def answer(self, value):
        data = b"" if value is None else json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
        with contextlib.suppress(ConnectionError):  # it was killed meanwhile: its output ends
            self._connection.sendall(struct.pack("!I", len(data)) + data)

    def close(self):
        self._connection.close()

    def _receive(self, size):
        data = b""
        while len(data) < size:
            try:
                chunk = self._connection.recv(size - len(data))
            except ConnectionError:
                return None
            if not chunk:
                return None
            data += chunk
        return data
