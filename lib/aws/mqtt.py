"""An asyncio MQTT 3.1.1 client with the interface of umqtt.simple: QoS 0 and 1, many messages in flight, no blocking.

    client = MQTTClient("me", "broker.example", ssl=context, keepalive=60)
    client.set_callback(lambda topic, message: print(topic, bytes(message)))
    await client.connect()
    await client.subscribe(b"commands/#", qos=1)
    await client.publish(b"hello", b"world", qos=1)         # returns when acknowledged

What differs from umqtt.simple: everything that does I/O is awaited; messages arrive by themselves while connected
(`wait_msg` only waits for one); the callback's message is a memoryview that is valid until the callback returns; a
lost connection is an errors.DeviceError. `connect` and `subscribe` raise MQTTException(code) where the broker refuses.
"""

import asyncio
import sys
from asyncio import core

from umqtt.simple import MQTTClient as _BlockingClient
from umqtt.simple import MQTTException

import errors

from . import failures, packets, tls
from .connection import Connection
from .link import Link
from .outbox import Outbox
from .receiver import Receiver

_REFUSED = 0x80  # return code of a SUBACK
_DISCONNECT_MS = 1000


def _nothing():
    return
    yield


def _finished():
    generator = _nothing()
    for _ in generator:
        pass
    return generator


# A coroutine at its end: awaiting it costs nothing, again and again. What a publish returns that is already sent.
_DONE = _finished()


class Timing:
    """How long to wait, in milliseconds, and how often to try."""

    def __init__(self, connect_ms=10000, handshake_ms=20000, connack_ms=6000, ack_ms=6000, tries=3, publish_ms=60000):
        self.connect_ms = connect_ms  # for the TCP connection
        self.handshake_ms = handshake_ms  # for TLS
        self.connack_ms = connack_ms  # for the CONNACK
        self.ack_ms = ack_ms  # for an acknowledgement, before the packet is sent again
        self.tries = tries  # how often a packet is sent before the connection is given up
        self.publish_ms = publish_ms  # for a publish, subscribe or unsubscribe as a whole
        self.keepalive_ms = 0  # set by the client


async def _resolve(host):
    return host  # socket.getaddrinfo will ask for it, and block


