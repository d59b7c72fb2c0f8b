"""Retained messages: the last one of each topic, given to whoever subscribes to exactly this topic later.

AWS gives them to no subscription with wildcards. ("Using MQTT retained messages", AWS IoT Core developer guide)
"""

from __future__ import annotations

import time
from typing import NamedTuple

from tools.cloud.session import Message


class Kept(NamedTuple):
    payload: bytes
    qos: int
    changed_at: float  # Unix seconds


class Retained:
    """At most `limit` topics; what does not fit is refused, not forgotten for something newer."""

    def __init__(self, limit: int):
        self._limit = limit
        self._kept: dict[str, Kept] = {}

    def keep(self, topic: str, payload: bytes, qos: int, changed_at: float | None = None) -> Kept | None:
        """Keep a message; an empty one clears its topic. None when there is no room."""
        kept = Kept(payload, qos, time.time() if changed_at is None else changed_at)
        if not payload:
            self._kept.pop(topic, None)
        elif topic not in self._kept and len(self._kept) >= self._limit:
            return None
        else:
            self._kept[topic] = kept
        return kept

    def message(self, topic_filter: str) -> Message | None:
        """What a new subscription gets."""
        kept = self._kept.get(topic_filter)
        return None if kept is None else Message(topic_filter, kept.payload, kept.qos, retain=True)

    def topics(self) -> dict[str, Kept]:
        """Everything kept: for the control plane's ListRetainedMessages."""
        return dict(self._kept)
