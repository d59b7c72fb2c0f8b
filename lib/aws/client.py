"""AWS IoT for the application: stays connected, publishes, subscribes, and has shadows and jobs.

    aws = Aws(bus, settings, resolve)
    aws.use("thing", cert, key)
    task: await aws.run(beat)
    await aws.connected()
    await aws.subscribe("devices/thing/command", 1, handler)
    await aws.publish("devices/thing/telemetry", b"...", qos=1)

AWS IoT Core's limits and rates are checked before anything is sent. Subscriptions are remembered, and made again only
when the cloud has lost the session.
"""

import asyncio

import errors

from . import rate
from .inbox import Inbox
from .jobs import Jobs
from .link import borrow
from .publishing import Publisher


class Aws(Publisher):
    """`resolve(host, beat)` is a coroutine function to an IP address; `settings` that of lib/settings.py."""

    def __init__(self, bus, settings, resolve, clock_is_set=None, backoff=None):
        super().__init__(bus, settings, resolve, clock_is_set, backoff)
        limits = settings.limits
        self._inbox = Inbox(bus, limits.ring, limits.receive_buffer)
        self._client.cb = self._inbox.deliver
        self._client.on_dropped = self._inbox.skipped
        self._lost = self._inbox.forgotten
        self._services = self._inbox.services
        self.jobs = Jobs(self.attach, bus, settings)

    @property
    def messages(self):
        """The ring buffer of the messages without a handler: a `Ring`."""
        return self._inbox.messages

    async def stop(self):
        """Send what waits, within `drain_s`; then DISCONNECT and close. `run` does not connect again."""
        left_ms = self._settings.timeouts.drain_s * 1000
        if self._backlog is not None:
            left_ms = await self._backlog.drained(left_ms)
        await self.pause(left_ms)
        self._inbox.stop()

    # Subscribing

    async def subscribe(self, topic_filter, qos=0, handler=None):
        """Hear the messages of a filter: by `handler(message)`, or without one from `messages`.

        `handler` is a coroutine function (or a plain function that is quick); message.payload is a memoryview that is
        valid until its first await. Handlers run one after the other. While not connected the subscription is
        remembered and made with the next connection. Errors: `limit`, `subscribe_refused`.
        """
        await self.subscribing.acquire()
        try:
            subscription = borrow("subscribing", "topics").add(self._inbox, topic_filter, qos, handler)
            if self.is_connected:
                await borrow("granting").grant(self, subscription)
        finally:
            self.subscribing.release()

    async def unsubscribe(self, topic_filter):
        """Hear a filter no more. While not connected the cloud is told so with the next connection."""
        borrow("subscribing", "topics").remove(self._inbox, topic_filter)
        if self.is_connected:
            await borrow("granting").take_back(self)

    # Services

    def use(self, name, cert, key):
        """Connect with these from now on: thing name (the client id), certificate and private key as DER."""
        super().use(name, cert, key)
        for service in self._services:
            service.belong(name, self._tell)

    def shadow(self, name=None):
        """The device's shadow with this name, None: the classic one; see shadow.py. Errors: `limit`."""
        base = borrow("topics").shadow_base(name)
        known = self.service(base)
        if known is not None:
            return known.owner
        from .shadow import Shadow

        made = Shadow(self._bus, name, base, self.attach)
        self.attach(made.service)
        return made

    def attach(self, service, more=()):
        """Let a service of AWS IoT (service.py) ask and hear, from now on; also on `more` topics. Errors: `limit`."""
        borrow("subscribing", "topics").attach(self._inbox, service, more)
        if self._name is not None:
            service.belong(self._name, self._tell)
        if self.is_connected:
            asyncio.create_task(self._subscribe_all())

    def service(self, base):
        """The attached service with this base, or None."""
        for service in self._services:
            if service.base == base:
                return service
        return None

    async def detach(self, service):
        """Let a service neither ask nor hear any more."""
        borrow("subscribing", "topics").detach(self._inbox, service)
        if self.is_connected:
            await borrow("granting").take_back(self)

    async def _tell(self, name, payload, timeout_ms):
        await rate.wait(self._rates, len(payload))
        await self._client.publish(name, payload, False, 1, timeout_ms)

    def _tick(self):
        self._inbox.check()
        if self._inbox.takes_in() and self.is_connected:
            asyncio.create_task(self._subscribe_all())

    def _gone(self):
        super()._gone()
        for service in self._services:
            service.lost()

    async def _begin(self):
        try:
            await self._subscribe_all()
            self._drain()
            await self._tell_status("connected")
        except MemoryError:  # what is kept would wait, and the last will stand, for as long as this connection
            await self._client.disconnect("no_memory")

    async def _subscribe_all(self):
        await self.subscribing.acquire()
        try:
            try:
                await borrow("granting").grant_all(self)
            except errors.DeviceError:
                return  # the connection ended, which `run` tells; the next one begins here again
            except MemoryError:  # a deaf device is of no use: the next connection begins with more memory
                await self._client.disconnect("no_memory")
        finally:
            self.subscribing.release()
