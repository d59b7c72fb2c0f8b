"""Received messages: subscriptions, who hears what, the ring buffer for the rest, and the events of what is lost."""

from micropython import const

import errors
import events

from . import topics
from .handlers import Handlers
from .ring import Message, Ring

_HANDLER_TIMEOUT_S = const(60)
_SUBSCRIPTIONS = const(50)  # of a connection: AWS's limit
_FILTERS_PER_SUBSCRIBE = const(8)  # AWS's limit


class Subscription:
    """`topic_filter` (bytes), `qos`, `handler` (None: into the ring buffer).

    `granted` from when the cloud is asked for it until it forgets.
    """

    def __init__(self, topic_filter, qos, handler):
        self.topic_filter = topic_filter
        self.qos = qos
        self.handler = handler
        self.granted = False


class Inbox:
    """`limit` messages may wait in the ring buffer, and as many for a busy handler; `size` bytes is the largest."""

    def __init__(self, bus, limit, size):
        self.messages = Ring(limit, 2 * size)
        self.services = []  # of AWS IoT's: see service.py
        self.unwanted = []  # filters that were subscribed, of which the cloud does not know yet that they are not
        self._bus = bus
        self._subscriptions = []
        self._handlers = Handlers(Ring(limit, size), _HANDLER_TIMEOUT_S, self._drop, self._tell_failure, bus.trace)
        self.check = self._handlers.check
        self.stop = self._handlers.stop
        self._topic = None  # of the last message; who hears it
        self._text = None
        self._hearers = ()
        self._service = None
        self._dropped = 0

    def handler_timeout(self, seconds):
        """A handler may take this long (default: a minute)."""
        self._handlers.timeout_s = seconds

    # Subscriptions

    def add(self, topic_filter, qos, handler):
        """Remember a subscription, in place of one with the same filter; returns it. Errors: `limit`."""
        known = self._subscriptions
        subscription = Subscription(topics.check_filter(topic_filter), qos, handler)
        at = self._position(subscription.topic_filter)
        if subscription.topic_filter in self.unwanted:
            self.unwanted.remove(subscription.topic_filter)
        if at < len(known):
            known[at] = subscription
        else:
            self._check_room(1)
            known.append(subscription)
        self._topic = None
        if handler is not None:
            self._hand_over(subscription)
        return subscription

    def attach(self, service, more):
        """Give the messages of a service to it, also those of `more` topics. Errors: `limit`."""
        if service in self.services:
            self._check_room(len(more))
            service.ready.clear()
        else:
            self._check_room(len(service.listens) + len(more))
            self.services.append(service)
        service.listens += more
        service.granted = False
        self._topic = None

    def detach(self, service):
        """Forget a service."""
        self.services.remove(service)
        self._topic = None
        if service.granted:
            self._take_back(service.filters())

    def _check_room(self, count):
        for service in self.services:
            count += len(service.listens)
        if len(self._subscriptions) + count > _SUBSCRIPTIONS:
            raise errors.error("limit", "One more subscription", "%d" % _SUBSCRIPTIONS)

    def remove(self, topic_filter, refused=False):
        """Forget a subscription, if there is one; `refused`: the cloud never had it."""
        name = topics.check_filter(topic_filter)
        at = self._position(name)
        self._topic = None
        if at == len(self._subscriptions):
            return
        del self._subscriptions[at]
        if not refused:
            self._take_back((name,))

    def _take_back(self, filters):
        self.unwanted.extend(filters)
        del self.unwanted[:-_SUBSCRIPTIONS]

    def _position(self, name):
        """Where the subscription with this filter is; behind the last one when there is none."""
        for at, known in enumerate(self._subscriptions):
            if known.topic_filter == name:
                return at
        return len(self._subscriptions)

    def forgotten(self):
        """The cloud does not know our session: nothing is granted."""
        for known in self._subscriptions + self.services:
            known.granted = False
        self.unwanted.clear()

    def to_grant(self):
        """Subscriptions not yet granted, all of one QoS, as many as fit one SUBSCRIBE; empty when there are none."""
        batch = []
        for known in self._subscriptions:
            if not known.granted and (not batch or known.qos == batch[0].qos):
                batch.append(known)
        return batch[:_FILTERS_PER_SUBSCRIBE]

    def _hand_over(self, subscription):
        """What a kept session delivered before the application subscribed has waited in the ring."""
        for _ in range(self.messages.any()):
            message = self.messages.get_nowait()
            if topics.matches(subscription.topic_filter, message.topic.encode()):
                self._handlers.hand(subscription.handler, message.topic, message.payload)
            else:
                self.messages.put(message)

    # Messages

    def deliver(self, topic, payload):
        """Give a message (bytes, memoryview) to everybody who hears its topic; to the ring when nobody does."""
        if topic is not self._topic:  # the engine gives the same object while the topic stays the same
            self._find_hearers(topic)
        if self._service is not None:
            # At once, past the handlers: one of them may wait for this very answer.
            self._service.hear(self._text[len(self._service.prefix) :], payload)
        for handler in self._hearers:
            if handler is None:
                self._keep(self._text, payload)
            else:
                self._handlers.hand(handler, self._text, payload)

    def _find_hearers(self, topic):
        self._topic = topic
        self._hearers = ()
        self._service = None
        self._text = _text(topic)
        if self._text is None:
            self._drop(repr(topic), "bad_topic")
            return
        self._service = self._find_service(topic)
        hearers = []
        for known in self._subscriptions:
            if topics.matches(known.topic_filter, topic) and known.handler not in hearers:
                hearers.append(known.handler)
        if not hearers and self._service is None:
            hearers.append(None)
        self._hearers = hearers

    def _find_service(self, topic):
        found = None
        for service in self.services:
            # A classic shadow's topics begin like those of the named ones.
            if topic.startswith(service.prefix) and (found is None or len(service.prefix) > len(found.prefix)):
                found = service
        return found

    def _keep(self, topic, payload):
        try:
            gave_way = self.messages.put(Message(topic, bytes(payload)))
        except MemoryError:
            self._drop(topic, "no_memory")
            return
        if gave_way:
            self._drop(topic, "ring_full", gave_way)

    # What is lost

    def skipped(self, topic, reason):
        """The engine did not take a message."""
        text = _text(topic)
        service = self._find_service(topic)
        if service is not None and text is not None:
            service.skipped(text[len(service.prefix) :])
        self._drop(text or repr(topic), reason)

    def _drop(self, topic, reason, count=1):
        self._dropped += count
        self._bus.emit(events.MESSAGE_DROPPED, topic=topic, reason=reason, dropped=self._dropped)

    def _tell_failure(self, topic, failure):
        self._bus.emit(events.TASK_FAILED, task="handler of %s" % topic, code=failure.code, message=failure.message)


def _text(topic):
    try:
        return str(topic, "utf-8")
    except UnicodeError:
        return None
