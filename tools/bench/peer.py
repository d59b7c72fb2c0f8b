"""The other end of the MQTT measurements: a broker's part of the protocol and nothing else, as fast as Python can.

A thread with blocking sockets answers sooner than an event loop, so that what is measured is the device's engine. It
accepts any client, acknowledges PUBLISH, SUBSCRIBE and PINGREQ, and floods whoever publishes to `$flood` (payload:
JSON {"count", "size", "qos", "topic"}) with that many messages.

    with Peer(context=None) as peer: peer.port
"""

import json
import socket
import struct
import threading

_MESSAGES_PER_WRITE = 64
_FLOOD_WINDOW = 100  # unacknowledged QoS 1 messages towards the client, as AWS has it


class Peer:
    """Serves MQTT on a free local port until the `with` block ends; over TLS with an `ssl.SSLContext`."""

    def __init__(self, context=None):
        self._context = context
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._connections = []
        self.port = self._listener.getsockname()[1]

    def __enter__(self):
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_):
        for sock in [self._listener, *self._connections]:
            sock.close()

    def _accept(self):
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return  # closed by __exit__
            self._connections.append(connection)
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection):
        try:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self._context is not None:
                connection = self._context.wrap_socket(connection, server_side=True)
            _Session(connection).run()
        except OSError:
            pass  # the client is gone
        finally:
            connection.close()


class _Session:
    def __init__(self, connection):
        self._connection = connection
        self._flood = None
        self._unacknowledged = 0

    def run(self):
        received = b""
        while True:
            chunk = self._connection.recv(65536)
            if not chunk:
                return
            received = self._answer(received + chunk if received else chunk)
            while self._flood is not None and self._unacknowledged <= _FLOOD_WINDOW - _MESSAGES_PER_WRITE:
                self._send_part_of_flood()

    def _answer(self, data):
        """Answer every whole packet in `data`; returns what is left of it."""
        answers = bytearray()
        at = 0
        while True:
            end, body = _packet_end(data, at)
            if end is None:
                break
            kind = data[at] >> 4
            if kind == 3:
                self._take_publish(data[at], data[body:end], answers)
            elif kind == 4:
                self._unacknowledged -= 1
            elif kind == 1:
                answers += b"\x20\x02\x00\x00"
            elif kind == 8:
                answers += b"\x90\x03" + data[body : body + 2] + b"\x01"
            elif kind == 12:
                answers += b"\xd0\x00"
            at = end
        if answers:
            self._connection.sendall(answers)
        return data[at:]

    def _take_publish(self, first, body, answers):
        size = body[0] << 8 | body[1]
        if first & 6:
            answers += b"\x40\x02" + body[2 + size : 4 + size]
        if body.startswith(b"$flood", 2):
            self._flood = _Flood(**json.loads(body[2 + size + (first & 6) :]))

    def _send_part_of_flood(self):
        data, count = self._flood.next()
        self._connection.sendall(data)
        if self._flood.qos:
            self._unacknowledged += count
        if self._flood.count == 0:
            self._flood = None


class _Flood:
    def __init__(self, count, size, qos, topic):
        self.count = count
        self.qos = qos
        self._packet_id = 0
        self._head = struct.pack("!H", len(topic)) + topic.encode()
        self._payload = b"x" * size

    def next(self):
        """The next messages as bytes, and how many they are."""
        part = min(self.count, _MESSAGES_PER_WRITE)
        self.count -= part
        return b"".join([self._message() for _ in range(part)]), part

    def _message(self):
        body = self._head
        if self.qos:
            self._packet_id = self._packet_id % 65535 + 1
            body += struct.pack("!H", self._packet_id)
        body += self._payload
        return bytes((0x30 | self.qos << 1,)) + _length(len(body)) + body


def _length(value):
    encoded = bytearray()
    while value > 127:
        encoded.append(value & 127 | 128)
        value >>= 7
    encoded.append(value)
    return bytes(encoded)


def _packet_end(data, at):
    """Where the packet at `at` ends and its body begins; None, None when it has not arrived as a whole."""
    length = shift = 0
    body = at + 1
    while body < len(data):
        byte = data[body]
        body += 1
        length |= (byte & 127) << shift
        if byte < 128:
            return (body + length, body) if body + length <= len(data) else (None, None)
        shift += 7
    return None, None
