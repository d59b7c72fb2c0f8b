"""Received messages: to which handler each goes, the ring buffer for the rest, and the events of what is lost.

How subscriptions come and go: subscribing.py, granting.py. Handlers and the ring buffer are loaded when there is the
first message for them.
"""

import time

from micropython import const

import events

from .packets import matches

_HANDLER_TIMEOUT_S = const(60)
_LEFT_OUT_MS = const(3600000)  # as asking's _FORBIDDEN_MS


class Subscription:
    """`topic_filter` (bytes), `qos`, `handler` (None: into the ring buffer).

    `granted` from when the cloud is asked for it until it forgets. `cuts`: connections in a row that ended meanwhile.
    """

    cuts = 0

    def __init__(self, topic_filter, qos, handler):
        self.topic_filter = topic_filter
        # A shared one is "$share/<group>/<filter>", but its messages come on topics that the filter alone covers.
        self.covers = topic_filter.split(b"/", 2)[-1] if topic_filter.startswith(b"$share/") else topic_filter
        self.qos = qos
        self.handler = handler
        self.granted = False


class Inbox:
    """`limit` messages may wait in the ring buffer, and as many for a busy handler; `size` bytes is the largest."""

    def __init__(self, bus, limit, size):
        self.services = []  # of AWS IoT's: see service.py
        self.unwanted = []  # filters that were subscribed, of which the cloud does not know yet that they are not
        self._bus = bus
        self.subscriptions = []
        self._limit = limit
        self._size = size
        self.ring = None  # the `Ring` for messages without a handler, from the first of them on
        self.handlers = None  # the `Handlers`, from the first message for one of them on
        self._topic = None  # of the last message; who hears it
        self._text = None
        self._hearers = ()
        self._service = None
        self._dropped = 0
        self._left_out_ms = None  # since when something is not asked for, because connections had ended for it

    def forgotten(self):
        """The cloud has lost the session: no subscription is granted any more."""
        for known in self.subscriptions + self.services:
            known.granted = False
        self.unwanted.clear()

    def leave_out(self):
        """Something that seems to be forbidden is not asked for any more, for an hour."""
        self._left_out_ms = time.ticks_ms()

    def takes_in(self):
        """Whether what was left out is to be asked for again: it may be that the cloud was unstable for a while."""
        if self._left_out_ms is None or time.ticks_diff(time.ticks_ms(), self._left_out_ms) < _LEFT_OUT_MS:
            return False
        self._left_out_ms = None
        for known in self.subscriptions + self.services:
            if known.cuts:
                known.granted = False
        for service in self.services:
            if not service.granted:
                service.ready.clear()
        return True

    def changed(self):
        """Subscriptions have changed: look the next topic up again."""
        self._topic = None

    # Messages

    def deliver(self, topic, payload):
        """Give a message (bytes, memoryview) to each subscription that covers its topic; to the ring when none does."""
        if topic is not self._topic:  # the engine gives the same object while the topic stays the same
            self._find_hearers(topic)
        if self._service is not None:
            # At once, past the handlers: one of them may wait for this very answer.
            self._service.hear(self._text[len(self._service.prefix) :], payload)
        for handler in self._hearers:
            if handler is None:
                self._keep(self._text, payload)
            else:
                self.hand(handler, self._text, payload)

    def _find_hearers(self, topic):
        self._topic = None  # until its handlers are known, for which there may be no memory
        self._hearers = ()
        self._service = None
        self._text = _text(topic)
        if self._text is None:
            self._topic = topic
            self._drop(repr(topic), "bad_topic")
            return
        self._service = self._find_service(topic)
        hearers = []
        for known in self.subscriptions:
            if matches(known.covers, topic) and known.handler not in hearers:
                hearers.append(known.handler)
        if not hearers and self._service is None:
            hearers.append(None)
        self._hearers = hearers
        self._topic = topic

    def _find_service(self, topic):
        found = None
        for service in self.services:
            # A classic shadow's topics begin like those of the named ones.
            if topic.startswith(service.prefix) and (found is None or len(service.prefix) > len(found.prefix)):
                found = service
        return found

    def hand(self, handler, topic, payload):
        """Give a message to this handler; it waits for its turn."""
        if self.handlers is None:
            try:
                from .handlers import Handlers
                from .ring import Ring

                waiting = Ring(self._limit, self._size)
                self.handlers = Handlers(waiting, _HANDLER_TIMEOUT_S, self._drop, self._tell_failure, self._bus.trace)
            except MemoryError:
                self._drop(topic, "no_memory")
                return
        self.handlers.hand(handler, topic, payload)

    @property
    def messages(self):
        """`ring`, loaded where it is not yet."""
        if self.ring is None:
            from .ring import Ring

            self.ring = Ring(self._limit, 2 * self._size)
        return self.ring

    def check(self):
        """To be called about once a second: a handler may have to be cancelled."""
        if self.handlers is not None:
            self.handlers.check()

    def stop(self):
        """Cancel the handler at work and forget the messages that wait for it."""
        if self.handlers is not None:
            self.handlers.stop()

    def _keep(self, topic, payload):
        try:
            gave_way = (self.ring or self.messages).keep(topic, payload)
        except MemoryError:
            self._drop(topic, "no_memory")
            return
        if gave_way:
            self._drop(self.ring.lost, "ring_full", gave_way)

    # What is lost

    def skipped(self, topic, reason):
        """The engine did not take a message, for the reason "too_large" or "no_memory"."""
        text = _text(topic)
        service = self._find_service(topic)
        if service is not None and text is not None:
            service.skipped(text[len(service.prefix) :], reason)
        self._drop(text or repr(topic), reason)

    def _drop(self, topic, reason, count=1):
        self._dropped += count
        try:
            self._bus.emit(events.MESSAGE_DROPPED, topic=topic, reason=reason, dropped=self._dropped)
        except MemoryError:
            pass  # the next one tells how many

    def _tell_failure(self, topic, failure):
        self._bus.emit(events.TASK_FAILED, task="handler of %s" % topic, code=failure.code, message=failure.message)


def _text(topic):
    try:
        return str(topic, "utf-8")
    except UnicodeError:
        return None
