"""Retained messages: the last one of each topic, given to whoever subscribes to exactly this topic later.

AWS gives them to no subscription with wildcards. ("Using MQTT retained messages", AWS IoT Core developer guide)
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import NamedTuple

from tools.cloud.interfaces import Memory
from tools.cloud.session import Message


class Kept(NamedTuple):
    payload: bytes
    qos: int
    changed_at: float  # Unix seconds
    message: Message  # as a new subscription gets it


class Retained:
    """At most `limit` topics; what does not fit is refused, not forgotten for something newer.

    `memory` gives what outlives the broker.
    """

    def __init__(self, limit: int, memory: Callable[[], Memory]):
        self._limit = limit
        self._memory = memory
        self._kept: dict[str, Kept] = {}

    def keep(self, message: Message, changed_at: float | None = None) -> bool:
        """Keep a message; an empty one clears its topic. False: there is no room. `changed_at`: it was kept before."""
        topic, payload, qos = message.topic, message.payload, message.qos
        again = Message(topic, payload, qos, retain=True, carried=message.carried)
        again.expires_at = message.expires_at
        kept = Kept(payload, qos, time.time() if changed_at is None else changed_at, again)
        if not payload:
            self._kept.pop(topic, None)
        elif topic not in self._kept and len(self._kept) >= self._limit:
            return False
        else:
            self._kept[topic] = kept
        if changed_at is None:
            self._memory().retained(message, kept.changed_at)
        return True

    def message(self, topic_filter: str) -> Message | None:
        """What a new subscription gets."""
        kept = self._kept.get(topic_filter)
        return None if kept is None or kept.message.is_over() else kept.message

    def topics(self) -> dict[str, Kept]:
        """Everything kept that is not over: for the control plane's ListRetainedMessages."""
        return {topic: kept for topic, kept in self._kept.items() if not kept.message.is_over()}
