"""Stand-in for micropython-lib's `umqtt.simple`: the same names, signatures and behaviour, for desks where that package
cannot be fetched. Blocking, MQTT 3.1.1, QoS 0 and 1, no reconnect, no time-out of its own.
"""

import socket
import struct

_CONNACK = 0x20
_PUBLISH = 0x30
_PUBACK = 0x40
_SUBACK = 0x90
_UNSUBACK = 0xB0
_PINGRESP = 0xD0


class MQTTException(Exception):
    """The server said no; `args[0]` is the return code."""


def _length(n):
    """The variable-length number of MQTT."""
    encoded = bytearray()
    while True:
        n, low = n >> 7, n & 0x7F
        encoded.append(low | 0x80 if n else low)
        if not n:
            return encoded


def _string(text):
    data = text.encode() if isinstance(text, str) else text
    return struct.pack("!H", len(data)) + data


class MQTTClient:
    """One connection to one server."""

    def __init__(
        self,
        client_id,
        server,
        port=0,
        user=None,
        password=None,
        keepalive=0,
        ssl=None,
        ssl_params={},  # noqa: B006  (the original's signature; it is only read)
    ):
        self.client_id = client_id
        self.sock = None
        self.server = server
        self.port = port or (8883 if ssl else 1883)
        self.ssl = ssl
        self.ssl_params = ssl_params
        self.pid = 0
        self.cb = None
        self.user = user
        self.pswd = password
        self.keepalive = keepalive
        self.lw_topic = None
        self.lw_msg = None
        self.lw_qos = 0
        self.lw_retain = False

    def set_callback(self, f):
        """`f(topic, message)` is called for each message."""
        self.cb = f

    def set_last_will(self, topic, msg, retain=False, qos=0):
        """What the server publishes when the connection is lost."""
        assert 0 <= qos <= 2
        assert topic
        self.lw_topic = topic
        self.lw_msg = msg
        self.lw_qos = qos
        self.lw_retain = retain

    def connect(self, clean_session=True, timeout=None):
        """Returns 1 when the server has kept a session, else 0. Raises MQTTException when it refuses."""
        if self.sock:
            self.sock.close()
        self.sock = socket.socket()
        self.sock.settimeout(timeout)
        self.sock.connect(socket.getaddrinfo(self.server, self.port)[0][-1])
        if self.ssl is True:
            import ssl

            self.sock = ssl.wrap_socket(self.sock, **self.ssl_params)
        elif self.ssl:
            self.sock = self.ssl.wrap_socket(self.sock, server_hostname=self.server)
        self._send(0x10, self._connect_body(clean_session))
        answer = self.sock.read(4)
        assert answer[0] == _CONNACK
        assert answer[1] == 2
        if answer[3] != 0:
            raise MQTTException(answer[3])
        return answer[2] & 1

    def _connect_body(self, clean_session):
        flags = 0x02 if clean_session else 0
        payload = _string(self.client_id)
        if self.lw_topic:
            flags |= 0x04 | self.lw_qos << 3 | (0x20 if self.lw_retain else 0)
            payload += _string(self.lw_topic) + _string(self.lw_msg)
        if self.user:
            flags |= 0xC0
            payload += _string(self.user) + _string(self.pswd)
        assert self.keepalive < 65536
        return _string("MQTT") + bytes((4, flags)) + struct.pack("!H", self.keepalive) + payload

    def _send(self, first, body):
        self.sock.write(bytes((first,)) + _length(len(body)) + body)

    def disconnect(self):
        """Say farewell and close."""
        self.sock.write(b"\xe0\0")
        self.sock.close()

    def ping(self):
        """The answer is read by `wait_msg` or `check_msg`."""
        self.sock.write(b"\xc0\0")

    def publish(self, topic, msg, retain=False, qos=0):
        """With QoS 1 it waits for the acknowledgement, and serves messages meanwhile."""
        assert qos in (0, 1)
        body = _string(topic)
        if qos:
            self.pid += 1
            body += struct.pack("!H", self.pid)
        body += msg.encode() if isinstance(msg, str) else msg
        assert len(body) < 2097152
        self._send(_PUBLISH | qos << 1 | (1 if retain else 0), body)
        if qos:
            self._await_acknowledgement(_PUBACK, self.pid)

    def subscribe(self, topic, qos=0):
        """Raises MQTTException(0x80) when the server refuses."""
        assert self.cb is not None, "Subscribe callback is not set"
        self.pid += 1
        self._send(0x82, struct.pack("!H", self.pid) + _string(topic) + bytes((qos,)))
        answer = self._await_acknowledgement(_SUBACK, self.pid)
        if answer[2] == 0x80:
            raise MQTTException(answer[2])

    def unsubscribe(self, topic):
        """Waits for the acknowledgement."""
        self.pid += 1
        self._send(0xA2, struct.pack("!H", self.pid) + _string(topic))
        self._await_acknowledgement(_UNSUBACK, self.pid)

    def _await_acknowledgement(self, wanted, pid):
        while True:
            if self.wait_msg() != wanted:
                continue
            body = self.sock.read(self._read_length())
            if body[0] << 8 | body[1] == pid:
                return body
            # A late acknowledgement of an earlier PUBLISH is passed over; SUBACK and UNSUBACK come in order.
            assert wanted == _PUBACK

    def _read_length(self):
        n = shift = 0
        while True:
            byte = self.sock.read(1)[0]
            n |= (byte & 0x7F) << shift
            if not byte & 0x80:
                return n
            shift += 7

    def wait_msg(self):
        """Blocks for one packet. Returns its first byte, or None for a PINGRESP; OSError(-1) when the server closed."""
        first = self.sock.read(1)
        self.sock.setblocking(True)
        if first is None:
            return None
        if first == b"":
            raise OSError(-1)
        op = first[0]
        if op == _PINGRESP:
            assert self.sock.read(1) == b"\0"
            return None
        if op & 0xF0 == _PUBLISH:
            self._receive(op)
        return op

    def _receive(self, op):
        body = self.sock.read(self._read_length())
        end = 2 + (body[0] << 8 | body[1])
        topic = body[2:end]
        qos = op >> 1 & 3
        assert qos < 2
        if qos:
            pid = body[end : end + 2]
            end += 2
        self.cb(topic, body[end:])
        if qos:
            self.sock.write(b"\x40\x02" + pid)

    def check_msg(self):
        """As `wait_msg`, but returns None at once when nothing is there."""
        self.sock.setblocking(False)
        return self.wait_msg()
