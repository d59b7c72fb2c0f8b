"""An asyncio MQTT 3.1.1 client: QoS 0 and 1, many messages in flight, no blocking. mqtt.py gives it umqtt's API."""

import sys
from asyncio import core

from micropython import const

import errors

from .link import borrow
from .outbox import Outbox
from .receiver import Receiver

_PUBLISH = const(0x30)
_SUBSCRIBE = const(0x82)
_UNSUBSCRIBE = const(0xA2)


def _nothing():
    return
    yield


# Returned by a publish that is sent already: a coroutine that ends at once, shared, so that it costs nothing.
SENT = _nothing()


class Timing:
    """How long to wait, in milliseconds, and how often to try."""

    def __init__(self, connect_ms=10000, handshake_ms=20000, connack_ms=6000, ack_ms=6000, tries=3, publish_ms=60000):
        self.connect_ms = connect_ms  # for the TCP connection
        self.handshake_ms = handshake_ms  # for TLS
        self.connack_ms = connack_ms  # for the CONNACK
        self.ack_ms = ack_ms  # for an acknowledgement, before the packet is sent again
        self.tries = tries  # how often a packet is sent before the connection is given up
        self.publish_ms = publish_ms  # for a publish, subscribe or unsubscribe as a whole
        self.keepalive_ms = 0  # set by the engine


