"""AWS IoT for the application: connects, stays connected, publishes, hands out messages.

    aws = Aws(bus, settings, resolve)
    aws.use("thing", cert, key)
    task: await aws.run(beat)
    await aws.connected()
    await aws.subscribe("devices/thing/command", 1, handler)
    await aws.publish("devices/thing/telemetry", b"...", qos=1)

AWS IoT Core's limits and rates are checked before anything is sent. Subscriptions are remembered, and made again only
when the cloud has lost the session.
"""

import binascii
import os
import time

import errors
import events

from . import topics
from .inbox import Inbox
from .rate import Rates
from .session import Session, make_client

_TOPICS_REMEMBERED = 8
_PUBLISH_S = 60
_FIRST_YEAR = 2024  # an unset clock says 2000


def clock_is_set():
    """Whether the clock has been set since power-on: on the chip it starts in the year 2000."""
    return time.gmtime()[0] >= _FIRST_YEAR


class Aws:
    """`resolve` is a coroutine function from host name to IP address; `settings` that of lib/settings.py; `backoff` a
    `Backoff` other than the usual one."""

    def __init__(self, bus, settings, resolve, clock_is_set=clock_is_set, backoff=None):
        limits = settings.limits
        self._bus = bus
        self._inbox = Inbox(bus, limits.ring, limits.receive_buffer)
        self.messages = self._inbox.messages
        self._client = make_client(settings, resolve)
        self._client.on_dropped = self._inbox.skipped
        self._session = Session(
            bus,
            settings,
            self._client,
            clock_is_set,
            self._subscribe_all,
            self._inbox.subscriptions.lost,
            self._inbox.check,
            backoff,
        )
        self._rates = Rates(limits.publishes_per_s, limits.bytes_per_s)
        self._names = {}  # checked topics of the application: str or bytes -> bytes
        self._dropped = 0

    # Connecting

    def use(self, name, cert, key):
        """Connect with these from now on: thing name (the client id), certificate and private key as DER."""
        self._session.use(name, cert, key)

    def first_wait(self, wait_ms):
        """Let the first connection after power-on wait a random part of `wait_ms` (default: that of the back-off)."""
        self._session.first_wait_ms = wait_ms

    @property
    def is_connected(self):
        return self._session.up.is_set()

    async def connected(self):
        """Wait until connected."""
        await self._session.up.wait()

    async def run(self, beat):
        """Connect, serve, connect again; never returns. Calls `beat()` at least every 20 s while it is well."""
        self._client.set_callback(self._inbox.deliver)
        await self._session.run(beat)

    async def stop(self):
        """Send what waits, within `drain_s`; then DISCONNECT and close. `run` does not connect again."""
        await self._session.stop()
        self._inbox.stop()

    async def provision(self, template, parameters, claim, pending, keep, beat):
        """Become a thing by a claim, before `run`: returns (name, cert, key), after `keep` has kept them.

        `template`: name of the provisioning template; `parameters`: dict of str; `claim`: (cert, key) in DER;
        `pending`: what an earlier try kept, or None; `keep`: a coroutine function, see provision.py. Errors:
        `claim_refused` (only the cloud's owner can change it), `claim_failed`, those of a connection.
        """
        from .provision import provision  # once in a life: later starts save the memory

        def work():
            return provision(self._client, template, parameters, pending, keep, beat)

        client_id = "claim-" + binascii.hexlify(os.urandom(8)).decode()
        found = await self._session.with_claim(claim, client_id, beat, work)
        self._bus.emit(events.AWS_PROVISIONED, thing=found[0])
        return found

    # Publishing

    def publish(self, topic, payload, qos=0, retain=False, timeout_s=_PUBLISH_S):
        """await publish(...): returns when sent (QoS 0) or acknowledged (QoS 1). Payload: bytes, a buffer, or str.

        While not connected it waits, as long as `timeout_s`; a QoS 1 message that was on its way when the connection
        was lost is sent again on the next one.

        Errors: `limit` at once; `too_fast`, `not_connected` and the errors of a connection after a while, each with
        an event publish.dropped.
        """
        name = self._names.get(topic) or self._remember(topic)
        if type(payload) is str:
            payload = payload.encode()
        size = len(payload)
        if size > topics.PAYLOAD_LIMIT:
            raise errors.error("limit", "A payload of %d bytes" % size, "%d bytes" % topics.PAYLOAD_LIMIT)
        if retain:
            topics.check_retain(name)
        # The short way: nothing to wait for, nothing to remember, no coroutine.
        if not qos and self._session.up.is_set() and not self._rates.take(size):
            return self._client.publish(name, payload, retain)
        return self._publish(name, payload, qos, retain, timeout_s * 1000)

    def _remember(self, topic):
        name = topics.check_topic(topic)
        if len(self._names) >= _TOPICS_REMEMBERED:
            self._names.clear()
        self._names[topic] = name
        return name

    async def _publish(self, name, payload, qos, retain, timeout_ms):
        try:
            await self._rates.wait(len(payload))
            await self._client.publish(name, payload, retain, qos, timeout_ms)
        except errors.DeviceError as failure:
            self._dropped += 1
            self._bus.emit(events.PUBLISH_DROPPED, topic=str(name, "utf-8"), code=failure.code, dropped=self._dropped)
            raise
        if qos:
            self._bus.emit(events.PUBLISH_DONE, topic=str(name, "utf-8"), qos=qos)

    # Subscribing

    async def subscribe(self, topic_filter, qos=0, handler=None):
        """Hear the messages of a filter: by `handler(message)`, or without one from `messages`.

        `handler` is a coroutine function (or a plain function that is quick); message.payload is a memoryview that is
        valid until its first await. Handlers run one after the other. While not connected the subscription is
        remembered and made with the next connection. Errors: `limit`, `subscribe_refused`.
        """
        subscription = self._inbox.add(topic_filter, qos, handler)
        if not self.is_connected:
            return
        try:
            await self._grant([subscription])
        except errors.RetryError:
            return  # the connection was lost: it is made with the next one
        except errors.CloudError:
            self._inbox.remove(topic_filter)
            raise

    async def unsubscribe(self, topic_filter):
        """Hear a filter no more."""
        if self._inbox.remove(topic_filter) and self.is_connected:
            await self._client.unsubscribe(topics.check_filter(topic_filter))

    async def _subscribe_all(self):
        batch = self._inbox.subscriptions.to_grant()
        while batch:
            try:
                await self._grant(batch)
            except errors.CloudError as failure:
                self._bus.emit(events.TASK_FAILED, task="subscribe", code=failure.code, message=failure.message)
            except errors.DeviceError:
                return  # the connection ended, which `run` tells; the next one begins here again
            batch = self._inbox.subscriptions.to_grant()

    async def _grant(self, batch):
        for subscription in batch:
            subscription.granted = True  # asked for, so that nobody asks twice; a refused one would be refused again
        try:
            codes = await self._client.request_subscriptions([s.topic_filter for s in batch], batch[0].qos)
        except errors.DeviceError:
            for subscription in batch:
                subscription.granted = False
            raise
        refused = None
        for subscription, code in zip(batch, codes):
            if code > 2:
                refused = subscription
        if refused is not None:
            raise errors.error("subscribe_refused", str(refused.topic_filter, "utf-8"))
