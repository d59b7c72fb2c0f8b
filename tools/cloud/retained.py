"""Retained messages: the last one of each topic, given to whoever subscribes later."""

from __future__ import annotations

from collections.abc import Iterator

from tools.cloud.session import Message
from tools.cloud.topics import Subscriptions


class Retained:
    """At most `limit` topics; what does not fit is refused, not forgotten for something newer."""

    def __init__(self, limit: int):
        self._limit = limit
        self._messages: dict[str, Message] = {}

    def keep(self, topic: str, payload: bytes, qos: int) -> bool:
        """Keep a message; an empty one clears its topic. False when there is no room."""
        if not payload:
            self._messages.pop(topic, None)
            return True
        if topic not in self._messages and len(self._messages) >= self._limit:
            return False
        self._messages[topic] = Message(topic, payload, qos, retain=True)
        return True

    def matching(self, topic_filter: str) -> Iterator[Message]:
        if "+" not in topic_filter and "#" not in topic_filter:
            exact = self._messages.get(topic_filter)
            if exact is not None:
                yield exact
            return
        tree: Subscriptions[None] = Subscriptions()
        tree.add(topic_filter, None, 0)
        yield from (message for topic, message in list(self._messages.items()) if tree.matching(topic))

    def topics(self) -> dict[str, tuple[bytes, int]]:
        """Everything kept: topic -> (payload, QoS). For the control plane's ListRetainedMessages."""
        return {topic: (message.payload, message.qos) for topic, message in self._messages.items()}