class MQTTClient(_BlockingClient):
    """The first parameters are umqtt.simple's.

    `receive_buffer`, `send_buffer`: bytes; a larger message is skipped and told to `on_dropped(topic, reason)`, a
    larger publish is written in two pieces. `window`: how many packets may wait for their acknowledgement at once.
    `timing`: a `Timing`. `resolve`: a coroutine function, host name to IP address. With `survive` what was not
    acknowledged when the connection was lost is sent again after the next `connect`, until its own timeout; without it
    fails at once.
    """

    def __init__(
        self,
        client_id,
        server,
        port=0,
        user=None,
        password=None,
        keepalive=0,
        ssl=None,
        ssl_params=None,
        *,
        receive_buffer=6144,
        send_buffer=1024,
        window=10,
        timing=None,
        resolve=_resolve,
        survive=False,
    ):
        super().__init__(client_id, server, port, user, password, keepalive, ssl, ssl_params or {})
        self.timing = timing or Timing()
        self.timing.keepalive_ms = keepalive * 1000
        self.error = None  # why the last connection ended
        self.on_dropped = None
        self._resolve = resolve
        self.survive = survive
        self._receiver = Receiver(receive_buffer)
        self._send_buffer = bytearray(send_buffer)
        self._outbox = Outbox(window)
        self._connection = None
        self._arrived = asyncio.Event()

    @property
    def is_connected(self):
        return self._connection is not None and self._connection.ready

    # Connecting

    async def connect(self, clean_session=True, timeout=None):
        """Connect; returns 1 when the broker has kept the session, else 0. `timeout`: seconds for the TCP connection.

        Errors: all of "the road to the cloud" in errors.py; MQTTException(code) when the CONNACK refuses.
        """
        if self._connection is not None:
            await self.disconnect()
        timing = self.timing
        link = Link(self.server, self.port)
        try:
            address = await self._resolve(self.server)
            await link.open(address, timeout * 1000 if timeout else timing.connect_ms)
            await link.start(self._context(), self._connect_packet(clean_session), timing.handshake_ms)
        except BaseException:  # a cancelled connect must close its socket, too
            link.close()
            raise
        return await self._open(link)

    async def _open(self, link):
        connection = Connection(
            link, self._receiver, self._outbox, self._send_buffer, self.timing, self._deliver, self._drop, self._ended
        )
        self._connection = connection
        self.sock = link.stream
        self.error = None
        connection.start()
        try:
            await asyncio.wait_for_ms(connection.opened.wait(), self.timing.connack_ms)
        except asyncio.TimeoutError:
            connection.fail(errors.error("no_connack"))
        except asyncio.CancelledError:
            connection.fail(errors.error("connection_lost", "connect was cancelled"))
            raise
        if connection.refusal:
            connection.fail(errors.error("not_authorised", "CONNACK code %d" % connection.refusal))
            raise MQTTException(connection.refusal)
        if connection.error is not None and connection.answered:
            raise connection.error
        if connection.error is not None:
            raise failures.unanswered_failure(connection.error)
        return connection.session_present

    def _context(self):
        return tls.legacy_context(self.ssl_params) if self.ssl is True else self.ssl

    def _connect_packet(self, clean_session):
        will = (self.lw_topic, self.lw_msg, self.lw_qos, self.lw_retain) if self.lw_topic else None
        return packets.connect(self.client_id, self.keepalive, clean_session, self.user, self.pswd, will)

    def _ended(self, error):
        self._connection = None
        self.sock = None
        self.error = error
        self._outbox.fail(error, self.survive)
        self._arrived.set()

    async def disconnect(self, code="not_connected", *details):
        """Tell the broker, and close, for the reason of an error code. What still waits fails with it, or survives."""
        connection = self._connection
        if connection is not None:
            connection.send_last(packets.DISCONNECT_PACKET)
            connection.fail(errors.error(code, *details))

    async def drain(self, timeout_ms):
        """Wait until everything is sent and acknowledged; False when that takes longer."""
        waited_ms = 0
        while not self._outbox.idle and waited_ms < timeout_ms:
            await core.sleep_ms(20)
            waited_ms += 20
        return self._outbox.idle

    def expire(self):
        """Fail what waits past its timeout, while not connected: the owner of the reconnects calls it."""
        return self._outbox.expire(errors.error("not_connected"))

    # Sending

    async def ping(self):
        """Send a PINGREQ; with a keepalive that happens by itself."""
        self._connected().send_last(packets.PINGREQ_PACKET)

    def publish(self, topic, msg, retain=False, qos=0, timeout_ms=None):
        """await publish(...): returns when the message is written (QoS 0) or acknowledged (QoS 1).

        topic and msg: bytes, or str; msg may be any buffer of bytes, which must not change meanwhile. A QoS 0 message
        of bytes is written at once, without a coroutine. `timeout_ms`: other than timing's publish_ms. Errors:
        `not_connected`, `no_acknowledgement`, `connection_lost` and the others that end a connection.
        """
        if type(topic) is str:
            topic = topic.encode()
        if type(msg) is str:
            msg = msg.encode()
        if qos == 0 and self._connection is not None and self._connection.publish_now(topic, msg, retain):
            return _DONE
        if qos > 1 or len(topic) + 9 > len(self._send_buffer):
            return self._refuse(topic, qos)
        first = packets.PUBLISH | qos << 1 | (1 if retain else 0)
        return self._request(first, topic, msg, qos, timeout_ms or self.timing.publish_ms)

    async def _refuse(self, topic, qos):
        if qos > 1:
            raise errors.error("not_supported", "QoS %d" % qos)
        raise errors.error("limit", "A topic of %d bytes" % len(topic), "less than the send buffer")

    async def subscribe(self, topic, qos=0):
        """Subscribe to a filter. Errors: `not_connected` and those that end a connection; MQTTException(128) when the
        broker refuses."""
        if (await self.request_subscriptions([_encoded(topic)], qos))[0] >= _REFUSED:
            raise MQTTException(_REFUSED)

    async def request_subscriptions(self, filters, qos=0):
        """Subscribe to several filters (list of bytes) by one packet; returns the broker's code for each (bytes)."""
        self._connected()
        granted = await self._request(packets.SUBSCRIBE, filters, qos, 1, self.timing.publish_ms)
        if len(granted) != len(filters):
            raise errors.error("protocol", "a SUBACK of %d codes for %d filters" % (len(granted), len(filters)))
        return granted

    async def unsubscribe(self, topic):
        """Unsubscribe from a filter."""
        self._connected()
        await self._request(packets.UNSUBSCRIBE, [_encoded(topic)], None, 1, self.timing.publish_ms)

    async def _request(self, first, topic, payload, qos, timeout_ms):
        """Send a packet in its turn and wait for its end; returns the codes of a SUBACK."""
        if not qos:
            await core.sleep_ms(0)  # a stream of QoS 0 messages must not keep the loop from the others
            if self._connection is not None and self._connection.publish_now(topic, payload, first & packets.RETAIN):
                return None
        if not self.survive:
            self._connected()
        outbox = self._outbox
        request = outbox.take(first, topic, payload, qos, timeout_ms)
        try:
            outbox.add(request)
            if self._connection is not None:
                self._connection.pump()
            await request.done.wait()
            if request.error is not None:
                raise request.error
            return request.granted
        finally:
            outbox.give_back(request)

    def _connected(self):
        if not self.is_connected:
            raise errors.error("not_connected")
        return self._connection

    # Receiving

    def _deliver(self, topic, payload):
        self._arrived.set()
        if self.cb is None:
            return
        try:
            self.cb(topic, payload)
        except Exception as failure:  # noqa: BLE001 - the callback's own fault: it must not end the connection
            sys.print_exception(failure)

    def _drop(self, topic, reason):
        if self.on_dropped is not None:
            self.on_dropped(topic, reason)

    async def wait_msg(self):
        """Wait until the next message has been handed to the callback. Errors: what ended the connection."""
        self._connected()
        self._arrived.clear()
        await self._arrived.wait()
        if self.error is not None:
            raise self.error

    async def check_msg(self):
        """Give the messages that have arrived a turn to be handed over."""
        await core.sleep_ms(0)
        self._connected()


def _encoded(value):
    return value.encode() if isinstance(value, str) else value
