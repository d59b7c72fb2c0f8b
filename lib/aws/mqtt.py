"""The MQTT engine with the interface of umqtt.simple, for applications that bring their own broker.

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
from asyncio import core

from umqtt.simple import MQTTClient as _BlockingClient
from umqtt.simple import MQTTException

import errors

from .engine import Engine, Timing
from .link import borrow

_REFUSED = 0x80  # return code of a SUBACK


async def _resolve(host):
    return host  # socket.getaddrinfo will ask for it, and block


class MQTTClient(Engine, _BlockingClient):
    """The first parameters are umqtt.simple's, the others those of `Engine`."""

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
        _BlockingClient.__init__(self, client_id, server, port, user, password, keepalive, ssl, ssl_params or {})
        timing = timing or Timing()
        Engine.__init__(
            self, server, self.port, keepalive, window, receive_buffer, send_buffer, timing, resolve, survive
        )
        self._arrived = asyncio.Event()

    async def connect(self, clean_session=True, timeout=None):
        """As `Engine.connect`. Errors: MQTTException(code) when the CONNACK refuses."""
        if self.ssl is True:
            self.ssl = borrow("tls").legacy_context(self.ssl_params)
        self.refusal = 0
        try:
            return await Engine.connect(self, clean_session, timeout)
        except errors.DeviceError:
            if self.refusal:
                raise MQTTException(self.refusal)
            raise

    def publish(self, topic, msg, retain=False, qos=0, timeout_ms=None):
        """As `Engine.publish`; topic and msg may be str, too."""
        return Engine.publish(self, _encoded(topic), _encoded(msg), retain, qos, timeout_ms)

    async def subscribe(self, topic, qos=0):
        """Subscribe to a filter. Errors: `not_connected` and those that end a connection; MQTTException(128) when the
        broker refuses."""
        if (await self.request([_encoded(topic)], qos))[0] >= _REFUSED:
            raise MQTTException(_REFUSED)

    async def unsubscribe(self, topic):
        """Unsubscribe from a filter."""
        await self.request([_encoded(topic)], None)

    async def ping(self):
        """Send a PINGREQ; with a keepalive that happens by itself."""
        self._connected()
        self._connection.send_last(b"\xc0\x00")

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

    def _deliver(self, topic, payload):
        self._arrived.set()
        Engine._deliver(self, topic, payload)

    def _ended(self, error):
        Engine._ended(self, error)
        self._arrived.set()


def _encoded(value):
    return value.encode() if type(value) is str else value