class Engine:
    """A client for the broker `server`:`port`; `keepalive` in seconds.

    `window`: how many packets may wait for their acknowledgement at once. `receive_buffer`: bytes; a message larger
    than that, or than the free memory, is skipped, acknowledged and told to `on_dropped(topic, reason)`.
    `send_buffer`: bytes; a larger publish is written in two pieces. `timing`: a `Timing`. `resolve`: a coroutine
    function, host name to IP address. With `survive` what was not acknowledged when the connection was lost is sent
    again after the next `connect`, until its own timeout; without it fails at once.

    Set before `connect`: `client_id`; `address`, the server's, for the next one, which else asks for it; `ssl`, the
    SSLContext; `cb(topic, message)`, which gets the received messages: bytes, and a memoryview that is valid until it
    returns.
    """

    client_id = ""
    address = ssl = cb = on_dropped = user = pswd = lw_topic = None

    def __init__(self, server, port, keepalive, window, receive_buffer, send_buffer, timing, resolve, survive):
        self.server = server
        self.port = port
        self.keepalive = keepalive
        self.timing = timing
        timing.keepalive_ms = keepalive * 1000
        self.survive = survive
        self.error = None  # why the last connection ended
        self.refusal = 0  # the code by which the last CONNACK refused
        self.resolve = resolve
        self.receiver = Receiver(receive_buffer)
        self._send_buffer = bytearray(send_buffer)
        self.network = None  # as that of link.py
        self._outbox = Outbox(window)
        self._connection = None

    @property
    def is_connected(self):
        return self._connection is not None and self._connection.ready

    def is_unheard(self):
        """As `Connection.is_unheard`."""
        return self.is_connected and self._connection.is_unheard()

    # Connecting

    async def connect(self, clean_session=True, timeout=None):
        """Connect; returns 1 when the broker has kept the session, else 0. `timeout`: seconds for the TCP connection.

        Errors: those of `resolve` and of dial.py; `no_connack`, `not_authorised`, `server_busy`, `protocol`.
        """
        return await borrow("opening").connect(self, clean_session, timeout)

    def begin(self, make, link):
        """Serve `link`, on which CONNECT was sent, by the `connection.Connection` that `make` makes."""
        self._connection = connection = make(
            link, self.receiver, self._outbox, self._send_buffer, self.timing, self._deliver, self._drop, self._ended
        )
        self.sock = link.stream
        self.error = None
        connection.start()
        return connection

    def _ended(self, error):
        self._connection = None
        self.sock = None
        self.error = error
        self._outbox.fail(error)

    async def disconnect(self, code="not_connected", *details):
        """Tell the broker, and close, for the reason of an error code. What still waits fails with it, or survives."""
        connection = self._connection
        if connection is not None:
            connection.send_last(b"\xe0\x00")
            connection.fail(errors.error(code, *details))

    async def drain(self, timeout_ms):
        """Wait until everything is sent and acknowledged; False when that takes longer."""
        while not self._outbox.idle() and timeout_ms > 0:
            await core.sleep_ms(20)
            timeout_ms -= 20
        return self._outbox.idle()

    def expire(self):
        """Fail what waits past its timeout, while not connected: the owner of the reconnects calls it."""
        return self._outbox.expire("not_connected")

    # Sending

    def publish(self, topic, msg, retain=False, qos=0, timeout_ms=None, survive=True):
        """await publish(...): returns when the message is written (QoS 0) or acknowledged (QoS 1).

        topic: bytes; msg: any buffer of bytes, which must not change meanwhile. A QoS 0 message is written at once,
        without a coroutine. `timeout_ms`: other than timing's publish_ms. `survive` False: it fails with the
        connection, whatever holds for the others. Errors: `not_connected`, `no_acknowledgement`, `connection_lost` and
        the others that end a connection; `not_supported` for QoS 2.
        """
        if qos == 0 and self._connection is not None and self._connection.publish_now(topic, msg, retain):
            return SENT
        return self._request(_PUBLISH | qos << 1 | (1 if retain else 0), topic, msg, qos, timeout_ms, survive)

    async def request(self, filters, qos):
        """Subscribe to several filters (list of bytes) by one packet; unsubscribe where `qos` is None.

        Returns the broker's code for each filter (bytes), or None. One without an answer in its time ends the
        connection, so that the next one asks again.
        """
        self._connected()
        try:
            granted = await self._request(_UNSUBSCRIBE if qos is None else _SUBSCRIBE, filters, qos, 1)
        except errors.RetryError as failure:
            await self.disconnect(failure.code)
            raise
        if qos is not None and len(granted) != len(filters):
            await self.disconnect("protocol", "a SUBACK of %d codes for %d filters" % (len(granted), len(filters)))
            raise self.error
        return granted

    async def _request(self, first, topic, payload, qos, timeout_ms=None, survive=False):
        """Send a packet in its turn and wait for its end; returns the codes of a SUBACK."""
        if not qos:
            await core.sleep_ms(0)  # a stream of QoS 0 messages must not keep the loop from the others
            if self._connection is not None and self._connection.publish_now(topic, payload, first & 1):
                return None
        elif qos != 1:
            raise errors.error("not_supported", "QoS %d" % qos)
        if len(topic) + 9 > len(self._send_buffer):
            raise errors.error("limit", "A topic of %d bytes" % len(topic), "less than the send buffer")
        survive = survive and self.survive
        if not survive:
            self._connected()
        outbox = self._outbox
        if timeout_ms is None:
            timeout_ms = self.timing.publish_ms
        request = outbox.take(first, topic, payload, qos, timeout_ms, survive)
        try:
            outbox.add(request)
            if self._connection is not None:
                self._connection.pump()
            await request.done.wait()
            if request.error is not None:
                raise request.error
            return request.granted
        finally:
            if self._connection is not None:
                self._connection.abandon(request)
            outbox.give_back(request)

    def _connected(self):
        if not self.is_connected:
            raise errors.error("not_connected")

    # Receiving

    def _deliver(self, topic, payload):
        if self.cb is None:
            return
        try:
            self.cb(topic, payload)
        except MemoryError:  # it is acknowledged all the same
            self._drop(topic, "no_memory")
        except Exception as failure:  # noqa: BLE001 - the callback's own fault: it must not end the connection
            sys.print_exception(failure)

    def _drop(self, topic, reason):
        if self.on_dropped is not None:
            self.on_dropped(topic, reason)
