"""Received messages: who hears them, the ring buffer for those without a handler, and the events of what is lost."""

import events

from . import topics
from .handlers import Handlers
from .ring import Message, Ring
from .subscriptions import Subscriptions

_HANDLER_TIMEOUT_S = 60


class Inbox:
    """`limit` messages may wait in the ring buffer, and as many for a busy handler; `size` bytes is the largest."""

    def __init__(self, bus, limit, size):
        self.messages = Ring(limit, 2 * size)
        self.subscriptions = Subscriptions()
        self._bus = bus
        self._handlers = Handlers(Ring(limit, size), _HANDLER_TIMEOUT_S, self._drop, self._tell_failure)
        self.check = self._handlers.check
        self.stop = self._handlers.stop
        self._topic = None  # of the last message; who hears it
        self._text = None
        self._hearers = ()
        self._dropped = 0

    def handler_timeout(self, seconds):
        """A handler may take this long (default: a minute)."""
        self._handlers.timeout_s = seconds

    def add(self, topic_filter, qos, handler):
        """Remember a subscription and return it. Errors: `limit`."""
        subscription = self.subscriptions.add(topic_filter, qos, handler)
        self._topic = None
        if handler is not None:
            self._hand_over(subscription)
        return subscription

    def remove(self, topic_filter):
        """Forget a subscription; returns whether there was one."""
        self._topic = None
        return self.subscriptions.remove(topic_filter)

    def _hand_over(self, subscription):
        """What a kept session delivered before the application subscribed has waited in the ring."""
        for _ in range(self.messages.any()):
            message = self.messages.get_nowait()
            if topics.matches(subscription.topic_filter, message.topic.encode()):
                self._handlers.hand(subscription.handler, message.topic, message.payload)
            else:
                self.messages.put(message)

    def deliver(self, topic, payload):
        """Give a message (bytes, memoryview) to everybody who hears its topic; to the ring when nobody does."""
        if topic is not self._topic:  # the engine gives the same object while the topic stays the same
            self._find_hearers(topic)
        for handler in self._hearers:
            if handler is None:
                self._keep(self._text, payload)
            else:
                self._handlers.hand(handler, self._text, payload)

    def _find_hearers(self, topic):
        self._topic = topic
        self._hearers = ()
        self._text = _text(topic)
        if self._text is None:
            self._drop(repr(topic), "bad_topic")
            return
        hearers = []
        for subscription in self.subscriptions.of(topic):
            if subscription.handler not in hearers:
                hearers.append(subscription.handler)
        self._hearers = hearers or (None,)

    def _keep(self, topic, payload):
        try:
            gave_way = self.messages.put(Message(topic, bytes(payload)))
        except MemoryError:
            self._drop(topic, "no_memory")
            return
        if gave_way:
            self._drop(topic, "ring_full", gave_way)

    def skipped(self, topic, reason):
        """The engine did not take a message."""
        self._drop(_text(topic) or repr(topic), reason)

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
